"""How an attempt ended, whether it is followed by another, and when. Each is a Job of its own; how it ended is remembered before it is removed."""

from datetime import datetime, timedelta

from treadle.api import TrainingRunMemory
from treadle.api.base import format_duration
from treadle.api.reasons import Reason
from treadle.api.training_status import Attempt, AttemptCounts, Ending
from treadle.plan import Delete, Plan, do
from treadle.training import commands, finish, progress
from treadle.training.run import Run
from treadle.training.usage import gpu_seconds, settled
from treadle.workloads import queue
from treadle.workloads.job import judged
from treadle.workloads.states import Failed, FailureClass, Running, Starting, State, Succeeded

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(minutes=5)
NEVER_RETRIED = frozenset(
    {
        Reason.DeadlineExceeded,
        Reason.ImagePullFailed,
        Reason.InvalidImage,
        Reason.SecretMissing,
        Reason.PodConfigurationInvalid,
        Reason.ExperimentClash,
    }
)
"""Faults of the user that another attempt of the same spec meets again, whatever the budget."""


def state(run: Run, now: datetime) -> State[None] | None:
    """How the current attempt's Job stands, with what time makes of it."""
    return judged(run.job.state, now) if run.job else None


def decide_attempt(run: Run, now: datetime) -> TrainingRunMemory | None:
    """The memory with the current attempt's end in it, once it has ended or must end; or with the run's end, when what it made is not wanted."""
    if run.memory.result is not None:
        return None
    if run.trained:
        unwanted = commands.cancelled(run) and run.memory.registered is None
        message = "cancelled by annotation, after its program had succeeded"
        return finish.ended(settled(run, now), "Cancelled", Reason.Cancelled, message, now) if unwanted else None
    attempt = ended(run, now)
    return recorded(run, attempt, now) if attempt else None


def ended(run: Run, now: datetime) -> Attempt | None:
    """The current attempt, if it has ended or must end now."""
    current = state(run, now)
    if commands.cancelled(run):
        return _attempt(run, current, now, "Cancelled", Reason.Cancelled, "cancelled by annotation")
    match current:
        case Succeeded() if run.tracking is None and run.spec.gates and not run.spec.evaluate and run.job is not None and run.job.said is None:
            return _attempt(run, current, now, "Lost", Reason.ResultLost, "it ended well, but its pod was removed before its metrics were read")
        case Succeeded():
            return _attempt(run, current, now, "Succeeded", Reason.JobSucceeded, "")
        case Failed(failure_class=failure_class, reason=reason, message=message):
            return _attempt(run, current, now, str(failure_class), reason, message)
        case Running() if (end := deadline(run)) and now >= end:
            message = f"still running after {format_duration(run.spec.deadline or timedelta())}"
            return _attempt(run, current, now, str(FailureClass.APPLICATION), Reason.DeadlineExceeded, message)
        case Running() if run.spec.stall and run.spec.stall.action == "Restart" and progress.stalled(run, now):
            message = f"reported nothing for more than {format_duration(run.spec.stall.timeout)}"
            return _attempt(run, current, now, str(FailureClass.INFRASTRUCTURE), Reason.NoProgress, message)
        case Starting() | Running() if run.spec.suspend:
            return _attempt(run, current, now, "Suspended", Reason.Suspended, "suspended by spec.suspend")
        case Starting(suspended=True) if run.memory.launched == run.attempt:
            evicted = queue.eviction(current)
            return _attempt(run, current, now, str(evicted.failure_class), evicted.reason, evicted.message)
        case None if run.memory.launched == run.attempt:
            return _attempt(run, None, now, "Lost", Reason.JobLost, "its Job vanished before it ended")
    return None


def deadline(run: Run) -> datetime | None:
    """When the running attempt has used up the run's time; None without a limit, or while nothing runs."""
    return _used_up(run, run.job.state.since) if run.job and isinstance(run.job.state, Running) else None


def recorded(run: Run, attempt: Attempt, now: datetime) -> TrainingRunMemory:
    """The memory with this attempt in it, and with the run's end if it was the last one."""
    counts = run.memory.counts or AttemptCounts()
    if (counted := _counted(attempt)) in AttemptCounts.model_fields:
        counts = counts.model_copy(update={counted: getattr(counts, counted) + 1})
    ran = timedelta()
    if attempt.started_at and attempt.finished_at:
        ran = max(attempt.finished_at - attempt.started_at, ran)
    image_id = run.job.state.image_id if run.job and isinstance(run.job.state, Running | Succeeded | Failed) else ""
    return run.memory.model_copy(
        update={
            "attempts": (*run.memory.attempts, attempt),
            "counts": counts,
            "gpu_seconds": (run.memory.gpu_seconds or 0) + attempt.gpu_seconds if attempt.gpu_seconds is not None else run.memory.gpu_seconds,
            "ran_seconds": (run.memory.ran_seconds or 0) + round(ran.total_seconds()),
            "image_digest": image_id[-128:] or run.memory.image_digest,
            "result": _result(run, attempt, counts, now),
        }
    )


