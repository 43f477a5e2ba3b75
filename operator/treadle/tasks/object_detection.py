"""ObjectDetection: a box around every object in an image, each with one label."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from treadle.contracts.labels import MOST_BOXES, Box, Boxes, ImageSize, LabelSchema
from treadle.tasks._looks import looks
from treadle.tasks._parts import chosen, each_part, number, part, per_cent
from treadle.tasks._task import Invalid, Region, Task, value_of

CONTROL = "box"
MEDIA = "item"
FIELD = "image"
DIGITS = 3  # of a pixel: finer than any mouse, so that the same answer is the same number
OVERHANG = 1.0  # pixels that a box may lie outside of the image; the screen rounds


def configuration(schema: LabelSchema) -> str:
    """An image that can be zoomed, and one kind of upright box per label, in the schema's order."""
    view = Element("View")
    SubElement(view, "Image", name=MEDIA, value=f"${FIELD}", zoom="true", zoomControl="true")
    boxes = SubElement(view, "RectangleLabels", name=CONTROL, toName=MEDIA, canRotate="false", choice="single", showInline="true")
    for attributes in looks(schema):
        SubElement(boxes, "Label", dict(attributes))
    indent(view)
    return tostring(view, encoding="unicode")


def parse(answer: Sequence[Region], schema: LabelSchema) -> Boxes | Invalid:
    """All boxes, from per cent of the image to pixels; none of them means that the image shows no object. One bad box makes the answer invalid."""
    boxes = each_part(answer, CONTROL, lambda region: _box(region, schema))
    if isinstance(boxes, Invalid):
        return boxes
    if len(boxes) > MOST_BOXES:
        return Invalid(f"{len(boxes)} boxes, more than {MOST_BOXES}")
    return Boxes(boxes=tuple(boxes))


def show(label: Boxes, image: ImageSize | None) -> list[Region]:
    """The boxes as an answer."""
    assert image, "boxes are shown on an image whose size is known"
    return [
        part(
            box.label,
            "rectanglelabels",
            {
                "x": per_cent(box.x, image.width),
                "y": per_cent(box.y, image.height),
                "width": per_cent(box.width, image.width),
                "height": per_cent(box.height, image.height),
                "rotation": 0,
            },
            image=image,
            control=CONTROL,
        )
        for box in label.boxes
    ]


def _box(region: Region, schema: LabelSchema) -> Box | Invalid:
    name = chosen(region, "rectanglelabels", schema)
    if isinstance(name, Invalid):
        return name
    value = value_of(region)
    across, down = number(region.get("original_width")), number(region.get("original_height"))
    x, y, wide, high = (number(value.get(key)) for key in ("x", "y", "width", "height"))
    if x is None or y is None or wide is None or high is None or not across or not down:
        return Invalid(f'a box of "{name}" has no place: its numbers or the size of the image are missing')
    if value.get("rotation") or region.get("image_rotation"):
        return Invalid(f'a box of "{name}" is turned; boxes are upright')
    left, right = _span(x, wide, across)
    top, bottom = _span(y, high, down)
    if min(left, top, across - right, down - bottom) < -OVERHANG:
        return Invalid(f'a box of "{name}" lies outside of the image')
    left, top, right, bottom = max(left, 0.0), max(top, 0.0), min(right, across), min(bottom, down)
    width, height = round(right - left, DIGITS), round(bottom - top, DIGITS)
    if width <= 0 or height <= 0:
        return Invalid(f'a box of "{name}" is empty')
    return Box(label=name, x=round(left, DIGITS), y=round(top, DIGITS), width=width, height=height)


def _span(start: float, extent: float, whole: float) -> tuple[float, float]:
    return start * whole / 100, (start + extent) * whole / 100


OBJECT_DETECTION = Task(
    type="ObjectDetection",
    media="Image",
    fields=(FIELD,),
    configuration=configuration,
    parse=parse,
    show=show,
    shape="Boxes",
    measures=("BoxF1", "MeanIou"),
    formats=("Coco", "Yolo", "Voc", "Jsonl", "Parquet", "HuggingFace", "Dvc"),
)
