"""The three kinds as the API server knows them: names, columns, subresources, and what may change."""

from dataclasses import dataclass, field

from treadle.api.annotation_project import AnnotationProjectSpec
from treadle.api.annotation_status import AnnotationProjectStatus
from treadle.api.base import Model
from treadle.api.deployment_status import ModelDeploymentStatus
from treadle.api.model_deployment import ModelDeploymentSpec
from treadle.api.training_run import TrainingRunSpec
from treadle.api.training_status import TrainingRunStatus


@dataclass(frozen=True)
class Column:
    """A column of `kubectl get`; those of priority 1 appear with `-o wide`."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True, kw_only=True)
class ApiKind:
    """A kind, as its CRD says it.

    Attributes:
        changeable: fields of spec that may change; None means all.
        immutable_message: told to those who change another; `{field}` is its name.
        scale: whether `kubectl scale` and autoscalers work on it.
    """

    kind: str
    plural: str
    short_name: str
    description: str
    spec: type[Model]
    status: type[Model]
    columns: tuple[Column, ...]
    changeable: tuple[str, ...] | None = None
    immutable_message: str = ""
    scale: bool = False
    singular: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "singular", self.kind.lower())


PHASE = Column("Phase", ".status.phase")
AGE = Column("Age", ".metadata.creationTimestamp", "date")
MESSAGE = Column("Message", '.status.conditions[?(@.type=="Ready")].message', priority=1)

ANNOTATION_PROJECT = ApiKind(
    kind="AnnotationProject",
    plural="annotationprojects",
    short_name="ap",
    description="Data that people label: items from the object store, annotated and checked, released as dataset versions, trained on.",
    spec=AnnotationProjectSpec,
    status=AnnotationProjectStatus,
    columns=(
        PHASE,
        Column("Done%", ".status.progress.percent", "integer"),
        Column("Items", ".status.progress.items", "integer"),
        Column("Agreement", ".status.quality.agreement"),
        Column("Dataset", ".status.dataset.version", "integer"),
        AGE,
        Column("URL", ".status.labellingProject.url", priority=1),
        MESSAGE,
    ),
)

TRAINING_RUN = ApiKind(
    kind="TrainingRun",
    plural="trainingruns",
    short_name="trun",
    description="The record of one training: on which data, with what, how it went, and the model version that came of it.",
    spec=TrainingRunSpec,
    status=TrainingRunStatus,
    columns=(
        PHASE,
        Column("Done%", ".status.progress.percent", "integer"),
        Column("Metric", ".status.metric"),
        Column("Attempt", ".status.attempt", "integer"),
        Column("Model", ".status.modelVersion"),
        AGE,
        Column("Dataset", ".status.dataset.version", "integer", 1),
        Column("GPU-s", ".status.gpuSeconds", "integer", 1),
        Column("URL", ".status.tracking.url", priority=1),
        MESSAGE,
    ),
    changeable=("suspend", "ttlAfterFinished"),
    immutable_message="{field} cannot be changed, since a run is a record: make a new TrainingRun, with rerunOf to link them",
)

MODEL_DEPLOYMENT = ApiKind(
    kind="ModelDeployment",
    plural="modeldeployments",
    short_name="mdep",
    description="A model that serves: rolled out step by step, judged on live traffic, promoted or rolled back, watched for drift.",
    spec=ModelDeploymentSpec,
    status=ModelDeploymentStatus,
    columns=(
        PHASE,
        Column("Ready", ".status.ready"),
        Column("Model", ".status.model"),
        Column("Candidate", ".status.candidate"),
        Column("Weight%", ".status.canary.weight", "integer"),
        AGE,
        Column("URL", ".status.url", priority=1),
        MESSAGE,
    ),
    scale=True,
)

KINDS = (ANNOTATION_PROJECT, TRAINING_RUN, MODEL_DEPLOYMENT)

__all__ = ["ANNOTATION_PROJECT", "KINDS", "MODEL_DEPLOYMENT", "TRAINING_RUN", "ApiKind", "Column"]
