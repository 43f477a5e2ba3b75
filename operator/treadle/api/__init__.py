"""What users write and read: the three kinds, their statuses, the names and reasons that Treadle uses. Pure data, no I/O.

`<Kind>Spec` is what users write, `<Kind>Status` what Treadle writes, `<Kind>Memory` the part of it that plans read back.
"""

from treadle.api.annotation_project import AnnotationProjectSpec, TaskType
from treadle.api.annotation_status import AnnotationProjectMemory, AnnotationProjectStatus
from treadle.api.base import Model
from treadle.api.deployment_status import ModelDeploymentMemory, ModelDeploymentStatus
from treadle.api.model_deployment import ModelDeploymentSpec
from treadle.api.reasons import Reason
from treadle.api.status import CommonStatus, DatasetPin, HandledCommand, read_status
from treadle.api.training_run import TrainingRunSpec, TrainingSettings
from treadle.api.training_status import TrainingRunMemory, TrainingRunStatus

__all__ = [
    "AnnotationProjectMemory",
    "AnnotationProjectSpec",
    "AnnotationProjectStatus",
    "CommonStatus",
    "DatasetPin",
    "HandledCommand",
    "Model",
    "ModelDeploymentMemory",
    "ModelDeploymentSpec",
    "ModelDeploymentStatus",
    "Reason",
    "TaskType",
    "TrainingRunMemory",
    "TrainingRunSpec",
    "TrainingRunStatus",
    "TrainingSettings",
    "read_status",
]
