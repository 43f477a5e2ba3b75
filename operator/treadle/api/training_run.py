"""What users write about a TrainingRun: a record of one training, fixed once it is made."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from treadle.api.base import (
    Alias,
    Cel,
    Command,
    DecimalString,
    Duration,
    Image,
    Labels,
    ListMap,
    ListSet,
    Model,
    ModelName,
    Name,
    ObjectName,
    OwnName,
    Uri,
    bounded,
    exactly_one,
    needs,
)
from treadle.api.common import Access, ClaimReference, Environment, Resources, Tolerations, Volumes

Split = Literal["train", "validation", "test"]
MetricName = Annotated[str, bounded(250, r"^[-_./ A-Za-z0-9]+$")]


class DatasetReference(Model):
    """The data to train on. Which version that is, is pinned when the first Job is made."""

    rules: ClassVar[tuple[Cel, ...]] = (
        exactly_one("project", "uri"),
        needs("version", "project"),
        Cel("has(self.uri) == has(self.digest)", "set uri and digest together: data named by URI is pinned by its digest"),
    )

    project: OwnName | None = None
    """AnnotationProject in this namespace whose dataset is used."""
    version: Annotated[str, bounded(12, r"^(latest|v?[1-9][0-9]{0,8})$")] | None = None
    """Version of the project's dataset: a number such as 3, or latest. Silent: latest at the time of the first Job."""
    uri: Uri | None = None
    """Folder of one dataset version, when it comes from no project here: in an object store, or in a claim of this namespace, `pvc://<claim>/<path>`."""
    digest: Annotated[str, bounded(71, r"^sha256:[0-9a-f]{64}$")] | None = None
    """Identity digest in that version's manifest.json."""
    format: Annotated[str, bounded(40, r"^[A-Z][A-Za-z0-9]*$")] | None = None
    """Export format to fetch, such as Yolo or Coco. Silent: the default of the project's task type."""
    splits: Annotated[tuple[Split, ...], Field(max_length=3), ListSet()] = ()
    """Splits to fetch. Silent: all."""
    cache: ClaimReference | None = None
    """Claim in which fetched versions are kept, checked and shared between runs, read-only for the program. Silent: fetched anew each time."""


class Parameter(Model):
    """A named setting of the training, logged to the tracking run."""

    name: Annotated[str, bounded(100, r"^[A-Za-z_][-._A-Za-z0-9]*$")]
    """Name; the container sees it as TREADLE_PARAM_<NAME>, in capitals, other characters than letters and digits as _."""
    value: Annotated[str, bounded(2048, shortest=0)]
    """Its value."""


class Tracking(Model):
    """Where the run's parameters and metrics are kept."""

    type: Literal["MLflow", "None"] = "MLflow"
    """MLflow, or None for no tracking at all."""
    connection: Name | None = None
    """MLflow connection. Silent: `default`."""
    experiment: Annotated[str, bounded(200, r"^[^\s/]([^/]*[^\s/])?$")] | None = None
    """Experiment. Silent: the registered model's name, else the project's, else the run's."""


class Stall(Model):
    """What to do about a run that reports no progress any more."""

    timeout: Duration
    """So long without progress is a stall; counted only after the first report of progress."""
    action: Literal["Report", "Restart"] = "Report"
    """Report says so in a condition; Restart makes a new attempt at the cost of an infrastructure retry."""


class Retries(Model):
    """How often a failed attempt is followed by another, by class of failure. Preemption and suspension cost nothing."""

    infrastructure: Annotated[int, Field(ge=0, le=100)] = 3
    """Retries after failures of nodes, devices and evictions."""
    application: Annotated[int, Field(ge=0, le=100)] = 0
    """Retries after failures of the program itself: exit codes, out of memory."""


class Checkpoint(Model):
    """Where the program keeps what it needs to go on after an interruption; seen at TREADLE_CHECKPOINT_DIR."""

    claim: ObjectName
    """PersistentVolumeClaim; each run has its own folder in it, named by the run's UID."""


