"""The kind AnnotationProject: what people label, how well, and the dataset versions that come of it."""

from functools import partial

from treadle.annotation.leaving import Leaving
from treadle.annotation.observe import observe
from treadle.annotation.plan import plan
from treadle.annotation.project import Project
from treadle.connections.installation import Installation
from treadle.plan import Kind


def annotation_project(installation: Installation) -> Kind[Project | Leaving]:
    """The kind, as this installation of the operator carries it out."""
    return Kind(
        name="AnnotationProject",
        observe=partial(observe, installation),
        plan=plan,
        ready=("SetUp",),
        phases=(
            ("Suspended", True, "Suspended"),
            ("Accepted", False, "Refused"),
            ("SetUp", False, "SettingUp"),
            ("LabelingComplete", False, "Labeling"),
            ("QualityPassed", False, "CheckingQuality"),
            ("DatasetReleased", False, "AwaitingRelease"),
            ("DatasetReleased", True, "Released"),
        ),
    )


__all__ = ["annotation_project"]
