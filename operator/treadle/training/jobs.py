"""The Jobs and JobSets of a run's attempts, as they stand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from treadle.api import names
from treadle.contracts.training import TrainingResult
from treadle.plan import Object, World, ref_of
from treadle.training.run import Job
from treadle.workloads import pods
from treadle.workloads.add_ons import KindMissing
from treadle.workloads.job import read_job
from treadle.workloads.jobset import read_jobset
from treadle.workloads.queue import queued
from treadle.workloads.refusal import explained, mounted, unless_ended
from treadle.workloads.states import Failed, Starting, State, Succeeded


def attempt_job(child: Object, world: World, *, mounts: bool, open_attempt: int | None) -> Job:
    """The workload of an attempt, with what its pods and its queue say.

    Args:
        child: the Job or JobSet.
        world: what is known.
        mounts: its pods have volumes that may be missing.
        open_attempt: the one that was seen running and whose end is not remembered yet; of others, it is not asked who ended their pods.
    """
    uid, ref = child["metadata"]["uid"], ref_of(child)
    job: Object | None = child
    if ref.kind == "Job":
        owned = world.owned(uid, "Pod")
        state = explained(_refused_nothing(read_job(child, owned)), child, world)
    else:
        jobs = world.owned(uid, "Job")
        job = jobs[0] if jobs else None
        owned = world.owned(job["metadata"]["uid"], "Pod") if job else ()
        state = read_jobset(child, job, owned)
        state = explained(state, job, world) if job else state
    if job and not owned and attempt_of(child) == open_attempt:
        state = unless_ended(state, job, world)
    state = mounted(state, ref.namespace, world) if mounts else state
    if isinstance(state, Starting | Failed) and state.suspended:
        workloads = world.owned(uid, "Workload")
        state = queued(state, workloads, unread=not workloads and world.ask(KindMissing(kind="Workload")) is not False)
    return Job(ref=ref, uid=uid, attempt=attempt_of(child), state=state, said=_said(owned) if isinstance(state, Succeeded) else None)


def _refused_nothing(state: State[None]) -> State[None]:
    """Nobody refused pods to a Job that its controller has not even looked at."""
    return replace(state, podless=False) if isinstance(state, Starting) and state.unseen else state


def _said(owned: Sequence[Object]) -> Mapping[str, float] | None:
    """The metrics in the program's termination message; it may hold log lines as well."""
    words = pods.last_words(owned)
    try:
        return None if words is None else TrainingResult.from_message(words).finite
    except ValueError:
        return {}


def attempt_of(child: Object) -> int:
    """Number of the attempt that a workload is for; 0 when it does not say."""
    attempt = (child["metadata"].get("labels") or {}).get(names.ATTEMPT, "")
    return int(attempt) if attempt.isdigit() else 0
