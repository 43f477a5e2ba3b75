"""The stations of the loop, as conditions of the three objects: the demo shows the operator's own words, not its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from manifests.demo.data.digits import ITEMS

NEW_ITEMS = 60
"""So many make another version, as the project says (`everyItems`)."""

Objects = Mapping[tuple[str, str], Mapping[str, Any]]
"""Live objects by (kind, name)."""


Status = Mapping[str, Any]
"""Of one object, live."""


def always(status: Status) -> bool:
    """For a station that is reached as soon as its condition is True."""
    return True


def serves_second(status: Status) -> bool:
    """Whether the second version of the model serves."""
    return status.get("model") == "digits/2"


@dataclass(frozen=True)
class Station:
    """A point that the data passes: reached when the condition of the object is True, and the object's status is so far.

    Attributes:
        shown: the condition that tells how it goes, where it is another one.
    """

    name: str
    kind: str
    object: str
    condition: str
    so_far: Callable[[Status], bool] = always
    shown: str = ""

    def look(self, objects: Objects) -> tuple[bool, str]:
        """Whether it is reached, and what the operator says about it."""
        found = objects.get((self.kind, self.object))
        if found is None:
            return False, f"waiting for {self.kind} {self.object}"
        status = found.get("status", {})
        conditions = {c["type"]: c for c in status.get("conditions", ())}
        condition = conditions.get(self.condition)
        if condition is not None and condition["status"] == "True" and self.so_far(status):
            return True, str(condition["message"])
        said = conditions.get("Stalled") or conditions.get(self.shown or self.condition)
        said = said or {"reason": "Pending", "message": "the operator has not spoken yet"}
        return False, f"{said['reason']}: {said['message']}"


FIRST_TURN: Sequence[Station] = (
    Station("synced", "AnnotationProject", "digits", "SourceSynced"),
    Station("annotated", "AnnotationProject", "digits", "LabelingComplete"),
    Station("quality", "AnnotationProject", "digits", "QualityPassed"),
    Station("dataset", "AnnotationProject", "digits", "DatasetReleased"),
    Station("trained", "TrainingRun", "digits-v1", "Succeeded"),
    Station("own run", "TrainingRun", "digits-small", "Succeeded"),
    Station("serving", "ModelDeployment", "digits", "Ready"),
    Station("champion", "ModelDeployment", "digits", "Promoted"),
)

RELEASED_AGAIN: Sequence[Station] = (
    Station("drift", "ModelDeployment", "digits", "DriftDetected"),
    Station("fed back", "AnnotationProject", "digits", "SourceSynced", lambda status: status["source"]["items"] >= ITEMS + NEW_ITEMS),
    Station("annotated again", "AnnotationProject", "digits", "LabelingComplete", lambda status: status["progress"]["items"] >= ITEMS + NEW_ITEMS),
    Station("dataset v2", "AnnotationProject", "digits", "DatasetReleased", lambda status: status["dataset"]["version"] > 1),
)
"""The second turn, from live traffic to the next version of the data."""

PROMOTED_AGAIN: Sequence[Station] = (
    Station("trained again", "TrainingRun", "digits-v2", "Succeeded"),
    Station("champion again", "ModelDeployment", "digits", "Promoted", serves_second, shown="RolloutProgressing"),
)
"""The second turn, from there to the next champion."""
