"""What Treadle writes about a TrainingRun. `TrainingRunMemory` is what its plan reads back: only what the world cannot tell."""

from typing import Annotated, Literal

from pydantic import Field

from treadle.api.base import Digest, ListMap, ListSet, Measure, Model, Sha256, StoreUri
from treadle.api.status import Commands, DatasetPin, Instant, Place, Recent, Said, Text


class Ending(Model):
    """How the run ended. Once it stands here, it is never decided again."""

    outcome: Literal["Succeeded", "Failed", "Cancelled"]
    """Succeeded, Failed or Cancelled."""
    reason: Text
    """Why, in one word."""
    message: Said = ""
    """Why, in a sentence."""
    finished_at: Instant | None = None
    """When it ended."""


class Attempt(Model):
    """One finished attempt, each a Job of its own."""

    number: Annotated[int, Field(ge=1)]
    """1 for the first."""
    outcome: Literal["Succeeded", "Application", "Infrastructure", "Preempted", "Suspended", "Cancelled", "Lost"]
    """Succeeded, or the class of its failure; Suspended, Preempted and Cancelled cost no retry."""
    reason: Text = ""
    """Why, in one word."""
    message: Said = ""
    """Why, in a sentence; the last log lines when the program said nothing better."""
    started_at: Instant | None = None
    """When its pod began to run."""
    finished_at: Instant | None = None
    """When it ended."""
    exit_code: int | None = None
    """Exit code of the program, where known."""
    gpu_seconds: Annotated[int, Field(ge=0)] | None = None
    """GPUs times the seconds for which its pods held them, failed or not; silent without GPUs."""
    node: Text | None = None
    """Node it ran on, where known."""


class AttemptCounts(Model):
    """Attempts so far by class; the list above keeps the last 20 only."""

    infrastructure: Annotated[int, Field(ge=0)] = 0
    """Failures of nodes, devices and evictions."""
    application: Annotated[int, Field(ge=0)] = 0
    """Failures of the program."""
    preempted: Annotated[int, Field(ge=0)] = 0
    """Preemptions."""
    suspended: Annotated[int, Field(ge=0)] = 0
    """Suspensions."""


class TrackedRun(Model):
    """The run's place in the tracking server."""

    id: Text
    """MLflow run id."""
    connection: Text | None = None
    """MLflow connection."""
    experiment: Text | None = None
    """Experiment, as the server knows it."""
    experiment_id: Text | None = None
    """Its id."""
    closed: bool = False
    """Whether it was told how the run ended."""
    url: Place | None = None
    """Page of the run."""
    artifacts: StoreUri | None = None
    """Where its files are, when a page about it is to be stored there."""
    further: Annotated[tuple[Text, ...], Recent(), ListSet()] = ()
    """Runs that the program began beside it; what they log does not count."""


class MetricValue(Model):
    """One measured number."""

    name: Annotated[str, Field(max_length=250)]
    """Name of the metric."""
    value: Measure
    """Its value."""


Metrics = Annotated[tuple[MetricValue, ...], Recent(), ListMap("name")]


class BaselineMetrics(Model):
    """What the version that an alias pointed at measures on the same data."""

    alias: Text
    """Alias that a gate compares with."""
    version: Text | None = None
    """Version it pointed at when the evaluation began; silent when there was none."""
    metrics: Metrics = ()
    """What was measured."""
    message: Said = ""
    """Why it could not be measured."""


class SmokeExample(Model):
    """An item of the split that the model answers right."""

    uri: StoreUri
    """The item."""
    sha256: Sha256
    """Digest of its bytes."""
    label: Annotated[str, Field(max_length=128)]
    """What the model answers."""
    score: Measure | None = None
    """How sure it is, 0 to 1."""


class StoredFile(Model):
    """A file that the evaluation stored."""

    uri: StoreUri
    """The file."""
    sha256: Sha256
    """Digest of its content."""


class EvaluationResult(Model):
    """What the evaluation Job measured."""

    result: Literal["Succeeded", "Failed"]
    """How the Job ended."""
    attempt: Annotated[int, Field(ge=1)] = 1
    """1 for the first."""
    again: bool = False
    """Whether another attempt follows."""
    failures: Annotated[int, Field(ge=0)] = 0
    """Failures so far that cost a retry."""
    reason: Text = ""
    """Why it failed, in one word."""
    message: Said = ""
    """Why it failed."""
    items: Annotated[int, Field(ge=0)] | None = None
    """Number of items it was measured on."""
    metrics: Metrics = ()
    """What it measured."""
    baselines: Annotated[tuple[BaselineMetrics, ...], Recent(), ListMap("alias")] = ()
    """What the versions that gates compare with measure on the same items."""
    model: Sha256 | None = None
    """Digest of the model's files, as they were measured: deployments serve these and no others."""
    smoke: SmokeExample | None = None
    """An item that the model answers right."""
    reference: StoredFile | None = None
    """How the data and the answers looked, for drift: a sketch."""
    details: StoredFile | None = None
    """Every metric of every model, and the confusion matrix."""
    finished_at: Instant | None = None
    """When it ended."""


