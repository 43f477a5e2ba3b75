"""What a task type is, for both planes: the operator sets up the labelling screen, the Jobs read what people answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from treadle.contracts.labels import ImageSize, Label, LabelClass, LabelSchema

Region = Mapping[str, Any]
"""One part of an answer in the labelling backend's own words."""


def value_of(region: Region) -> Mapping[str, Any]:
    """What was answered in a region; empty when it is not of the form that the backend writes."""
    value = region.get("value")
    return value if isinstance(value, Mapping) else {}


@dataclass(frozen=True)
class Invalid:
    """An answer that the schema does not allow, and why. It counts for nothing, and is never lost: the snapshot holds it."""

    message: str


@dataclass(frozen=True)
class Task:
    """A task type. A value, not a base class: what differs between types stands here, all else is shared.

    Attributes:
        type: its name in `spec.task.type`.
        media: what an item is.
        fields: names of the fields of a labelling task's data that hold the item: one for its URI or its text, of a pair one for each of its texts.
        configuration: the labelling screen, in Label Studio's language; None where it is the user's own.
        parse: an answer as a canonical label.
        show: a canonical label as an answer, the inverse of `parse`; of images their size is needed.
        shape: which canonical label an answer becomes; agreement, consensus and exports belong to it.
        measures: names of the agreement measures that fit, the default first; see `treadle.statistics`.
        silent: the labels where spec names none.
        formats: export formats that fit, the default first; see `treadle.jobs.exports`.
    """

    type: str
    media: Literal["Image", "Audio", "Text", "Pair", "Series", "Any"]
    fields: tuple[str, ...]
    configuration: Callable[[LabelSchema], str] | None
    parse: Callable[[Sequence[Region], LabelSchema], Label | Invalid]
    show: Callable[[Any, ImageSize | None], list[Region]]
    shape: Literal["Class", "Boxes", "Spans", "Intervals", "Regions", "Points", "Rating", "Answer"]
    measures: tuple[str, ...]
    formats: tuple[str, ...]
    silent: tuple[LabelClass, ...] = ()

    @property
    def is_written(self) -> bool:
        """Whether items are words: these stand in labelling tasks and in the rows of manifests, where other items are only named."""
        return self.media in ("Text", "Pair")


@dataclass(frozen=True)
class NotSupportedYet:
    """A task type of the API that this version cannot work with, worded for a condition."""

    type: str
    message: str
