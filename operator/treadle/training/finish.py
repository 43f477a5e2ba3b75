"""The end of a run: decided once, told for ever, and what is left to tidy up."""

from datetime import datetime, timedelta
from typing import Literal

from treadle.api import TrainingRunMemory
from treadle.api.reasons import Reason
from treadle.api.training_status import Ending
from treadle.plan import Delete, Plan, do, say
from treadle.training.run import EvaluationJob, Job, ReportJob, Run
from treadle.workloads.states import Running, Starting

TTL = timedelta(days=7)


def ended(
    memory: TrainingRunMemory, outcome: Literal["Succeeded", "Failed", "Cancelled"], reason: Reason, message: str, now: datetime
) -> TrainingRunMemory:
    """The memory with the run's end in it."""
    return memory.model_copy(update={"result": Ending(outcome=outcome, reason=str(reason), message=message, finished_at=now)})


def finish(run: Run) -> Plan:
    """Say how the run ended."""
    result = run.memory.result
    if result is None:
        return Plan()
    reason = Reason.__members__.get(result.reason, Reason.JobFailed)
    succeeded = result.outcome == "Succeeded"
    told = say("Succeeded", succeeded, reason, result.message, stalled=not succeeded)
    if result.outcome == "Cancelled":
        return Plan.all(told, say("Cancelled", True, reason, result.message))
    return told


def tidy(run: Run, now: datetime) -> Plan:
    """Delete the Jobs some time after the end; the record stays."""
    jobs: tuple[Job | EvaluationJob | ReportJob, ...] = (*run.jobs, *run.evaluations, *run.reports)
    ended_jobs = [job for job in jobs if not isinstance(job.state, Starting | Running)]
    if run.memory.result is None or run.memory.result.finished_at is None or not ended_jobs:
        return Plan()
    due = run.memory.result.finished_at + (run.spec.ttl_after_finished or TTL)
    if now < due:
        return Plan(wake_at=due)
    return do(*(Delete(job.ref, job.uid) for job in ended_jobs))
