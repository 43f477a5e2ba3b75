"""Labels that come as one small file for each image, or as the folder that an image lies in: Yolo, Voc, ImageFolder.

Each is what our own exports of the format write, and what the tools of the format do.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from xml.etree import ElementTree

from treadle.contracts.labels import Box, Boxes, ClassLabel, ImageSize, LabelSchema
from treadle.contracts.sync import Item, Source
from treadle.jobs._fitting import box_within
from treadle.jobs._known import Opinion, Unreadable, why
from treadle.jobs._store import Store, below

LONGEST_FILE = 1024 * 1024
"""Bytes of one file of labels: thousands of boxes."""

NO_SIZE = "the size of its image is not known"

SUFFIXES = {"Yolo": (".txt", ".yaml"), "Voc": (".xml", ".txt")}
"""What the files of a format end in; among the images of a source they are no items."""

Found = Opinion | Unreadable


def is_label_file(uri: str, source: Source) -> bool:
    """Whether an object holds labels of the source, in a format with a file for each image."""
    labels = source.labels
    return labels is not None and uri.startswith(labels.uri.rstrip("/") + "/") and uri.endswith(SUFFIXES.get(labels.format, ()))


def image_folder(source: Source, uri: str, items: Sequence[Item], schema: LabelSchema) -> Iterator[Found]:
    """The name of the folder that an image lies in is its label. Only what lies below `uri` is labelled."""
    root = uri.rstrip("/") + "/"
    for item in items:
        if item.source != source.name or not item.uri.startswith(root):
            continue
        name = PurePosixPath(item.uri.removeprefix(root)).parent.name
        if name in schema.names:
            yield Opinion(item.key, ClassLabel(label=name))
        else:
            yield Unreadable(item.uri, f'"{name}" is not a label of this project' if name else "it lies in no folder that would be its label")


def yolo(store: Store, source: Source, uri: str, items: Sequence[Item], schema: LabelSchema) -> Iterator[Found]:
    """A text for each image: class id, centre and extent of each box as parts of the image. Ids are places in the project's labels.

    The text of `images/train/1.jpg` is `labels/train/1.txt`, or `1.txt` at the same place below `uri` as the image below the source.
    """
    of_path = _by_path(source, items)
    for entry in store.list(uri):
        path = PurePosixPath(entry.uri.removeprefix(uri.rstrip("/") + "/"))
        if path.suffix != ".txt" or (item := of_path.get(_without_role(path))) is None:
            continue
        try:
            yield Opinion(item.key, Boxes(boxes=tuple(_yolo_boxes(_text(store, entry.uri, entry.size), item.image, schema))))
        except ValueError as error:
            yield Unreadable(entry.uri, why(error))


def voc(store: Store, source: Source, uri: str, items: Sequence[Item], schema: LabelSchema) -> Iterator[Found]:
    """An XML for each image, which it names. Pixels count from 1, and the last one of a box belongs to it."""
    of_name: Mapping[str, Item] = {item.uri: item for item in items if item.source == source.name}
    by_stem = {PurePosixPath(item.uri).stem: item for item in of_name.values()}
    for entry in store.list(uri):
        if not entry.uri.endswith(".xml"):
            continue
        try:
            annotation = _parsed(_text(store, entry.uri, entry.size))
            named = of_name.get(below(source.uri, annotation.findtext("filename") or ""))
            item = named or by_stem.get(PurePosixPath(entry.uri).stem)
            if item is not None:
                yield Opinion(item.key, Boxes(boxes=tuple(_voc_box(part, item.image, schema) for part in annotation.iter("object"))))
        except ElementTree.ParseError as error:
            yield Unreadable(entry.uri, str(error))
        except ValueError as error:
            yield Unreadable(entry.uri, why(error))


def _parsed(text: str) -> ElementTree.Element:
    """The document; one that declares anything, such as entities that grow, is none of labels."""
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        raise ValueError("it declares a document type, which no file of labels needs")
    return ElementTree.fromstring(text)  # noqa: S314  (see above)


def _by_path(source: Source, items: Sequence[Item]) -> Mapping[str, Item]:
    root = source.uri.rstrip("/") + "/"
    return {_without_role(PurePosixPath(item.uri.removeprefix(root))): item for item in items if item.source == source.name}


def _without_role(path: PurePosixPath) -> str:
    """A path without its suffix and without the folder that says whether it is of images or of labels."""
    parts = [part for part in path.parent.parts if part not in ("images", "labels")]
    return str(PurePosixPath(*parts, path.stem))


def _yolo_boxes(text: str, image: ImageSize | None, schema: LabelSchema) -> Iterator[Box]:
    if image is None:
        raise ValueError(NO_SIZE)
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        words = line.split()
        if len(words) not in (5, 6):
            raise ValueError(f"line {number} has {len(words)} numbers, five are wanted")
        index, x, y, width, height = (float(word) for word in words[:5])
        if not (index.is_integer() and 0 <= index < len(schema.names)):
            raise ValueError(f"line {number}: {words[0]} is not the id of a label of this project")
        left, across = _extent(x, width, image.width)
        top, down = _extent(y, height, image.height)
        yield box_within(schema.names[int(index)], left, top, across, down, image)


def _extent(centre: float, extent: float, whole: int) -> tuple[float, float]:
    """Where a box begins and how far it goes, in pixels."""
    start = centre - extent / 2
    return start * whole, (start + extent) * whole - start * whole


def _voc_box(part: ElementTree.Element, image: ImageSize | None, schema: LabelSchema) -> Box:
    if image is None:
        raise ValueError(NO_SIZE)
    name = part.findtext("name") or ""
    if name not in schema.names:
        raise ValueError(f'"{name}" is not a label of this project')
    left, top, right, bottom = (_number(part, edge) for edge in ("xmin", "ymin", "xmax", "ymax"))
    return box_within(name, left - 1, top - 1, right - left + 1, bottom - top + 1, image)


def _number(part: ElementTree.Element, edge: str) -> float:
    number = float(part.findtext(f"bndbox/{edge}") or "nan")
    if not math.isfinite(number):
        raise ValueError(f"a box has no {edge}")
    return number


def _text(store: Store, uri: str, size: int) -> str:
    if size > LONGEST_FILE:
        raise ValueError(f"it has {size} bytes, more than {LONGEST_FILE} are not read")
    return store.read(uri).decode("utf-8-sig")
