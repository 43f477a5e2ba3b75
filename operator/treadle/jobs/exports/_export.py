"""What an export format is: a pure function from items to an index (whose bytes belong where) and further small files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import Field

from treadle.contracts.dataset import DatasetItem, ExportFile, Split
from treadle.contracts.labels import ImageSize, LabelSchema

Shaped = TypeVar("Shaped")


class Unfit(Exception):  # noqa: N818  (worded for people)
    """An item that the format cannot hold, and why."""


@dataclass(frozen=True)
class File:
    """A small file of a format. With a split: it is about items of this split only."""

    path: str
    content: bytes
    split: Split | None = None


@dataclass(frozen=True)
class Export:
    """One version in one format.

    Attributes:
        index: where the items' own bytes belong, in the items' order.
        files: further files of the format.
        objects: further contents that are kept by their MD5, as DVC does; not part of the version's own directory.
        left_out: parts of labels that the format has no room for.
    """

    index: tuple[ExportFile, ...]
    files: tuple[File, ...] = ()
    objects: Mapping[str, bytes] = field(default_factory=dict)
    left_out: int = 0


class TextItem(DatasetItem):
    """An item that is written, with its words: for formats that hold texts."""

    words: Mapping[str, str] = Field(description="The parts by their names, which are columns of tables; a text is one, called `text`.")


Format = Callable[[Sequence[DatasetItem], LabelSchema], Export]
"""Items sorted by key, and the schema, to files. Equal input gives equal bytes.

Raises:
    Unfit: for an item that it cannot hold.
"""


def label_of(item: DatasetItem, shape: type[Shaped]) -> Shaped:
    """The item's label in the shape that a format consumes."""
    if not isinstance(item.label, shape):
        raise Unfit(f"the label of {item.uri} is {item.label.shape}, not {shape.__name__}")
    return item.label


def image_of(item: DatasetItem) -> ImageSize:
    """The size of the item's image."""
    if item.image is None:
        raise Unfit(f"the size of {item.uri} is not known")
    return item.image


def text_of(item: DatasetItem) -> str:
    """The text that the item is."""
    if not isinstance(item, TextItem) or "text" not in item.words:
        raise Unfit(f"{item.uri} is no text")
    return item.words["text"]


def file_name(item: DatasetItem) -> str:
    """A name for an item's file that no other item has: its content's digest and its own suffix."""
    name = item.uri.rpartition("/")[2]
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    return f"{item.sha256[:16]}.{suffix}" if suffix.isalnum() and len(suffix) <= 8 else item.sha256[:16]
