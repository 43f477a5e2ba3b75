"""Labels that come as a file of COCO instances: boxes, or polygons where outlines are wanted."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from treadle.contracts.labels import Box, Boxes, ImageSize, Label, LabelSchema, Region, Regions
from treadle.jobs._known import Unreadable
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
    content: bytes, uri: str, folder: str, shape: Literal["Boxes", "Regions"], schema: LabelSchema
) -> tuple[dict[str, Label], list[Unreadable]]:
    """Labels by the URIs of their images, which the file names relative to `folder`; and what is no label of this project.

    An image of which one annotation cannot be read has no label at all: half of its objects would be taken for all of them.
    """
    try:
        instances = _Instances.model_validate_json(content)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        return {}, [Unreadable(uri, f"no file of COCO instances: {'.'.join(map(str, wrong['loc']))}: {wrong['msg']}")]
    names = {category.id: category.name for category in instances.categories}
    of_image: defaultdict[int, list[_Annotation]] = defaultdict(list)
    for annotation in instances.annotations:
        of_image[annotation.image_id].append(annotation)
    found: dict[str, Label] = {}
    bad: list[Unreadable] = []
    for image in instances.images:
        item = image.file_name if "://" in image.file_name else below(folder, image.file_name)
        try:
            found[item] = _label(shape, image, of_image[image.id], names, schema)
        except ValueError as error:
            bad.append(Unreadable(uri, f"{image.file_name}: {error}"))
    return found, bad


def _label(shape: str, image: _Image, annotations: Sequence[_Annotation], names: Mapping[int, str], schema: LabelSchema) -> Label:
    """The label of one image.

    Raises:
        ValueError: for an annotation that is none here (pydantic's ValidationError is one).
    """
    if shape == "Regions":
        return Regions(regions=tuple(_regions(image, annotations, names, schema)))
    return Boxes(boxes=tuple(_box(each, _name(each, names, schema)) for each in annotations))


def _box(annotation: _Annotation, name: str) -> Box:
    x, y, width, height = annotation.bbox
    return Box(label=name, x=max(x, 0.0), y=max(y, 0.0), width=width, height=height)


def _regions(image: _Image, annotations: Sequence[_Annotation], names: Mapping[int, str], schema: LabelSchema) -> Iterator[Region]:
    for each in annotations:
        if isinstance(each.segmentation, Mapping) or len(each.segmentation) != 1:
            raise ValueError(f"annotation {each.id} is not one polygon")
        numbers = each.segmentation[0]
        points = tuple(zip(numbers[0::2], numbers[1::2], strict=True))
        yield Region(label=_name(each, names, schema), points=points, image=ImageSize(width=image.width, height=image.height))


def _name(annotation: _Annotation, names: Mapping[int, str], schema: LabelSchema) -> str:
    name = names.get(annotation.category_id, f"category {annotation.category_id}")
    if name not in schema.names:
        raise ValueError(f'"{name}" is not a label of this project')
    return name
