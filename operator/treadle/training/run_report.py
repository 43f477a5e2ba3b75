"""The report of a run that was judged: a page that a last Job makes once the run has ended. It changes nothing about the run."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from treadle.api import TrainingRunMemory, names
from treadle.api.base import is_store_uri
from treadle.api.reasons import Reason
from treadle.api.training_run import Gate
from treadle.api.training_status import Attempt, BaselineMetrics, RunReport, StoredFile
from treadle.connections.installation import Refusal
from treadle.connections.tracking import TrackingRun
from treadle.contracts import one_line
from treadle.contracts.report import (
    REPORT_FILE,
    AttemptRow,
    BaselineRow,
    Fact,
    GateRow,
    ReportResult,
    ReportSpec,
)
from treadle.contracts.stores import Blob
from treadle.plan import Create, Object, Plan, Ref, do, say
from treadle.training.environment import MLFLOW_CREDENTIALS
from treadle.training.evaluate import evaluated
from treadle.training.model_files import FOLDER
from treadle.training.run import REPORT, ClaimFolder, ReportJob, Run, Tracking
from treadle.training.stores import store_of
from treadle.workloads.contract_job import build_contract_job, store_credentials
from treadle.workloads.job import judged, next_judgement
from treadle.workloads.pod import Placement, Variable
from treadle.workloads.states import Failed, FailureClass, Starting, Succeeded

TRIES = 3
"""So often a Job is made; a page is not worth more."""
PARAMETERS, GATES, ATTEMPTS, BASELINES, METRICS = 30, 20, 10, 5, 6
"""Rows of the page: what is passed must fit one environment variable."""
NAME, WORDS, SENTENCE = 100, 100, 160
"""Bytes of a name, a value and a message."""


def decide_report(run: Run, now: datetime) -> TrainingRunMemory | None:
    """The memory with where the report is, or why there is none, once its Job has ended or when there is no place for it."""
    if nowhere := _nowhere(run):
        return run.memory.model_copy(update={"report": RunReport(reason=str(Reason.ReportNotStored), message=nowhere)})
    job = _current(run)
    if not _wanted(run) or job is None:
        return None
    match judged(job.state, now):
        case Succeeded(result=ReportResult() as result):
            record = RunReport(attempt=job.number, uri=result.uri)
        case Failed() as failed:
            again = failed.failure_class is not FailureClass.APPLICATION and job.number < TRIES
            record = RunReport(attempt=job.number, again=again, reason=str(failed.reason), message=failed.message)
        case _:
            return None
    return run.memory.model_copy(update={"report": record})


def make_report(run: Run, now: datetime) -> Plan:
    """Make the Job, and wait for it; say where the page is."""
    record = run.memory.report
    if record is not None and record.uri:
        place = f"{REPORT_FILE} among its files in MLflow: {record.uri}" if run.memory.tracking else record.uri
        return say("Reported", True, Reason.ReportStored, f"the report of the run is {place}")
    if record is not None and not record.again:
        return say("Reported", False, Reason.__members__.get(record.reason, Reason.JobFailed), record.message)
    if not _wanted(run):
        return Plan()
    if (job := _current(run)) is not None:
        wake_at = next_judgement(job.state, now)
        match judged(job.state, now):
            case Starting(stalled=True) as stuck:
                return say("Reported", False, stuck.reason, stuck.message, wake_at=wake_at)
        return Plan(wake_at=wake_at)
    match report_job(run):
        case None:
            return Plan()
        case Refusal(reason=reason, message=message):
            return say("Reported", False, reason, message)
        case built:
            return do(Create(built))


def report_job(run: Run) -> Object | Refusal | None:
    """The Job; why the store may not be used any more; None when the run has no page.

    Raises:
        Trouble: what it is told does not fit into 32 KiB.
    """
    result, place = run.memory.result, _place(run)
    if result is None or place is None:
        return None
    uri = f"{place}/{REPORT_FILE}"
    store = store_of(run.installation, run.spec, run.ref, uri)
    if isinstance(store, Refusal):
        return store
    tracking = run.tracking.connection.settings if isinstance(run.tracking, Tracking) else None
    spec = ReportSpec(
        sensitive=run.sensitive,
        store=store.settings.reached(uri),
        uri=uri,
        details=Blob(uri=details.uri, sha256=details.sha256) if (details := _details(run)) else None,
        artifacts=run.memory.tracking.artifacts if run.memory.tracking else None,
        mlflow=tracking.url if tracking else "",
        tracked_run=run.tracked.id if run.tracked else "",
        name=run.name,
        outcome=result.outcome,
        message=one_line(result.message, SENTENCE),
        facts=tuple(_facts(run)),
        parameters=tuple(_parameters(run)),
        gates=tuple(_gates(run)),
        attempts=tuple(_attempt(attempt) for attempt in run.memory.attempts[-ATTEMPTS:]),
        baselines=tuple(_baseline(found, found.version) for found in _compared(run)[:BASELINES] if found.version),
    )
    account = run.spec.access.service_account_name
    mlflow = [Variable(name=name, secret=tracking.tenant_secret, key=name, optional=True) for name in MLFLOW_CREDENTIALS] if tracking else []
    return build_contract_job(
        ref=report_ref(run.ref, _number(run)),
        owner=run.this,
        image=run.installation.images.jobs,
        spec=spec,
        credentials=(*store_credentials(store.secret, account, uri), *mlflow),
        placement=Placement(
            service_account=account or "",
            pull_secrets=run.spec.access.image_pull_secrets,
            node_selector=run.spec.node_selector,
            tolerations=[toleration.to_object() for toleration in run.spec.tolerations],
            priority_class=run.spec.priority_class_name or "",
        ),
        labels={names.RUN: run.name, names.ATTEMPT: str(_number(run)), names.COMPONENT: REPORT},
        queue=run.spec.queue or "",
        keep_log_lines=not run.sensitive,
    )


def report_ref(run: Ref, number: int) -> Ref:
    """Name of a report Job."""
    return Ref("Job", run.namespace, names.derived_name(run.name, "report", number))


def _wanted(run: Run) -> bool:
    record = run.memory.report
    return run.memory.result is not None and _place(run) is not None and (record is None or record.again)


def _details(run: Run) -> StoredFile | None:
    return run.memory.evaluation.details if run.memory.evaluation else None


def _compared(run: Run) -> Sequence[BaselineMetrics]:
    return run.memory.evaluation.baselines if run.memory.evaluation else ()


def _place(run: Run) -> str | None:
    """The folder of the page: where the evaluation stored its details; or among the files of a run that was judged by what it logged."""
    if details := _details(run):
        return details.uri.rpartition("/")[0]
    cancelled = run.memory.result is not None and run.memory.result.outcome == "Cancelled"
    artifacts = run.memory.tracking.artifacts if run.memory.tracking and not cancelled else None
    return f"{artifacts.rstrip('/')}/{FOLDER}" if artifacts else None


def _nowhere(run: Run) -> str:
    """Why there is no place for the page of a run that was judged; empty when there is one, or no page is due. Decided while MLflow is still asked
    about the run, and remembered.
    """
    result, wanted_by_log = run.memory.result, run.spec.gates or run.spec.registration
    if result is None or result.outcome == "Cancelled" or not run.trained or run.memory.report or _place(run):
        return ""
    if not (evaluated(run) if run.spec.evaluate else wanted_by_log):
        return ""
    if run.tracking is None and run.spec.evaluate and run.spec.output and isinstance(run.output, ClaimFolder):
        return f"no report is stored in a claim ({run.spec.output.uri}): name a folder of an object store in spec.output"
    if isinstance(run.tracking, Tracking):
        if not isinstance(run.ended_as, TrackingRun):
            return ""
        uri = run.tracking.connection.settings.artifact_uri(run.ended_as.artifact_uri)
        if uri and not is_store_uri(uri):
            connection = run.tracking.connection.key.partition("/")[2]
            return f"pods cannot write to the run's files in MLflow ({uri}): set artifactStore of the MLflow connection {connection}"
    return run.memory.evaluation.message if run.memory.evaluation else ""


def _number(run: Run) -> int:
    return run.memory.report.attempt + 1 if run.memory.report else 1


def _current(run: Run) -> ReportJob | None:
    return next((job for job in run.reports if job.number == _number(run)), None)


def _facts(run: Run) -> Iterator[Fact]:
    memory = run.memory
    if memory.dataset:
        pin = memory.dataset
        yield _fact("dataset", f"version {pin.version} of {pin.project}" if pin.project else pin.uri)
        yield _fact("dataset digest", pin.digest)
    yield _fact("image", run.spec.image)
    if memory.image_digest:
        yield _fact("image that ran", memory.image_digest)
    if run.spec.rerun_of:
        yield _fact("repeats", run.spec.rerun_of)
    if memory.registered:
        alias = f", {memory.registered.alias}" if memory.registered.alias_moved else ""
        yield _fact("model", f"{memory.registered.model} version {memory.registered.version}{alias}")
    if memory.evaluation and memory.evaluation.reference:
        yield _fact("reference of drift", memory.evaluation.reference.uri)
    if memory.tracking:
        url = memory.tracking.url or ""
        yield Fact(name="tracked run", value=memory.tracking.id, link=url if len(url) <= 512 else "")
    yield _fact("namespace", run.ref.namespace)


def _fact(name: str, value: str) -> Fact:
    return Fact(name=name, value=one_line(value, 2 * SENTENCE)[:240])


def _parameters(run: Run) -> Iterator[Fact]:
    given = run.spec.parameters
    for parameter in given[:PARAMETERS]:
        yield Fact(name=one_line(parameter.name, NAME), value=one_line(parameter.value, WORDS))
    if len(given) > PARAMETERS:
        yield Fact(name="...", value=f"and {len(given) - PARAMETERS} more")


def _gates(run: Run) -> Iterator[GateRow]:
    verdicts = {verdict.name: verdict for verdict in run.memory.gates}
    for gate in run.spec.gates[:GATES]:
        if verdict := verdicts.get(gate.name):
            yield GateRow(name=gate.name, bound=one_line(bound(gate), SENTENCE), verdict=verdict.verdict, message=one_line(verdict.message, SENTENCE))


def bound(gate: Gate) -> str:
    """What a gate asks for, in words.

    >>> bound(Gate(name="floor", metric="f1", min="0.9"))
    'f1 ≥ 0.9'
    """
    wanted = [f"≥ {gate.min}" if gate.min is not None else "", f"≤ {gate.max}" if gate.max is not None else ""]
    if gate.not_worse_than:
        spare = f" by more than {gate.tolerance}" if gate.tolerance else ""
        wanted.append(f"not worse than {gate.not_worse_than.alias}{spare}")
    return f"{gate.metric} {', '.join(filter(None, wanted))}"


def _baseline(found: BaselineMetrics, version: str) -> BaselineRow:
    short = [metric for metric in found.metrics if len(metric.name.encode()) <= WORDS]
    return BaselineRow(version=version, alias=one_line(found.alias, NAME), metrics={metric.name: metric.value for metric in short[-METRICS:]})


def _attempt(attempt: Attempt) -> AttemptRow:
    seconds = None
    if attempt.started_at and attempt.finished_at:
        seconds = max(round((attempt.finished_at - attempt.started_at).total_seconds()), 0)
    return AttemptRow(
        number=attempt.number,
        outcome=attempt.outcome,
        message=one_line(attempt.message, SENTENCE),
        node=one_line(attempt.node or "", NAME),
        seconds=seconds,
        gpu_seconds=attempt.gpu_seconds,
    )
