"""Voc: `JPEGImages/`, one XML per image under `Annotations/`, and `ImageSets/Main/<split>.txt`, as Pascal VOC is laid out.

`labelmap.txt` names the labels for tools that take VOC's own twenty for granted elsewhere.
"""

from collections.abc import Sequence
from pathlib import PurePosixPath
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from treadle.contracts.dataset import DatasetItem, ExportFile
from treadle.contracts.labels import Box, Boxes, LabelSchema
from treadle.jobs.exports._export import Export, File, file_name, image_of, label_of
from treadle.jobs.exports._label_map import label_map


def voc(items: Sequence[DatasetItem], schema: LabelSchema) -> Export:
    """Pixels count from 1, and the last one of a box belongs to it. Labels are known by their names."""
    splits = sorted({item.split for item in items})
    sets = [File(f"ImageSets/Main/{split}.txt", _names([item for item in items if item.split == split]), split) for split in splits]
    return Export(tuple(_file(item) for item in items), (label_map(schema), *sets))


def _file(item: DatasetItem) -> ExportFile:
    name = file_name(item)
    return ExportFile(
        path=f"JPEGImages/{name}",
        uri=item.uri,
        sha256=item.sha256,
        split=item.split,
        texts={f"Annotations/{_stem(name)}.xml": _annotation(item, name)},
    )


def _annotation(item: DatasetItem, name: str) -> str:
    image = image_of(item)
    root = Element("annotation")
    SubElement(root, "folder").text = "JPEGImages"
    SubElement(root, "filename").text = name
    size = SubElement(root, "size")
    for word, number in (("width", image.width), ("height", image.height), ("depth", 3)):
        SubElement(size, word).text = str(number)
    SubElement(root, "segmented").text = "0"
    for box in label_of(item, Boxes).boxes:
        _add_object(root, box)
    indent(root)
    return tostring(root, encoding="unicode") + "\n"


def _add_object(root: Element, box: Box) -> None:
    part = SubElement(root, "object")
    for word, text in (("name", box.label), ("pose", "Unspecified"), ("truncated", "0"), ("difficult", "0")):
        SubElement(part, word).text = text
    edges = SubElement(part, "bndbox")
    left, top = round(box.x) + 1, round(box.y) + 1
    right, bottom = max(round(box.x + box.width), left), max(round(box.y + box.height), top)
    for word, number in (("xmin", left), ("ymin", top), ("xmax", right), ("ymax", bottom)):
        SubElement(edges, word).text = str(number)


def _names(items: Sequence[DatasetItem]) -> bytes:
    return "".join(f"{_stem(file_name(item))}\n" for item in items).encode()


def _stem(name: str) -> str:
    return PurePosixPath(name).stem
