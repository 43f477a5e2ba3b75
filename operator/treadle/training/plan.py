"""A TrainingRun: tracked, launched once per attempt, watched to its end, judged, registered. How it ended is never decided twice."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from treadle.api import TrainingRunMemory
from treadle.api.reasons import Reason
from treadle.connections.installation import Installation
from treadle.plan import Kind, Plan, say
from treadle.training.accept import tell_accepted
from treadle.training.approval import decide_approval, tell_approval
from treadle.training.attempts import decide_attempt, stop
from treadle.training.commands import tell_commands
from treadle.training.dataset import tell_dataset
from treadle.training.evaluate import decide_evaluation, evaluate, stop_evaluation, tell_evaluated
from treadle.training.finish import finish, tidy
from treadle.training.gates import decide_gates, tell_gates
from treadle.training.launch import launch
from treadle.training.observe import observe
from treadle.training.progress import decide_final, decide_progress
from treadle.training.register import decide_registered, register, tell_registered
from treadle.training.report import pinned, report
from treadle.training.run import Run
from treadle.training.run_report import decide_report, make_report
from treadle.training.tensorboard import show_board
from treadle.training.track import abandon, adopted, close, decide_closed, decide_further, tell_further, track
from treadle.training.usage import usage
from treadle.training.watch import quiet, watch


def plan(run: Run, now: datetime) -> Plan:
    """What to do for a run, and what to say of it. What is newly decided is remembered first: in that pass nothing is done."""
    run = pinned(run)
    if run.deleting:
        return abandon(run)
    if (news := decide(run, now)) is not None:
        told = plan(run.remembering(news), now)
        return replace(told, actions=(), status=told.status or report(run.remembering(news)))
    if run.memory.result is not None:
        told = Plan.all(finish(run), tell_dataset(run), tell_evaluated(run), tell_gates(run), tell_approval(run), tell_registered(run))
        left = Plan.all(make_report(run, now), tidy(run, now), show_board(run, now))
        return Plan.all(told, stop(run), stop_evaluation(run), close(run), left, status=report(run))
    if run.trained:
        judged = Plan.all(evaluate(run, now), tell_gates(run), tell_approval(run), register(run))
        return Plan.all(tell_trained(run), tell_further(run), tell_dataset(run), tell_commands(run), judged, show_board(run, now), status=report(run))
    doing = Plan.all(stop(run), track(run), launch(run, now), watch(run, now), show_board(run, now))
    return Plan.all(tell_accepted(run), tell_dataset(run), tell_commands(run), doing, status=None if quiet(run, now) else report(run))


def decide(run: Run, now: datetime) -> TrainingRunMemory | None:
    """The run's memory with the next decision in it, or None when there is nothing to decide."""
    return (
        adopted(run)
        or decide_attempt(run, now)
        or decide_progress(run, now)
        or decide_final(run)
        or decide_further(run)
        or decide_evaluation(run, now)
        or decide_gates(run, now)
        or decide_approval(run, now)
        or decide_registered(run, now)
        or decide_closed(run)
        or decide_report(run, now)
    )


def tell_trained(run: Run) -> Plan:
    """Say that the program is done, while its model is still judged and registered."""
    return say("Trained", True, Reason.JobSucceeded, f"attempt {run.memory.attempts[-1].number} succeeded")


def training_run(installation: Installation) -> Kind[Run]:
    """The kind TrainingRun, as this installation runs it."""
    return Kind(
        name="TrainingRun",
        observe=partial(observe, installation),
        plan=plan,
        usage=usage,
        ready=("Succeeded",),
        phases=(
            ("Cancelled", True, "Cancelled"),
            ("Succeeded", True, "Succeeded"),
            ("Succeeded", False, "Failed"),
            ("Trained", True, "Finishing"),
            ("Suspended", True, "Suspended"),
            ("Running", True, "Running"),
            ("Queued", True, "Queued"),
            ("Running", False, "Starting"),
        ),
    )
