"""Canonical label shapes: what people and models say about an item, whatever tool they said it in.

Backends and export formats translate to and from these shapes only, so that task types times formats is never a grid. A new shape is a class here
(or beside, as that of texts is) with its own `shape` tag, a line in `Label`, and a file in `statistics/shapes/`.
"""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, TypeAdapter, field_validator

from treadle.contracts._base import Contract, canonical_json
from treadle.contracts._label_schema import MOST_PARTS, LabelClass, LabelName, LabelSchema
from treadle.contracts._spans import Mention, Relation, Span, Spans

MOST_BOXES = 1000
"""Boxes in one image: more are a slip of a tool, and would cost quality runs minutes."""


class ImageSize(Contract):
    """An image as people see it, turned as its EXIF orientation says; pixels."""

    width: int = Field(ge=1)
    height: int = Field(ge=1)


class ClassLabel(Contract):
    """The item as a whole is one of the schema's labels."""

    shape: Literal["Class"] = "Class"
    label: LabelName

    @property
    def names(self) -> tuple[LabelName, ...]:
        """The labels that the item shows."""
        return (self.label,)


class Box(Contract):
    """One object in an image: its upper left corner and its extent, in pixels."""

    label: LabelName
    x: float = Field(ge=0, allow_inf_nan=False)
    y: float = Field(ge=0, allow_inf_nan=False)
    width: float = Field(gt=0, allow_inf_nan=False)
    height: float = Field(gt=0, allow_inf_nan=False)
    score: float | None = Field(default=None, ge=0, le=1, description="How sure a model is; people are not asked.")

    @property
    def place(self) -> tuple[str, float, float, float, float]:
        """Label and edges (left, top, right, bottom): what boxes are sorted by."""
        return (self.label, self.x, self.y, self.x + self.width, self.y + self.height)


class Boxes(Contract):
    """The objects in an image; none of them is an answer too. A set: equal boxes in another order are the same label."""

    shape: Literal["Boxes"] = "Boxes"
    boxes: tuple[Box, ...] = Field(default=(), max_length=MOST_BOXES)

    @field_validator("boxes")
    @classmethod
    def _sorted(cls, boxes: tuple[Box, ...]) -> tuple[Box, ...]:
        return tuple(sorted(boxes, key=lambda box: box.place))

    @property
    def names(self) -> tuple[LabelName, ...]:
        """The labels that the item shows, each once."""
        return tuple(sorted({box.label for box in self.boxes}))


class Interval(Contract):
    """A stretch of a series, in the unit of its time column."""

    label: LabelName
    start: float = Field(allow_inf_nan=False)
    end: float = Field(allow_inf_nan=False)
    score: float | None = Field(default=None, ge=0, le=1, description="How sure a model is; people are not asked.")

    @property
    def place(self) -> tuple[str, float, float]:
        """Label and ends: what intervals are sorted by."""
        return (self.label, self.start, self.end)


class Intervals(Contract):
    """What happens in a series; nothing is an answer too."""

    shape: Literal["Intervals"] = "Intervals"
    intervals: tuple[Interval, ...] = Field(default=(), max_length=MOST_PARTS)

    @field_validator("intervals")
    @classmethod
    def _sorted(cls, intervals: tuple[Interval, ...]) -> tuple[Interval, ...]:
        return tuple(sorted(intervals, key=lambda interval: interval.place))

    @property
    def names(self) -> tuple[LabelName, ...]:
        """The labels that the item shows, each once."""
        return tuple(sorted({interval.label for interval in self.intervals}))


class Region(Contract):
    """One thing in an image and which pixels it covers: a polygon, or runs of pixels where it was painted."""

    label: LabelName
    points: tuple[tuple[float, float], ...] = Field(default=(), max_length=10_000, description="Corners of the polygon, in pixels; none: see `runs`.")
    runs: tuple[int, ...] = Field(
        default=(),
        max_length=1_000_000,
        description="Pixels row by row, in turns how many are outside and how many inside, outside first; what is left at the end is outside.",
    )
    image: ImageSize
    score: float | None = Field(default=None, ge=0, le=1, description="How sure a model is; people are not asked.")

    @property
    def place(self) -> tuple[str, tuple[tuple[float, float], ...], tuple[int, ...]]:
        """Label and outline: what regions are sorted by."""
        return (self.label, self.points, self.runs)


