"""Segmentation: the outline of every object in an image, as a polygon or painted with a brush, each with one label."""

from collections.abc import Sequence
from xml.etree.ElementTree import SubElement, fromstring, indent, tostring

from treadle.contracts.labels import ImageSize, LabelSchema
from treadle.contracts.labels import Region as Outline
from treadle.contracts.labels import Regions as Outlines
from treadle.tasks._brush import NotABrush, packed, runs_of
from treadle.tasks._looks import looks
from treadle.tasks._parts import chosen, each_part, number, part, per_cent, screen, size_of
from treadle.tasks._task import Invalid, Region, Task, value_of

FIELD = "image"
DIGITS = 3  # of a pixel
BRUSH = "brush"


def configuration(schema: LabelSchema) -> str:
    """An image that can be zoomed, one polygon and one brush per label. The keys choose polygons; a brush is chosen with the mouse."""
    image = {"value": f"${FIELD}", "zoom": "true", "zoomControl": "true"}
    view = fromstring(screen("Image", image, "PolygonLabels", {"choice": "single", "showInline": "true"}, schema))  # noqa: S314  (our own text)
    brushes = SubElement(view, "BrushLabels", name=BRUSH, toName="item", choice="single", showInline="true")
    for look in looks(schema):
        SubElement(brushes, "Label", {key: value for key, value in look.items() if key != "hotkey"})
    indent(view)
    return tostring(view, encoding="unicode")


def parse(answer: Sequence[Region], schema: LabelSchema) -> Outlines | Invalid:
    """All outlines, in pixels; none of them means that the image shows no object."""
    polygons = each_part(answer, "part", lambda region: _polygon(region, schema))
    painted = each_part(answer, BRUSH, lambda region: _painted(region, schema))
    if isinstance(polygons, Invalid):
        return polygons
    return painted if isinstance(painted, Invalid) else Outlines(regions=(*polygons, *painted))


def show(label: Outlines, image: ImageSize | None) -> list[Region]:
    """The outlines as an answer. Each knows the size of its image."""
    del image
    return [_drawn(region) if region.points else _brushed(region) for region in label.regions]


def _drawn(region: Outline) -> Region:
    points = [[per_cent(x, region.image.width), per_cent(y, region.image.height)] for x, y in region.points]
    return part(region.label, "polygonlabels", {"points": points, "closed": True}, image=region.image)


def _brushed(region: Outline) -> Region:
    value = {"format": "rle", "rle": packed(region.runs, region.image)}
    return part(region.label, "brushlabels", value, image=region.image, control=BRUSH)


def _polygon(region: Region, schema: LabelSchema) -> Outline | Invalid:
    name, size = chosen(region, "polygonlabels", schema), size_of(region)
    if isinstance(name, Invalid):
        return name
    corners = value_of(region).get("points")
    if size is None or not isinstance(corners, list):
        return Invalid(f'an outline of "{name}" has no place: its corners or the size of the image are missing')
    points = [_corner(corner, size) for corner in corners]
    placed = tuple(point for point in points if point is not None)
    if len(placed) != len(points) or len(set(placed)) < 3:
        return Invalid(f'an outline of "{name}" has {len(set(placed))} corners in the image, three are the least')
    return Outline(label=name, points=placed, image=size)


def _corner(corner: object, size: ImageSize) -> tuple[float, float] | None:
    x, y = (number(value) for value in corner) if isinstance(corner, list) and len(corner) == 2 else (None, None)
    if x is None or y is None:
        return None
    return round(min(max(x, 0), 100) * size.width / 100, DIGITS), round(min(max(y, 0), 100) * size.height / 100, DIGITS)


def _painted(region: Region, schema: LabelSchema) -> Outline | Invalid:
    name, size = chosen(region, "brushlabels", schema), size_of(region)
    if isinstance(name, Invalid):
        return name
    if size is None:
        return Invalid(f'what is painted of "{name}" has no place: the size of the image is missing')
    try:
        runs = runs_of(value_of(region).get("rle"), size)
    except NotABrush as error:
        return Invalid(f'what is painted of "{name}" cannot be read: {error}')
    return Outline(label=name, runs=runs, image=size) if runs else Invalid(f'what is painted of "{name}" is empty')


SEGMENTATION = Task(
    type="Segmentation",
    media="Image",
    fields=(FIELD,),
    configuration=configuration,
    parse=parse,
    show=show,
    shape="Regions",
    measures=("RegionF1", "MeanIou"),
    formats=("Coco", "MaskPng", "Jsonl", "Parquet", "HuggingFace", "Dvc"),
)
