"""What people are told: the conditions of a ModelDeployment, one function each."""

from datetime import datetime

from treadle.api import ModelDeploymentMemory
from treadle.api.deployment_status import Revision
from treadle.api.reasons import Reason
from treadle.connections.installation import Refusal
from treadle.plan import Plan, Unavailable, say
from treadle.serving.deploy import access_of
from treadle.serving.observe import Serving
from treadle.serving.rollout import barred
from treadle.serving.scale import least, size
from treadle.serving.target import Target, Unresolved
from treadle.serving.tell_canary import tell_canary


def tell_model(serving: Serving) -> Plan:
    """ModelResolved: whether it is known which version spec asks for."""
    match serving.target:
        case Unresolved(reason, message, stalled, known):
            return say("ModelResolved", False if known else None, reason, message, stalled=stalled)
        case Target(pinned=True) as target:
            return say("ModelResolved", True, Reason.VersionPinned, target.words)
        case target:
            return say("ModelResolved", True, Reason.ModelFound, target.words)


def tell_pods(serving: Serving, memory: ModelDeploymentMemory) -> Plan:
    """Available: whether the stable version serves at full size."""
    stable = memory.stable
    if stable is None:
        return _nothing_serves(serving)
    access = access_of(serving, stable)
    fleet, wanted = serving.fleet(stable), size(serving)
    ready = fleet.ready if fleet else 0
    words = f"{ready} of {wanted} pods of {called(stable)} are ready"
    if wanted == 0:
        return say("Available", True, Reason.ScaledToZero, "spec.replicas is 0: no pod serves")
    if ready >= least(serving):
        return say("Available", True, Reason.PodsReady, words)
    if isinstance(access, Refusal):
        return say("Available", False, access.reason, access.message, stalled=True)
    if fleet and fleet.obstacle:
        return say("Available", False, fleet.obstacle.reason, f"{words}; {fleet.obstacle.message}", stalled=fleet.obstacle.stalled)
    return say("Available", False, Reason.PodsStarting, words)


def _nothing_serves(serving: Serving) -> Plan:
    if serving.spec.suspend:
        return say("Available", False, Reason.Suspended, "spec.suspend is true: nothing is deployed")
    if isinstance(serving.target, Unresolved):
        return say("Available", False, serving.target.reason, serving.target.message)
    if isinstance(serving.champion, Unavailable):
        words = f"it is not known whether there is a {serving.spec.model.promotion_alias}: {serving.champion.reason}"
        return say("Available", False, serving.champion.cause, words, stalled=serving.champion.stalled)
    return say("Available", False, Reason.NothingDeployed, "no version serves yet")


def tell_rollout(serving: Serving, memory: ModelDeploymentMemory, now: datetime) -> Plan:
    """RolloutProgressing: whether another revision is on its way, or why the one that spec asks for is not."""
    stable, canary, target = memory.stable, memory.canary, serving.target
    if stable is None:
        return say("RolloutProgressing", False, Reason.NothingDeployed, "no version serves yet")
    if canary:
        return tell_canary(serving, memory, canary, called(canary), called(stable), now)
    if isinstance(target, Target) and target.revision != stable.revision:
        if serving.spec.suspend:
            return say("RolloutProgressing", False, Reason.Suspended, f"spec.suspend is true: {target.words} is not rolled out")
        if bar := barred(serving, memory, target):
            return say("RolloutProgressing", False, bar.reason, bar.message)
    if stable.since is None and memory.previous:
        return say("RolloutProgressing", True, Reason.RollingOut, f"{called(stable)} takes the place of {called(memory.previous[-1])}")
    if stable.since is None:
        return say("RolloutProgressing", True, Reason.FirstRollout, f"{called(stable)} is rolled out; nothing served before")
    return say("RolloutProgressing", False, Reason.RolloutComplete, f"{called(stable)} serves")


def called(revision: Revision) -> str:
    """A revision as people call it."""
    what = f"{revision.model} version {revision.version}" if revision.version else revision.uri
    return f"{what} (revision {revision.revision})"
