"""Labels that come as a file of COCO instances: boxes, or what segments where outlines are wanted."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from treadle.contracts.labels import Boxes, ImageSize, Label, LabelSchema, Region, Regions
from treadle.jobs._coco_masks import outline
from treadle.jobs._fitting import box_within
from treadle.jobs._known import Unreadable, why
from treadle.jobs._store import below


class _Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _Image(_Lenient):
    id: int
    file_name: str
    width: int
    height: int


class _Category(_Lenient):
    id: int
    name: str


class _Annotation(_Lenient):
    id: int
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    segmentation: Sequence[Sequence[float]] | Mapping[str, object] = ()


class _Instances(_Lenient):
    images: Sequence[_Image]
    annotations: Sequence[_Annotation]
    categories: Sequence[_Category]


def coco_labels(
    content: bytes,
    uri: str,
    folder: str,
    shape: Literal["Boxes", "Regions"],
    schema: LabelSchema,
    sizes: Mapping[str, ImageSize] | None = None,
) -> tuple[dict[str, Label], list[Unreadable]]:
    """Labels by the URIs of their images, which the file names relative to `folder`; and what is no label of this project.

    An image of which one annotation cannot be read has no label at all: half of its objects would be taken for all of them. Where the `sizes` of the
    images are given, one that is not among them is passed over; of one that has another size than the file says, places would be others than were
    meant.
    """
    try:
        instances = _Instances.model_validate_json(content)
    except ValidationError as error:
        return {}, [Unreadable(uri, f"no file of COCO instances: {why(error)}")]
    names = {category.id: category.name for category in instances.categories}
    of_image: defaultdict[int, list[_Annotation]] = defaultdict(list)
    for annotation in instances.annotations:
        of_image[annotation.image_id].append(annotation)
    found: dict[str, Label] = {}
    bad: list[Unreadable] = []
    for image in instances.images:
        item = image.file_name if "://" in image.file_name else below(folder, image.file_name)
        if sizes is not None and item not in sizes:
            continue
        try:
            found[item] = _label(shape, _size(image, sizes[item] if sizes else None), of_image[image.id], names, schema)
        except ValueError as error:
            bad.append(Unreadable(uri, f"{image.file_name}: {why(error)}"))
    return found, bad


def _size(image: _Image, known: ImageSize | None) -> ImageSize:
    """The image's size; some tools leave it out of the file, as zeros."""
    if known is None:
        return ImageSize(width=image.width, height=image.height)
    if image.width > 0 and image.height > 0 and (image.width, image.height) != (known.width, known.height):
        raise ValueError(f"the file says {image.width} x {image.height} pixels, the image has {known.width} x {known.height}")
    return known


def _label(shape: str, image: ImageSize, annotations: Sequence[_Annotation], names: Mapping[int, str], schema: LabelSchema) -> Label:
    """The label of one image.

    Raises:
        ValueError: for an annotation that is none here (pydantic's ValidationError is one).
    """
    if shape == "Regions":
        return Regions(regions=tuple(_region(each, _name(each, names, schema), image) for each in annotations))
    return Boxes(boxes=tuple(box_within(_name(each, names, schema), *each.bbox, image) for each in annotations))


def _region(annotation: _Annotation, name: str, image: ImageSize) -> Region:
    try:
        return outline(name, annotation.segmentation, image)
    except ValueError as error:
        raise ValueError(f"annotation {annotation.id}: {why(error)}") from error


def _name(annotation: _Annotation, names: Mapping[int, str], schema: LabelSchema) -> str:
    name = names.get(annotation.category_id, f"category {annotation.category_id}")
    if name not in schema.names:
        raise ValueError(f'"{name}" is not a label of this project')
    return name
