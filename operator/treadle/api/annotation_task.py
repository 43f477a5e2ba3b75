"""What users write about the task of an AnnotationProject, and the guidelines to it."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from treadle.api.base import (
    Atomic,
    Cel,
    Key,
    Model,
    ObjectName,
    bounded,
    exactly_one,
)
from treadle.api.common import ConfigMapReference


class TaskType(StrEnum):
    """What annotators do with an item; each has its file in `treadle.tasks`."""

    IMAGE_CLASSIFICATION = "ImageClassification"
    OBJECT_DETECTION = "ObjectDetection"
    SEGMENTATION = "Segmentation"
    KEYPOINTS = "Keypoints"
    TEXT_CLASSIFICATION = "TextClassification"
    NAMED_ENTITIES = "NamedEntities"
    TEXT_RATING = "TextRating"
    PAIRWISE_PREFERENCE = "PairwisePreference"
    AUDIO_CLASSIFICATION = "AudioClassification"
    TIME_SERIES = "TimeSeries"
    CUSTOM = "Custom"


LABEL_NAME = r"^[^\s<>&\"'\\]([^<>&\"'\\\n\r\t]*[^\s<>&\"'\\])?$"
ONE_LINE = r"^[^\x00-\x1f\\]*$"
COLOR = r"^#[0-9a-fA-F]{6}$"


class Label(Model):
    """One thing that annotators can say."""

    name: Annotated[str, bounded(100, LABEL_NAME)]
    """Name of the label; datasets and models speak of it by this name."""
    description: Annotated[str, bounded(500, ONE_LINE, shortest=0)] | None = None
    """What it means, shown to annotators; one line."""
    color: Annotated[str, bounded(7, COLOR)] | None = None
    """Colour on the screen, #rrggbb. Silent: chosen to be told apart."""
    hotkey: Annotated[str, bounded(7, r"^[a-z0-9]([a-z0-9+]*[a-z0-9])?$")] | None = None
    """Key that chooses the label. Silent: a name of one digit or letter is its own key, the others get 1 to 9, 0 and then letters in order."""


class RelationLabel(Model):
    """One thing that a span can be to another one."""

    name: Annotated[str, bounded(100, LABEL_NAME)]
    """Name of the relation; datasets and models speak of it by this name. No label has the same."""
    description: Annotated[str, bounded(500, ONE_LINE, shortest=0)] | None = None
    """What it means; one line. The screen shows names only, so write it into the guidelines too."""
    color: Annotated[str, bounded(7, COLOR)] | None = None
    """Colour behind the name where annotators choose it, #rrggbb. Silent: none."""


LABELS_SIZE = 23_000
"""Bytes that all labels and relations may have as JSON; with `SOURCES_SIZE` it keeps the description of a Job below the 32 KiB that it may have."""


def _size_of(classes: str, around: int) -> str:
    """CEL for the bytes that labels have at most as JSON: `around` is what each has beside its name and its description."""
    return f"{classes}.map(a, {around} + size(bytes(a.name)) + (has(a.description) ? 2 * size(bytes(a.description)) : 0)).sum()"


_APPENDED = "size(self) >= size(oldSelf) && oldSelf.all(i, o, self[i].name == o.name)"
_DISTINCT = "self.transformMapEntry(i, a, {a.name: i}).size() == size(self)"

Schema = Annotated[
    tuple[Label, ...],
    Field(min_length=1, max_length=300),
    Atomic(),
    Cel(_DISTINCT, "give each label another name"),
    Cel(
        f"{_size_of('self', 66)} <= {LABELS_SIZE}",
        "shorten names and descriptions of labels, or use fewer: together they must fit the description of a Job",
    ),
    Cel(_APPENDED, "append new labels at the end: labels are never removed, renamed or reordered, since their place is the class id"),
]

Relations = Annotated[
    tuple[RelationLabel, ...],
    Field(min_length=1, max_length=100),
    Atomic(),
    Cel(_DISTINCT, "give each relation another name"),
    Cel(_APPENDED, "append new relations at the end: relations are never removed, renamed or reordered, since their place is the class id"),
]


class Task(Model):
    """What annotators do with an item."""

    rules: ClassVar[tuple[Cel, ...]] = (
        Cel("(self.type == 'Custom') == has(self.configuration)", "set configuration for type Custom, and only then"),
        Cel("!has(oldSelf.labels) || has(self.labels)", "keep labels: they are never removed, since datasets and models speak of them"),
        Cel("self.type in ['Custom', 'TextRating', 'PairwisePreference'] || has(self.labels)", "set labels: the task type needs at least one"),
        Cel("self.type == 'NamedEntities' || !has(self.relations)", "remove relations, or set type NamedEntities: only its spans can be related"),
        Cel("!has(oldSelf.relations) || has(self.relations)", "keep relations: they are never removed, since datasets and models speak of them"),
        Cel(
            "!has(self.labels) || !has(self.relations)"
            " || (self.labels.map(a, a.name) + self.relations.map(a, a.name)).transformMapEntry(i, name, {name: i}).size()"
            " == size(self.labels) + size(self.relations)",
            "give each relation a name that no label has: figures and rules tell them apart by their names",
        ),
        Cel(
            f"!has(self.labels) || !has(self.relations) || {_size_of('self.labels', 66)} + {_size_of('self.relations', 47)} <= {LABELS_SIZE}",
            "shorten names and descriptions of labels and relations, or use fewer: together they must fit the description of a Job",
        ),
    )

    type: TaskType
    """Kind of task. Changing it once people have annotated stalls the project."""
    labels: Schema | None = Field(
        default=None,
        description="What annotators can say, in the order of class ids; append only. TextRating: the steps of the scale, silent 1 to 5. "
        "PairwisePreference: which text is better, from the first to the second, silent First, Tie, Second; name First and Second for no tie.",
    )
    relations: Relations | None = None
    """What one span can be to another one, in the order of class ids; append only. For type NamedEntities. Silent: spans are not related."""
    configuration: ConfigMapReference | None = None
    """The backend's own labelling configuration, for type Custom only."""


class Guidelines(Model):
    """What annotators read before they start; its digest is part of every dataset version."""

    rules: ClassVar[tuple[Cel, ...]] = (
        exactly_one("inline", "configMap"),
        Cel("has(self.configMap) == has(self.key)", "set configMap and key together"),
    )

    inline: Annotated[str, bounded(8192)] | None = None
    """The text itself, Markdown."""
    config_map: ObjectName | None = None
    """ConfigMap that holds it."""
    key: Key | None = None
    """Key inside the ConfigMap."""


__all__ = [
    "LABELS_SIZE",
    "Guidelines",
    "Label",
    "RelationLabel",
    "Relations",
    "Schema",
    "Task",
    "TaskType",
]
