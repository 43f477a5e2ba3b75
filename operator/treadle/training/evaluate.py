"""The evaluation: a Job of ours measures the model on data it was not trained on, and what it is compared with on the same data."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from treadle.api import DatasetPin, TrainingRunMemory
from treadle.api.reasons import Reason
from treadle.api.training_status import BaselineMetrics, EvaluationResult, MetricValue, SmokeExample, StoredFile
from treadle.connections.installation import Refusal
from treadle.connections.registry import ModelVersion
from treadle.connections.tracking import TrackingRun
from treadle.contracts.evaluate import DETAILS_FILE, MODELS_LIMIT, OWN, REFERENCE_FILE, EvaluateResult, Measured, stored_name
from treadle.plan import Create, Delete, Plan, Unavailable, do, say
from treadle.training.comparison import Values, compared_aliases, compared_metrics, keep_comparisons, known_values, tag_of, wanted_metrics
from treadle.training.data import reachable
from treadle.training.evaluation_job import Evaluation, evaluation_job, measured_by
from treadle.training.finish import ended
from treadle.training.model_files import files_of, folder_of, own_files
from treadle.training.models import chosen_model
from treadle.training.run import EvaluationJob, Run, Waiting
from treadle.training.usage import with_evaluation
from treadle.workloads.job import judged, next_judgement
from treadle.workloads.states import Failed, FailureClass, Running, Starting, Succeeded

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(minutes=5)
MESSAGE_METRICS = 6
"""So many metrics are told in a condition's message; the rest stands in status."""


def evaluated(run: Run) -> bool:
    """Whether no evaluation is wanted, or it is over and well."""
    record = run.memory.evaluation
    return run.spec.evaluate is None or (record is not None and record.result == "Succeeded")


def not_measured(run: Run) -> EvaluationResult | None:
    """The evaluation, when it failed for good."""
    record = run.memory.evaluation
    return record if run.spec.evaluate and record and record.result == "Failed" and not record.again else None


def decide_evaluation(run: Run, now: datetime) -> TrainingRunMemory | None:
    """The memory with what the Job measured, or why it did not; with the run's end, when nothing else is wanted or nothing can be measured."""
    if not _due(run):
        return None
    if (job := _current(run)) is not None:
        match judged(job.state, now):
            case Starting() | Running() if run.spec.suspend:
                return _interrupted(run, job, now)
            case Succeeded(result=EvaluateResult() as result, finished_at=finished_at):
                return _succeeded(run, job, result, finished_at or now)
            case Failed() as failed:
                return _failed(run, job, failed, failed.finished_at or now)
        return None
    if run.ended_as is None:
        return ended(run.memory, "Failed", Reason.ResultLost, "the tracked run does not exist any more", now)
    if isinstance(run.ended_as, TrackingRun) and isinstance(model := chosen_model(run.spec, run.ended_as), Waiting):
        return ended(run.memory, "Failed", model.reason, model.message, now)
    return None


def evaluate(run: Run, now: datetime) -> Plan:
    """Make the Job and watch it; say what was measured, and keep it where later runs look for it."""
    if not _due(run):
        return Plan.all(tell_evaluated(run), keep_comparisons(run))
    if (job := _current(run)) is not None:
        return Plan.all(_watch(job, now), stop_evaluation(run))
    if run.spec.suspend:
        return Plan.all(say("Suspended", True, Reason.Suspended, "spec.suspend is true: the model is measured later"), stop_evaluation(run))
    if pause := _pause(run, now):
        return Plan.all(pause, stop_evaluation(run))
    for answer in (run.ended_as, *run.baselines.values()):
        if isinstance(answer, Unavailable):
            return say("Evaluated", None, answer.cause, answer.reason, stalled=answer.stalled)
    wanted = _wanted(run)
    if isinstance(wanted, Waiting):
        return say("Evaluated", False, wanted.reason, wanted.message, stalled=wanted.stalled)
    return Plan.all(say("Evaluated", False, Reason.Evaluating, "the model is about to be measured"), do(Create(evaluation_job(run, wanted))))