class Output(Model):
    """Where a run without MLflow leaves its model and its result."""

    uri: Uri
    """Folder in an object store or a claim; each run writes below its own name, at TREADLE_OUTPUT_URI, untracked its model to `model/` there."""


class Evaluation(Model):
    """A second Job that measures the model on data it was not trained on."""

    split: Split = "test"
    """Split of the pinned dataset that is used."""
    image: Image | None = None
    """Image that measures a model and leaves metrics.json. Silent: with a command, the training's image; else ours, by the model contract."""
    command: Command = ()
    """Command line of that image. Silent: the image's own."""
    resources: Resources = Resources()
    """What the Job asks for. Silent: the platform's defaults for our Jobs."""


class Baseline(Model):
    """The model version that a run is compared with."""

    alias: Alias
    """Alias of the registered model, read when the gate is judged. No such version means that the gate is passed."""


class Gate(Model):
    """A bound on one metric that must hold before the model is registered."""

    rules: ClassVar[tuple[Cel, ...]] = (
        Cel("has(self.min) || has(self.max) || has(self.notWorseThan)", "set min, max or notWorseThan: a gate without a bound says nothing"),
        needs("tolerance", "notWorseThan"),
    )

    name: Name
    """Name of the gate."""
    metric: MetricName
    """Metric of the tracking run, or of the evaluation. Unknown or NaN never passes."""
    min: DecimalString | None = None
    """The metric must be at least this."""
    max: DecimalString | None = None
    """The metric must be at most this."""
    not_worse_than: Baseline | None = None
    """The metric must not be worse than this version's on the same dataset digest."""
    tolerance: DecimalString | None = None
    """How much worse than the baseline is still accepted. Silent: 0."""
    goal: Literal["Maximize", "Minimize"] = "Maximize"
    """Whether a larger or a smaller metric is the better one, for notWorseThan."""


class Registration(Model):
    """The registered model that this run makes a version of, once every gate is passed."""

    model: ModelName
    """Short name of the registered model; made when it does not exist."""
    alias: Alias | None = None
    """Alias moved to the new version. Silent: `candidate`."""
    artifact: Annotated[str, bounded(250, r"^[^/\s][^\s]*$")] | None = None
    """Name of the logged model. Silent: the only one the run logged."""


class TensorBoard(Model):
    """A TensorBoard over the run's event files: a Deployment and a Service, from the first attempt until ttlAfterFinished."""

    log_dir: Annotated[str, bounded(512, r"^[^\s]+$")]
    """Folder with the event files: a path in the container that lies in spec.checkpoint, spec.output or a claim of spec.volumes, or a URI."""
    image: Image | None = None
    """Image with the program tensorboard. Silent: the training's."""


