"""What the current attempt does, and since when."""

from datetime import datetime, timedelta

from treadle.api.base import format_duration
from treadle.api.reasons import Reason
from treadle.plan import Plan, say
from treadle.training import attempts, progress
from treadle.training.run import Run
from treadle.workloads.job import next_judgement
from treadle.workloads.states import Running, Starting

PATIENCE = timedelta(seconds=10)
"""A start quicker than this is not worth a status write."""
BUSY_PATIENCE = timedelta(minutes=2)
"""The same while the Job controller has not even looked: a control plane that is so busy is spared the write."""
COUNTING = timedelta(seconds=30)
"""A Job whose pods are over is told to be over by then; that it still runs is not worth a status write."""
PENDING_TIMEOUT = timedelta(hours=2)


def watch(run: Run, now: datetime) -> Plan:
    """Say how the current attempt's Job stands, and how far its program is."""
    if run.job is None:
        return Plan()
    match attempts.state(run, now):
        case Starting() as starting:
            return Plan.all(_queued(starting), _pending(run, starting, now))
        case Running() as running:
            counted = running.over_since + COUNTING if running.over_since else None
            wake = [at for at in (attempts.deadline(run), next_judgement(running, now), counted) if at and at > now]
            told = say("Running", True, Reason.JobRunning, f"{run.job.ref} is running", wake_at=min(wake, default=None))
            return Plan.all(told, progress.tell_progress(run, now), progress.describe(run))
    return Plan()


def quiet(run: Run, now: datetime) -> bool:
    """Whether there is nothing worth a status write yet: the Job was just made, and nothing keeps it from starting, or it is just about to end."""
    state = attempts.state(run, now)
    if isinstance(state, Running) and state.over_since:
        return now < state.over_since + COUNTING
    if run.memory.attempts or not isinstance(state, Starting):
        return False
    if state.stalled or state.reason not in (Reason.PodNotReady, Reason.AwaitingAdmission):
        return False
    return now < state.since + (BUSY_PATIENCE if state.unseen else PATIENCE)


def _pending(run: Run, starting: Starting, now: datetime) -> Plan:
    too_long = starting.since + (run.spec.pending_timeout or PENDING_TIMEOUT)
    if overdue := now >= too_long:
        message = f"{starting.message}; pending for more than {format_duration(too_long - starting.since)}"
    else:
        message = starting.message
    worth_telling = (starting.since + PATIENCE, starting.since + BUSY_PATIENCE if starting.unseen else None)
    wake = [at for at in (next_judgement(starting, now), *worth_telling, too_long) if at and at > now]
    return say("Running", False, starting.reason, message, stalled=starting.stalled or overdue, wake_at=min(wake, default=None))


def _queued(starting: Starting) -> Plan:
    return say("Queued", True, starting.reason, starting.message) if starting.queued else Plan()
