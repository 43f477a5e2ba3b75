"""ModelDeployment, as a table of contents: decide, remember, then make it so."""

from datetime import datetime
from functools import partial

from treadle.connections.installation import Installation
from treadle.plan import Kind, Plan
from treadle.serving.accept import tell_accepted
from treadle.serving.commands import tell_commands
from treadle.serving.deploy import deploy, expose, retire
from treadle.serving.drift.accuracy import note_accuracy
from treadle.serving.drift.watch import tell_drift, watch
from treadle.serving.feedback import tell_feedback
from treadle.serving.gateway import route, tell_route
from treadle.serving.monitor import monitor, tell_monitoring
from treadle.serving.observe import Serving, observe
from treadle.serving.promote import decide_promotion, promote, tell_promotion
from treadle.serving.refusal_tag import note_tagged, tag_refused
from treadle.serving.report import report
from treadle.serving.rollout import decide
from treadle.serving.scale import scale
from treadle.serving.tell import tell_model, tell_pods, tell_rollout
from treadle.serving.traffic import divide, expose_canary


def plan(serving: Serving, now: datetime) -> Plan:
    """What to do with a ModelDeployment now. Actions follow from what status remembers; what is decided in this look is remembered first."""
    if serving.deleting:
        return Plan()
    decided = note_tagged(serving, decide_promotion(serving, decide(serving, now), now))
    decided = note_accuracy(serving, watch(serving, decided, now), now)
    return Plan.all(
        deploy(serving),
        expose(serving),
        route(serving),
        expose_canary(serving, now),
        divide(serving, now),
        scale(serving),
        retire(serving),
        monitor(serving),
        promote(serving),
        tag_refused(serving),
        tell_accepted(serving),
        tell_model(serving),
        tell_pods(serving, decided),
        tell_rollout(serving, decided, now),
        tell_promotion(serving, decided),
        tell_drift(serving, decided, now),
        tell_feedback(serving),
        tell_monitoring(serving),
        tell_route(serving),
        tell_commands(serving, decided),
        status=report(serving, decided),
    )


def model_deployment(installation: Installation) -> Kind[Serving]:
    """The kind, for one installation."""
    return Kind(
        name="ModelDeployment",
        observe=partial(observe, installation=installation),
        plan=plan,
        ready=("Available",),
        phases=(
            ("RolloutProgressing", True, "RollingOut"),
            ("Available", True, "Serving"),
            ("ModelResolved", False, "AwaitingModel"),
            ("Available", False, "Starting"),
        ),
    )