class GateVerdict(Model):
    """What a gate says of the run."""

    name: Text
    """Name of the gate."""
    verdict: Literal["Passed", "Failed", "Unknown"]
    """Unknown never passes."""
    reason: Text = ""
    """Why, in one word."""
    message: Said = ""
    """Why, in a sentence with the numbers."""
    value: Measure | None = None
    """The metric as it was judged."""
    baseline: Text | None = None
    """Model version it was compared with."""


class RegisteredVersion(Model):
    """The model version that the run became."""

    model: Text
    """Registered model, as the registry knows it."""
    version: Text
    """Version."""
    alias: Text | None = None
    """Alias that the version earned."""
    replaces: Text | None = None
    """Version that held the alias when the gates were judged."""
    alias_moved: bool = False
    """Whether the alias has been moved."""


class Progress(Model):
    """How far the program is, as it reports to the tracking server; the last report of an earlier attempt until the next one reports."""

    attempt: Annotated[int, Field(ge=1)] = 1
    """Attempt that reported this."""
    percent: Annotated[int, Field(ge=0, le=100)] | None = None
    """Share that is done: metric `treadle.progress` (0 to 1), else metric epoch by a parameter like epochs, or step by one like max_steps."""
    step: Annotated[int, Field(ge=0)] | None = None
    """Highest step of any metric."""
    remaining_seconds: Annotated[int, Field(ge=0)] | None = None
    """Estimated time from the report to the end, from the pace of this attempt."""
    metrics: Metrics = ()
    """Latest metrics: those of the gates, and others by name."""
    reported_at: Instant | None = None
    """When it was reported, by the program's clock."""
    first_at: Instant | None = None
    """When the pace of this attempt began to be measured."""
    first_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    """How much was done by then: what an earlier attempt left in the checkpoint."""


class RunReport(Model):
    """The page about the run, or why there is none."""

    attempt: Annotated[int, Field(ge=1)] = 1
    """1 for the first Job that made it."""
    again: bool = False
    """Whether another attempt follows."""
    uri: StoreUri | None = None
    """The page; MLflow shows it among the run's files."""
    reason: Text = ""
    """Why it could not be made, in one word."""
    message: Said = ""
    """Why it could not be made."""


class TrainingRunMemory(Model):
    """What the plan of a TrainingRun reads back from status."""

    result: Ending | None = None
    """How the run ended."""
    attempts: Annotated[tuple[Attempt, ...], Recent(), ListMap("number")] = ()
    """The last finished attempts."""
    counts: AttemptCounts | None = None
    """All finished attempts by class."""
    launched: Annotated[int, Field(ge=1)] | None = None
    """The last attempt whose Job was seen running: without a Job, it is lost."""
    running_since: Instant | None = None
    """When that attempt began to run, if it was seen while it ran: what it has used is counted from then, should its Job or its pods be gone."""
    ran_seconds: Annotated[int, Field(ge=0)] | None = None
    """Running time of all finished attempts."""
    gpu_seconds: Annotated[int, Field(ge=0)] | None = None
    """GPU-seconds of all finished attempts and evaluations, failed ones too."""
    progress: Progress | None = None
    """How far the program is, and the latest metrics."""
    dataset: DatasetPin | None = None
    """Dataset version that the run is pinned to."""
    tracking: TrackedRun | None = None
    """The run's place in the tracking server."""
    evaluation: EvaluationResult | None = None
    """What the evaluation measured."""
    gates: Annotated[tuple[GateVerdict, ...], Recent(), ListMap("name")] = ()
    """What the gates say."""
    registered: RegisteredVersion | None = None
    """The model version that the run became."""
    report: RunReport | None = None
    """The page about the run, made once it has ended."""
    image_digest: Digest | None = None
    """Digest of the image that ran."""
    commands: Commands = ()
    """Commands that were handled."""


class TrainingRunStatus(TrainingRunMemory):
    """What people and programs see of a TrainingRun."""

    attempt: Annotated[int, Field(ge=0)] | None = None
    """Number of the current attempt."""
    job: Text | None = None
    """Job or JobSet of the current attempt."""
    node: Text | None = None
    """Node it runs on."""
    queued_since: Instant | None = None
    """Since when it waits for its queue or for a node; the condition Queued says why."""
    started_at: Instant | None = None
    """When the first attempt began to run."""
    metric: Text | None = None
    """The number people want: the first gate's metric, as name=value."""
    model_version: Text | None = None
    """Registered version, as model/version."""


__all__ = [
    "Attempt",
    "AttemptCounts",
    "BaselineMetrics",
    "Ending",
    "EvaluationResult",
    "GateVerdict",
    "MetricValue",
    "Progress",
    "RegisteredVersion",
    "RunReport",
    "SmokeExample",
    "StoredFile",
    "TrackedRun",
    "TrainingRunMemory",
    "TrainingRunStatus",
]
