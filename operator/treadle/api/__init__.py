"""What users write and read: the three kinds, their statuses, the names and reasons that Treadle uses. Pure data, no I/O.

`<Kind>Spec` is what users write, `<Kind>Status` what Treadle writes, `<Kind>Memory` the part of it that plans read back.

The models are built when the first one is asked for: Jobs and serving pods, which only know reasons and names, start without them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_FILES = (
    "annotation_project",
    "annotation_status",
    "base",
    "deployment_status",
    "model_deployment",
    "reasons",
    "status",
    "training_run",
    "training_status",
)


def __getattr__(name: str) -> Any:
    """Import all of them (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for file in _FILES:
        module = import_module(f"{__name__}.{file}")
        globals().update({each: getattr(module, each) for each in __all__ if each in vars(module)})
    return globals()[name]