class Regions(Contract):
    """The things in an image with their outlines; nothing is an answer too."""

    shape: Literal["Regions"] = "Regions"
    regions: tuple[Region, ...] = Field(default=(), max_length=MOST_PARTS)

    @field_validator("regions")
    @classmethod
    def _sorted(cls, regions: tuple[Region, ...]) -> tuple[Region, ...]:
        return tuple(sorted(regions, key=lambda region: region.place))

    @property
    def names(self) -> tuple[LabelName, ...]:
        """The labels that the item shows, each once."""
        return tuple(sorted({region.label for region in self.regions}))


class Point(Contract):
    """One named place in an image, in pixels."""

    label: LabelName
    x: float = Field(ge=0, allow_inf_nan=False)
    y: float = Field(ge=0, allow_inf_nan=False)
    scale: float = Field(gt=0, description="What distances are measured against: the square root of the image's area, in pixels.")
    score: float | None = Field(default=None, ge=0, le=1, description="How sure a model is; people are not asked.")

    @property
    def place(self) -> tuple[str, float, float]:
        """Label and place: what points are sorted by."""
        return (self.label, self.x, self.y)


class Points(Contract):
    """The named places in an image; none of them is an answer too."""

    shape: Literal["Points"] = "Points"
    points: tuple[Point, ...] = Field(default=(), max_length=MOST_PARTS)

    @field_validator("points")
    @classmethod
    def _sorted(cls, points: tuple[Point, ...]) -> tuple[Point, ...]:
        return tuple(sorted(points, key=lambda point: point.place))

    @property
    def names(self) -> tuple[LabelName, ...]:
        """The labels that the item shows, each once."""
        return tuple(sorted({point.label for point in self.points}))


class Rating(Contract):
    """The item's place on a scale whose steps are the schema's labels, in their order."""

    shape: Literal["Rating"] = "Rating"
    step: int = Field(ge=1, description="1 for the first label of the schema.")
    label: LabelName

    @property
    def names(self) -> tuple[LabelName, ...]:
        """The labels that the item shows."""
        return (self.label,)


class Answer(Contract):
    """What somebody said on a screen that Treadle does not know, in the backend's own words."""

    shape: Literal["Answer"] = "Answer"
    parts: tuple[dict[str, JsonValue], ...] = Field(default=(), max_length=MOST_PARTS)

    @property
    def names(self) -> tuple[LabelName, ...]:
        """None: which of the words are labels is not known."""
        return ()

    @property
    def said(self) -> tuple[str, ...]:
        """The parts in an order that does not depend on who made which first."""
        return tuple(sorted(canonical_json(part) for part in self.parts))


Label = Annotated[ClassLabel | Boxes | Spans | Intervals | Regions | Points | Rating | Answer, Field(discriminator="shape")]
"""Any canonical label, told apart by `shape`. Each says the `names` that the item shows."""


def parts_of(label: Label) -> tuple[Box | Span | Interval | Region | Point, ...] | None:
    """The things that a label marks in its item; None where it speaks of the item as a whole."""
    match label:
        case Boxes(boxes=parts) | Spans(spans=parts) | Intervals(intervals=parts) | Regions(regions=parts) | Points(points=parts):
            return parts
    return None


LABEL: TypeAdapter[Label] = TypeAdapter(Label)
"""Reads and writes a label of any shape."""

__all__ = [
    "LABEL",
    "MOST_BOXES",
    "MOST_PARTS",
    "Answer",
    "Box",
    "Boxes",
    "ClassLabel",
    "ImageSize",
    "Interval",
    "Intervals",
    "Label",
    "LabelClass",
    "LabelName",
    "LabelSchema",
    "Mention",
    "Point",
    "Points",
    "Rating",
    "Region",
    "Regions",
    "Relation",
    "Span",
    "Spans",
    "parts_of",
]
