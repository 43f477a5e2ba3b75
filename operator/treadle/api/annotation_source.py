"""What users write about where the items of an AnnotationProject come from."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from treadle.api.base import (
    Cel,
    ListMap,
    ListSet,
    Model,
    Name,
    Uri,
    bounded,
)

SOURCES_SIZE = 4000
"""Bytes that all sources may have as JSON, apart from their names; a source of feedback has two patterns of our own."""


class SourceLabels(Model):
    """Labels that come with the data."""

    format: Annotated[str, bounded(40, r"^[A-Z][A-Za-z0-9]*$")]
    """Format of the labels: Jsonl, Csv, Coco, Yolo, Voc or ImageFolder."""
    uri: Uri
    """The file they are in; of Yolo, Voc and ImageFolder the folder."""
    as_: Literal["Annotation", "Prediction"] = Field(default="Annotation", alias="as")
    """Annotation counts as human work; Prediction is a proposal to annotators."""


class SourceFields(Model):
    """Which fields of a row hold what, in a .jsonl or .csv file."""

    id: Annotated[str, bounded(100)] | None = None
    """Field that identifies an item. Silent: the digest of its content."""
    uri: Annotated[str, bounded(100)] | None = None
    """Field that says where an image, recording or series is, relative to the folder of the file or as a whole URI. Silent: uri."""
    text: Annotated[str, bounded(100)] | None = None
    """Field that holds the text. Silent: text."""
    prompt: Annotated[str, bounded(100)] | None = None
    """Of PairwisePreference: field that holds what both texts answer; rows may have none. Silent: prompt."""
    first: Annotated[str, bounded(100)] | None = None
    """Of PairwisePreference: field that holds the text on the left. Silent: first."""
    second: Annotated[str, bounded(100)] | None = None
    """Of PairwisePreference: field that holds the text on the right. Silent: second."""
    group: Annotated[str, bounded(100)] | None = None
    """Field by which items are grouped; a group is never divided between splits."""
    time: Annotated[str, bounded(100)] | None = None
    """Field that holds the item's own time; each version tells it as it is."""


Pattern = Annotated[str, bounded(200, r"^[^\x00-\x1f\"\\]+$")]
GroupBy = Annotated[str, bounded(100, r"^([^{}\x00-\x1f\"\\]|\{(parent|top|name|stem)\})+$")]
Patterns = Annotated[tuple[Pattern, ...], Field(max_length=20), ListSet()]


class Source(Model):
    """A place where items come from."""

    rules: ClassVar[tuple[Cel, ...]] = (
        Cel("!has(self.kind) || self.kind != 'Feedback' || !has(self.labels)", "remove labels: what deployments feed back has none"),
    )

    name: Name
    """Name of the source; items remember it."""
    uri: Uri
    """Folder that is listed, or a .jsonl or .csv file with a row for each item."""
    include: Patterns = ()
    """Only items whose path matches one of these shell patterns. Silent: all that the task type can show."""
    exclude: Patterns = ()
    """But none that match one of these."""
    group_by: GroupBy | None = None
    """Group of an item, by its path, such as {parent}, {top} (first folder), {name} or {stem}; never divided between splits. Silent: none."""
    labels: SourceLabels | None = None
    """Labels that come with the data."""
    fields: SourceFields | None = None
    """Which fields hold what, for .jsonl and .csv files."""
    kind: Literal["Items", "Feedback"] | None = None
    """Feedback: what ModelDeployments send back, each with why, and with what the model said. Silent: Items."""


FIELDS = ("id", "uri", "text", "prompt", "first", "second", "group", "time")
_SIZES = " + ".join(
    [
        "size(bytes(s.uri))",
        "(has(s.groupBy) ? 14 + size(bytes(s.groupBy)) : 0)",
        "(has(s.labels) ? 63 + size(bytes(s.labels.uri)) : 0)",
        f"(has(s.fields) ? 12 + {' + '.join(f'(has(s.fields.{f}) ? {len(f) + 6} + 2 * size(bytes(s.fields.{f})) : 0)' for f in FIELDS)} : 0)",
        *(f"(has(s.{field}) ? 13 + s.{field}.map(p, 3 + size(bytes(p))).sum() : 0)" for field in ("include", "exclude")),
        "(has(s.kind) && s.kind == 'Feedback' ? 50 : 0)",
    ]
)

Sources = Annotated[
    tuple[Source, ...],
    Field(min_length=1, max_length=20),
    ListMap("name"),
    Cel(
        f"self.map(s, {_SIZES}).sum() <= {SOURCES_SIZE}",
        f"shorten URIs and patterns of sources: together they may have {SOURCES_SIZE} bytes, to fit the description of a Job",
    ),
]


class SingleSource(Model):
    """The only source, in short."""

    uri: Uri
    """Folder that is listed, or a .jsonl or .csv file with a row for each item."""
    include: Patterns = ()
    """Only items whose path matches one of these shell patterns. Silent: all that the task type can show."""
    exclude: Patterns = ()
    """But none that match one of these."""
    group_by: GroupBy | None = None
    """Group of an item, from its path, such as {parent}; see sources. Silent: each item is its own."""


__all__ = [
    "SOURCES_SIZE",
    "Pattern",
    "Patterns",
    "SingleSource",
    "Source",
    "SourceFields",
    "SourceLabels",
    "Sources",
]