def tell_evaluated(run: Run) -> Plan:
    """Say what was measured."""
    record = run.memory.evaluation
    if run.spec.evaluate is None or record is None:
        return Plan()
    if record.result == "Failed":
        return say("Evaluated", False, Reason.__members__.get(record.reason, Reason.JobFailed), record.message, stalled=not record.again)
    told = ", ".join(f"{metric.name} {metric.value:.6g}" for metric in record.metrics[-MESSAGE_METRICS:] if metric.name != "items")
    lacking = f"; {record.message}" if record.message else ""
    return say("Evaluated", True, Reason.Evaluated, f"{told} on {record.items} items of split {run.spec.evaluate.split}{lacking}")


def stop_evaluation(run: Run) -> Plan:
    """Remove evaluation Jobs that still run although their end is remembered, or the run's."""
    remembered = run.memory.evaluation.attempt if run.memory.evaluation else 0
    over = [job for job in run.evaluations if job.number <= remembered or run.memory.result is not None]
    return do(*(Delete(job.ref, job.uid) for job in over if isinstance(job.state, Starting | Running)))


def _due(run: Run) -> bool:
    record = run.memory.evaluation
    wanted = run.spec.evaluate is not None and run.trained and run.memory.result is None
    return wanted and (record is None or record.again)


def _number(run: Run) -> int:
    return run.memory.evaluation.attempt + 1 if run.memory.evaluation else 1


def _current(run: Run) -> EvaluationJob | None:
    return next((job for job in run.evaluations if job.number == _number(run)), None)


def _pause(run: Run, now: datetime) -> Plan | None:
    record = run.memory.evaluation
    if record is None or record.finished_at is None:
        return None
    until = record.finished_at + min(FIRST_PAUSE * (1 << min(record.attempt - 1, 10)), LONGEST_PAUSE)
    if now >= until:
        return None
    message = f"evaluation {record.attempt} failed: {record.message}; the next starts at {until:%H:%M:%S} UTC"
    return say("Evaluated", False, Reason.RetryPending, message, wake_at=until)


def _watch(job: EvaluationJob, now: datetime) -> Plan:
    wake_at = next_judgement(job.state, now)
    match judged(job.state, now):
        case Starting(stalled=stalled, queued=queued) as starting if stalled or queued:
            return say("Evaluated", False, starting.reason, starting.message, stalled=stalled, wake_at=wake_at)
    return say("Evaluated", False, Reason.Evaluating, f"Job {job.ref.name} measures the model", wake_at=wake_at)


def _wanted(run: Run) -> Evaluation | Waiting:
    """The Job to make, or what it lacks."""
    own = own_files(run)
    if own is None or not isinstance(run.dataset, DatasetPin):
        return Waiting(Reason.Evaluating, "waiting for what the run logged")
    if not reachable(run, run.dataset):
        refused = run.store if isinstance(run.store, Refusal) else None
        return Waiting(refused.reason, refused.message, stalled=True) if refused else Waiting(Reason.Evaluating, "waiting for the dataset")
    if isinstance(own, Waiting):
        return own
    metrics, models, baselines = wanted_metrics(run), [own], []
    for alias in compared_aliases(run):
        version = run.baselines[alias]
        if not isinstance(version, ModelVersion):
            baselines.append(BaselineMetrics(alias=alias))
            continue
        known = known_values(version, tag_of(run, run.spec.evaluate, run.dataset)) if run.spec.evaluate else {}
        found = known if compared_metrics(run, alias) <= known.keys() else {}
        files = files_of(run, version.version, version.artifact_uri)
        trouble = next((left.message for left in _left_out(run) if left.version == version.version), "")
        if not found and not trouble and version.version not in [files.version for files in models]:
            if isinstance(files, Waiting):
                trouble = files.message
            elif len(models) == MODELS_LIMIT:
                trouble = f"at most {MODELS_LIMIT - 1} versions are compared with"
            else:
                models.append(files)
        baselines.append(BaselineMetrics(alias=alias, version=version.version, metrics=tuple(_metrics(metrics, found)), message=trouble))
    return Evaluation(
        number=_number(run),
        dataset=run.dataset,
        models=models,
        metrics=metrics,
        baselines=baselines,
        folder=folder_of(run),
    )


def _left_out(run: Run) -> tuple[BaselineMetrics, ...]:
    """What is not measured again, and why: an evaluation before this one failed by it alone."""
    return run.memory.evaluation.baselines if run.memory.evaluation else ()


