"""Coco: `images/<split>/` and `annotations/instances_<split>.json`, as COCO itself is laid out and pycocotools, torchvision and datumaro read it.

All ids count from 1: readers take category 0 for "no label". Category ids are the places of the labels in the schema, so that they never change.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import count

from treadle.contracts.dataset import DatasetItem, ExportFile, Split
from treadle.contracts.labels import Box, Boxes, LabelSchema, Region, Regions
from treadle.jobs.exports._export import Export, File, file_name, image_of, label_of
from treadle.statistics.raster import column_runs
from treadle.statistics.shapes.regions import mask_of


def coco(items: Sequence[DatasetItem], schema: LabelSchema) -> Export:
    """One file of annotations per split; `file_name` is relative to the split's directory of images. Images without any object are in it as well."""
    index = tuple(ExportFile(path=f"images/{item.split}/{file_name(item)}", uri=item.uri, sha256=item.sha256, split=item.split) for item in items)
    splits = sorted({item.split for item in items})
    return Export(index, tuple(_instances(split, items, schema) for split in splits))


def _instances(split: Split, items: Sequence[DatasetItem], schema: LabelSchema) -> File:
    def shown() -> Iterable[DatasetItem]:
        return (item for item in items if item.split == split)

    categories = ({"id": number, "name": name, "supercategory": ""} for number, name in enumerate(schema.names, start=1))
    content = BytesIO()
    for name, parts in (("annotations", _annotations(shown(), schema)), ("categories", categories), ("images", _images(shown()))):
        content.write((", " if name != "annotations" else "{").encode() + f'"{name}": ['.encode())
        for number, part in enumerate(parts):  # one at a time: of very many images only the text is held
            content.write((", " if number else "").encode() + json.dumps(part, ensure_ascii=False, sort_keys=True).encode())
        content.write(b"]")
    content.write(b"}")
    return File(f"annotations/instances_{split}.json", content.getvalue(), split)


def _images(items: Iterable[DatasetItem]) -> Iterator[dict[str, object]]:
    for number, item in enumerate(items, start=1):
        yield {"id": number, "file_name": file_name(item), "width": image_of(item).width, "height": image_of(item).height}


def _annotations(items: Iterable[DatasetItem], schema: LabelSchema) -> Iterator[dict[str, object]]:
    category = {name: number for number, name in enumerate(schema.names, start=1)}
    numbers = count(1)
    for image, item in enumerate(items, start=1):
        for part in _parts(item):
            yield {"id": next(numbers), "image_id": image, "category_id": category[part.label], "iscrowd": 0, **part.fields}


@dataclass(frozen=True)
class _Part:
    """One annotation: its label, and what COCO says of its place."""

    label: str
    fields: Mapping[str, object]


def _parts(item: DatasetItem) -> list[_Part]:
    if isinstance(item.label, Regions):
        return [_Part(region.label, _outline(region)) for region in item.label.regions]
    return [_Part(box.label, _upright(box)) for box in label_of(item, Boxes).boxes]


def _upright(box: Box) -> Mapping[str, object]:
    return {"bbox": [box.x, box.y, box.width, box.height], "area": round(box.width * box.height, 6), "segmentation": []}


def _outline(region: Region) -> Mapping[str, object]:
    """A polygon by its corners; what was painted by runs of pixels column by column, as COCO counts them."""
    mask = mask_of(region)
    height, width = mask.pixels.shape
    outline: object = {"counts": column_runs(mask, region.image), "size": [region.image.height, region.image.width]}
    if region.points:
        outline = [[number for point in region.points for number in point]]
    return {"bbox": [mask.left, mask.top, width, height], "area": mask.area, "segmentation": outline}
