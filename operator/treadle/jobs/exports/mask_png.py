"""MaskPng: images and their masks as Pascal VOC lays them out for segmentation: a PNG whose pixels are class ids, in colours that people see apart.

`JPEGImages/`, `SegmentationClass/` (0 is background, 1 the first label), `SegmentationObject/` (0 is background, 1 the first object of the image),
`ImageSets/Segmentation/<split>.txt`, and `labelmap.txt` with the labels and their colours. torchvision, datumaro and CVAT read it.
"""

import base64
import io
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from treadle.contracts.dataset import DatasetItem, ExportFile
from treadle.contracts.labels import ImageSize, LabelSchema, Region, Regions
from treadle.jobs.exports._export import Export, File, Unfit, file_name, image_of, label_of
from treadle.jobs.exports._label_map import color, label_map
from treadle.statistics.shapes.regions import mask_of

MOST = 255
"""Ids that one byte holds beside the background."""
Pixels = NDArray[np.uint8]


def mask_png(items: Sequence[DatasetItem], schema: LabelSchema) -> Export:
    """Where objects cover each other the smaller one is in front: it would vanish behind a larger one."""
    if len(schema.names) > MOST:
        raise Unfit(f"{len(schema.names)} labels; a mask has room for {MOST}")
    splits = sorted({item.split for item in items})
    sets = [File(f"ImageSets/Segmentation/{split}.txt", _names([item for item in items if item.split == split]), split) for split in splits]
    return Export(tuple(_file(item, schema) for item in items), (label_map(schema), *sets))


def _file(item: DatasetItem, schema: LabelSchema) -> ExportFile:
    name = file_name(item)
    masks = zip(("SegmentationClass", "SegmentationObject"), _masks(item, schema), strict=True)
    return ExportFile(
        path=f"JPEGImages/{name}",
        uri=item.uri,
        sha256=item.sha256,
        split=item.split,
        binaries={f"{folder}/{_stem(name)}.png": base64.b64encode(_png(mask)).decode() for folder, mask in masks},
    )


def _masks(item: DatasetItem, schema: LabelSchema) -> tuple[Pixels, Pixels]:
    """Class ids, and numbers of objects."""
    image, regions = image_of(item), label_of(item, Regions).regions
    if len(regions) > MOST:
        raise Unfit(f"{item.uri} has {len(regions)} objects; a mask has room for {MOST}")
    classes, objects = _empty(image), _empty(image)
    numbered = sorted(enumerate(regions, start=1), key=lambda each: (-mask_of(each[1]).area, each[0]))
    for number, region in numbered:
        _paint(classes, region, schema.names.index(region.label) + 1)
        _paint(objects, region, number)
    return classes, objects


def _empty(image: ImageSize) -> Pixels:
    return np.zeros((image.height, image.width), dtype=np.uint8)


def _paint(pixels: Pixels, region: Region, number: int) -> None:
    """Set the pixels of a region. One that was drawn on an image of another size is cut at the edges."""
    mask = mask_of(region)
    part = pixels[mask.top : mask.top + mask.pixels.shape[0], mask.left : mask.left + mask.pixels.shape[1]]
    part[mask.pixels[: part.shape[0], : part.shape[1]]] = number


def _png(pixels: Pixels) -> bytes:
    content = io.BytesIO()
    image = Image.fromarray(pixels)
    image.putpalette([level for number in range(MOST + 1) for level in color(number)])
    image.save(content, "PNG", optimize=False)
    return content.getvalue()


def _names(items: Sequence[DatasetItem]) -> bytes:
    return "".join(f"{_stem(file_name(item))}\n" for item in items).encode()


def _stem(name: str) -> str:
    return PurePosixPath(name).stem
