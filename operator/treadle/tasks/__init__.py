"""Annotation task types: one file per type, plain Python for the operator and the Jobs alike."""

from collections.abc import Mapping

from treadle.tasks._reason import with_reason
from treadle.tasks._task import Invalid, NotSupportedYet, Region, Task
from treadle.tasks.audio_classification import AUDIO_CLASSIFICATION
from treadle.tasks.custom import CUSTOM
from treadle.tasks.image_classification import IMAGE_CLASSIFICATION
from treadle.tasks.keypoints import KEYPOINTS
from treadle.tasks.named_entities import NAMED_ENTITIES
from treadle.tasks.object_detection import OBJECT_DETECTION
from treadle.tasks.pairwise_preference import PAIRWISE_PREFERENCE
from treadle.tasks.segmentation import SEGMENTATION
from treadle.tasks.text_classification import TEXT_CLASSIFICATION
from treadle.tasks.text_rating import TEXT_RATING
from treadle.tasks.time_series import TIME_SERIES

_ALL = (
    IMAGE_CLASSIFICATION,
    OBJECT_DETECTION,
    SEGMENTATION,
    KEYPOINTS,
    TEXT_CLASSIFICATION,
    NAMED_ENTITIES,
    TEXT_RATING,
    PAIRWISE_PREFERENCE,
    AUDIO_CLASSIFICATION,
    TIME_SERIES,
    CUSTOM,
)
TASKS: Mapping[str, Task] = {task.type: task for task in _ALL}
"""The task types that this version works with, by their name in `spec.task.type`."""


def for_type(type: str) -> Task | NotSupportedYet:  # noqa: A002  (the word of the API)
    """The task type with this name, or why there is none."""
    if task := TASKS.get(type):
        return task
    return NotSupportedYet(type, f"task type {type} is not supported yet; this version supports {', '.join(TASKS)}")


__all__ = ["TASKS", "Invalid", "NotSupportedYet", "Region", "Task", "for_type", "with_reason"]