def _succeeded(run: Run, job: EvaluationJob, result: EvaluateResult, at: datetime) -> TrainingRunMemory:
    measured = {found.version: found for found in result.measured}
    smoke = result.smoke
    record = EvaluationResult(
        result="Succeeded",
        attempt=job.number,
        items=result.items,
        metrics=tuple(_metrics(job.metrics, _values(job, measured.get(OWN)))),
        baselines=tuple(_compared(job, baseline, measured) for baseline in job.baselines),
        model=result.model,
        smoke=SmokeExample(uri=smoke.uri, sha256=smoke.sha256, label=smoke.label, score=smoke.score) if smoke else None,
        reference=_stored(job, REFERENCE_FILE, result.reference),
        details=_stored(job, DETAILS_FILE, result.details),
        message=f"neither the reference of drift nor a report is stored: {result.not_stored}" if result.not_stored else "",
        finished_at=at,
    )
    memory = run.memory.model_copy(update={"evaluation": record, "gpu_seconds": with_evaluation(run, job, at)})
    if run.spec.gates or run.spec.registration:
        return memory
    return ended(memory, "Succeeded", Reason.RunSucceeded, f"evaluated on {result.items} items", at)


def _failed(run: Run, job: EvaluationJob, failed: Failed, at: datetime) -> TrainingRunMemory:
    failures = _failures(run) + (failed.failure_class is FailureClass.INFRASTRUCTURE)
    alone = [baseline.model_copy(update={"message": failed.message}) for baseline in job.baselines if _failed_alone(failed, baseline)]
    again = bool(alone) or (failed.failure_class is not FailureClass.APPLICATION and failures <= run.spec.retries.infrastructure)
    record = EvaluationResult(
        result="Failed",
        attempt=job.number,
        again=again,
        failures=failures,
        reason=str(failed.reason),
        message=failed.message,
        baselines=(*(baseline for baseline in _left_out(run) if baseline.alias not in {found.alias for found in alone}), *alone),
        finished_at=at,
    )
    memory = run.memory.model_copy(update={"evaluation": record, "gpu_seconds": with_evaluation(run, job, at)})
    if again or run.spec.gates:
        return memory
    return ended(memory, "Failed", failed.reason, f"the model could not be evaluated: {failed.message}", at)


def _interrupted(run: Run, job: EvaluationJob, now: datetime) -> TrainingRunMemory:
    """Suspension ends the Job at no cost; another one measures the model later."""
    record = EvaluationResult(
        result="Failed",
        attempt=job.number,
        again=True,
        failures=_failures(run),
        baselines=_left_out(run),
        reason=str(Reason.Suspended),
        message="suspended by spec.suspend",
    )
    return run.memory.model_copy(update={"evaluation": record, "gpu_seconds": with_evaluation(run, job, now)})


def _failures(run: Run) -> int:
    return run.memory.evaluation.failures if run.memory.evaluation else 0


def _failed_alone(failed: Failed, baseline: BaselineMetrics) -> bool:
    """What is compared with cannot be fetched or measured, as would be found again: the next evaluation leaves it out."""
    return failed.failure_class is FailureClass.APPLICATION and baseline.version is not None and measured_by(failed.container) == baseline.version


def _stored(job: EvaluationJob, file: str, sha256: str | None) -> StoredFile | None:
    return StoredFile(uri=f"{job.folder}/{stored_name(file, sha256)}", sha256=sha256) if job.folder and sha256 else None


def _compared(job: EvaluationJob, baseline: BaselineMetrics, measured: Mapping[str, Measured]) -> BaselineMetrics:
    found = measured.get(baseline.version or OWN) if baseline.version else None
    if found is None or baseline.metrics:
        return baseline
    return baseline.model_copy(update={"metrics": tuple(_metrics(job.metrics, _values(job, found))), "message": found.trouble})


def _values(job: EvaluationJob, found: Measured | None) -> Values:
    return dict(zip(job.metrics, found.values, strict=False)) if found else {}


def _metrics(names: tuple[str, ...], values: Values) -> Iterator[MetricValue]:
    return (MetricValue(name=name, value=value) for name in names if (value := values.get(name)) is not None)