class TrainingSettings(Model):
    """All of a TrainingRun but the data: what continuous training repeats with each dataset version."""

    rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "!has(self.register) || !has(self.tracking) || self.tracking.type != 'None'",
            "register needs tracking: remove tracking.type: None, or remove register",
        ),
        Cel(
            "!has(self.gates) || !has(self.tracking) || self.tracking.type != 'None' || has(self.output)",
            "gates need metrics: remove tracking.type: None, or set output",
        ),
        Cel(
            "!has(self.evaluate) || !has(self.tracking) || self.tracking.type != 'None' || has(self.output)",
            "evaluate needs a model: remove tracking.type: None, or set output and leave the model in its folder model",
        ),
        needs("approval", "register"),
        Cel(
            "!has(self.stall) || self.stall.action != 'Restart' || has(self.checkpoint)",
            "stall.action Restart needs checkpoint: set checkpoint, or stall.action: Report",
        ),
    )

    image: Image
    """Image that trains. It needs no Treadle code: data, settings and tracking come by files and environment."""
    command: Command = ()
    """Entry point. Silent: the image's."""
    args: Command = ()
    """Arguments. Silent: the image's."""
    working_dir: Annotated[str, bounded(512, r"^/[^\s]*$")] | None = None
    """Working directory. Silent: the image's."""
    env: Environment = ()
    """Environment variables."""
    parameters: Annotated[tuple[Parameter, ...], Field(max_length=100), ListMap("name")] = ()
    """Settings of the training: environment variables TREADLE_PARAM_*, logged to the tracking run."""
    resources: Resources = Resources()
    """What each pod asks for. Silent: the platform's defaults."""
    nodes: Annotated[int, Field(ge=1, le=512)] = 1
    """Number of pods that train together; more than 1 needs JobSet in the cluster."""
    volumes: Volumes = ()
    """Claims, Secrets and ConfigMaps to mount."""
    queue: Name | None = None
    """Kueue LocalQueue. Silent: not queued."""
    priority_class_name: ObjectName | None = None
    """Priority class of the pods. Silent: the cluster's default."""
    node_selector: Labels = {}
    """Labels that a node must have."""
    tolerations: Tolerations = ()
    """Taints that the pods tolerate."""
    labels: Annotated[
        Labels, Cel("self.all(key, !key.startsWith('treadle.dev/'))", "choose other keys: labels under treadle.dev/ are Treadle's")
    ] = {}
    """Extra labels on the pods, for cost accounting and such; treadle.dev/ is ours."""
    access: Access = Access()
    """As whom the pods run, and with which credentials they reach data."""
    tracking: Tracking | None = None
    """Tracking of parameters and metrics. Silent: MLflow, if a default connection is configured."""
    deadline: Duration | None = None
    """Longest running time, over all attempts; waiting and suspension are not counted. An evaluation Job is given as long again. Silent: none."""
    pending_timeout: Duration | None = None
    """So long without a running pod raises an alert; nothing is killed. Silent: 2h."""
    stall: Stall | None = None
    """Watch for a run without progress. Silent: not watched."""
    retries: Retries = Retries()
    """Budget of further attempts. Silent: 3 for infrastructure, 0 for the application."""
    checkpoint: Checkpoint | None = None
    """Where checkpoints are kept between attempts."""
    output: Output | None = None
    """Where a run without MLflow leaves its model and its result."""
    evaluate: Evaluation | None = None
    """Measure the model on held-out data in a Job of its own."""
    gates: Annotated[tuple[Gate, ...], Field(max_length=20), ListMap("name")] = ()
    """Bounds that must hold before the model is registered."""
    approval: Literal["Required"] | None = None
    """Required: a human must also approve, by the annotation treadle.dev/approve with the attempt's number."""
    registration: Registration | None = Field(default=None, alias="register")
    """Register the model. Silent: the run ends with its metrics."""
    tensorboard: TensorBoard | None = None
    """Show the run in TensorBoard."""
    sensitive: bool = False
    """Keep log lines out of status and samples out of cards."""


class TrainingRunSpec(TrainingSettings):
    """One training. Everything but suspend and ttlAfterFinished is fixed once it is made."""

    rules: ClassVar[tuple[Cel, ...]] = (*TrainingSettings.rules, needs("evaluate", "dataset"))

    dataset: DatasetReference | None = None
    """Data to train on, mounted at TREADLE_DATASET_DIR. Silent: the program finds its own."""
    suspend: bool = False
    """Stop the Job and start no other until this is false again; costs no retry."""
    ttl_after_finished: Duration | None = None
    """So long after the end the Jobs are deleted; the record stays. Silent: 7d."""
    rerun_of: OwnName | None = None
    """The run that this one repeats."""


__all__ = [
    "Baseline",
    "Checkpoint",
    "DatasetReference",
    "Evaluation",
    "Gate",
    "Output",
    "Parameter",
    "Registration",
    "Retries",
    "Split",
    "Stall",
    "TensorBoard",
    "Tracking",
    "TrainingRunSpec",
    "TrainingSettings",
]
