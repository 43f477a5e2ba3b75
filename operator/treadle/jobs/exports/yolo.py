"""Yolo: `images/<split>/`, one text per image under `labels/<split>/`, and `data.yaml`, as Ultralytics and others read it."""

import json
from collections.abc import Sequence
from pathlib import PurePosixPath

from treadle.contracts.dataset import DatasetItem, ExportFile
from treadle.contracts.labels import Boxes, ImageSize, LabelSchema
from treadle.jobs.exports._export import Export, File, file_name, image_of, label_of

KEYS = {"train": "train", "validation": "val", "test": "test"}
"""What data.yaml calls the splits."""


def yolo(items: Sequence[DatasetItem], schema: LabelSchema) -> Export:
    """Class ids count from 0 in the schema's order. An image without any box has an empty text: it is known to show nothing."""
    return Export(tuple(_file(item, schema) for item in items), (File("data.yaml", _data(items, schema).encode()),))


def _file(item: DatasetItem, schema: LabelSchema) -> ExportFile:
    name = file_name(item)
    text = PurePosixPath("labels", item.split, name).with_suffix(".txt")
    return ExportFile(
        path=f"images/{item.split}/{name}",
        uri=item.uri,
        sha256=item.sha256,
        split=item.split,
        texts={str(text): _lines(label_of(item, Boxes), image_of(item), schema)},
    )


def _lines(label: Boxes, image: ImageSize, schema: LabelSchema) -> str:
    """Class, centre and extent of each box; places as parts of the image, 0 to 1."""
    lines = [
        (
            schema.names.index(box.label),
            (box.x + box.width / 2) / image.width,
            (box.y + box.height / 2) / image.height,
            box.width / image.width,
            box.height / image.height,
        )
        for box in label.boxes
    ]
    return "".join(f"{number} {x:.6f} {y:.6f} {width:.6f} {height:.6f}\n" for number, x, y, width, height in lines)


def _data(items: Sequence[DatasetItem], schema: LabelSchema) -> str:
    """YAML by hand: a JSON text is a YAML text too."""
    there = {item.split for item in items}
    splits = [f"{key}: images/{split}" for split, key in KEYS.items() if split in there]
    names = [f"  {number}: {json.dumps(name, ensure_ascii=False)}" for number, name in enumerate(schema.names)]
    return "\n".join(["path: .", *splits, f"nc: {len(names)}", "names:", *names, ""])