def pause_ends(run: Run) -> datetime | None:
    """When the next attempt may start: later and later after each failure of a class, at once after a suspension."""
    last = run.memory.attempts[-1] if run.memory.attempts else None
    if last is None or last.outcome == "Suspended" or last.finished_at is None:
        return None
    failures: int = getattr(run.memory.counts or AttemptCounts(), _counted(last), 1)
    return last.finished_at + min(FIRST_PAUSE * (1 << min(max(failures, 1) - 1, 10)), LONGEST_PAUSE)


def stop(run: Run) -> Plan:
    """Remove Jobs whose end is remembered although they still run; never others: a deleted Job proves nothing, and would be launched again."""
    remembered = max((attempt.number for attempt in run.memory.attempts), default=0)
    over = [job for job in run.jobs if job.attempt <= remembered or run.memory.result is not None]
    return do(*(Delete(job.ref, job.uid) for job in over if isinstance(job.state, Starting | Running)))


def _used_up(run: Run, since: datetime) -> datetime | None:
    return since + run.spec.deadline - timedelta(seconds=run.memory.ran_seconds or 0) if run.spec.deadline else None


def _result(run: Run, attempt: Attempt, counts: AttemptCounts, now: datetime) -> Ending | None:
    at = attempt.finished_at or now
    retries = run.spec.retries
    if attempt.outcome == "Cancelled":
        return Ending(outcome="Cancelled", reason=attempt.reason, message=attempt.message, finished_at=at)
    if attempt.outcome == "Succeeded":
        wanted_more = run.spec.evaluate or run.spec.gates or run.spec.registration or run.spec.approval
        return None if wanted_more else Ending(outcome="Succeeded", reason=str(Reason.RunSucceeded), message=_summary(run), finished_at=at)
    never = attempt.outcome == "Application" and Reason[attempt.reason] in NEVER_RETRIED
    final = (
        never
        or (attempt.outcome == "Application" and counts.application > retries.application)
        or (attempt.outcome in ("Infrastructure", "Lost") and counts.infrastructure > retries.infrastructure)
    )
    if not final:
        return None
    message = attempt.message if attempt.number == 1 else f"attempt {attempt.number}: {attempt.message}"
    if never:
        message = f"{message}. {Reason[attempt.reason].remedy}"
    return Ending(outcome="Failed", reason=attempt.reason, message=message, finished_at=at)


def _counted(attempt: Attempt) -> str:
    """The count that the attempt belongs to; the name of no count, when it belongs to none."""
    return {"Lost": "infrastructure"}.get(attempt.outcome, attempt.outcome.lower())


def _summary(run: Run) -> str:
    return f"{run.job.ref} succeeded" if run.job else "succeeded"


def _attempt(run: Run, current: State[None] | None, now: datetime, outcome: str, reason: Reason, message: str) -> Attempt:
    known: dict[str, object] = {}
    match current:
        case None | Starting() if run.memory.launched == run.attempt and (since := run.memory.running_since):
            # It ran, and nobody saw when it ended: by now, and no later than its deadline would have ended it.
            known = {"started_at": since, "finished_at": min(now, _used_up(run, since) or now)}
        case Running():
            known = {"started_at": current.since, "node": current.node or None}
        case Succeeded():
            known = {"started_at": current.started_at, "finished_at": current.finished_at, "node": current.node or None}
        case Failed():
            known = {
                "started_at": current.started_at,
                "finished_at": current.finished_at,
                "node": current.node or None,
                "exit_code": current.exit_code,
            }
    said = {"number": run.attempt, "outcome": outcome, "reason": str(reason), "message": message}
    attempt = Attempt.model_validate({**said, **known, "finished_at": known.get("finished_at") or now})
    return attempt.model_copy(update={"gpu_seconds": _gpu_seconds(run, current, attempt)})


def _gpu_seconds(run: Run, current: State[None] | None, attempt: Attempt) -> int | None:
    """What the attempt held, from the moment the first pod had a node."""
    gpus = (run.spec.resources.gpu or 0) * run.spec.nodes
    return gpu_seconds(gpus, (current.held_since if current else None) or attempt.started_at, attempt.finished_at)
