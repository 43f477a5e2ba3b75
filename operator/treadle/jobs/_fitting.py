"""Whether a label that came as a file could have been given on the labelling screen: only then is it an answer."""

from math import isfinite

from treadle.contracts.labels import Box, Boxes, ImageSize, Label, LabelSchema, Rating, Region, Regions
from treadle.tasks import Invalid, Task


def fitting(label: Label, image: ImageSize | None, task: Task, schema: LabelSchema) -> Label | Invalid:
    """The label as people could have given it: what rounding put beside the image is cut. Or why they could not.

    Args:
        label: of the task's shape, with names of the schema.
        image: the size of the item; None for what is no image.
        task: of the project.
        schema: of the project.
    """
    if image is None and task.media == "Image" and task.shape != "Class":
        return Invalid("the size of its image is not known")
    if isinstance(label, Regions) and image is not None:
        return _outlines(label, image, task, schema)
    read = task.parse(task.show(label, image), schema)
    if isinstance(read, Invalid):
        return read
    if isinstance(label, Boxes) and image is not None:
        return Boxes(boxes=tuple(_cut(box, image) for box in label.boxes))
    return read if isinstance(label, Rating) else label  # the step of a rating follows from its name


def box_within(label: str, x: float, y: float, width: float, height: float, image: ImageSize) -> Box:
    """The part of a box that is in the image: tools of other formats let boxes hang over. What is in the image as it is stays so, to the last digit.

    Raises:
        ValueError: when no part is.
    """
    if not all(map(isfinite, (x, y, width, height))):
        raise ValueError(f'a box of "{label}" has no place')
    if width <= 0 or height <= 0:
        raise ValueError(f'a box of "{label}" is empty')
    x, width = _within(x, width, image.width)
    y, height = _within(y, height, image.height)
    if width <= 0 or height <= 0:
        raise ValueError(f'a box of "{label}" lies outside of the image')
    return Box(label=label, x=x, y=y, width=width, height=height)


def _within(start: float, extent: float, whole: int) -> tuple[float, float]:
    if start < 0:
        start, extent = 0.0, start + extent
    return start, extent if start + extent <= whole else whole - start


def _cut(box: Box, image: ImageSize) -> Box:
    width, height = _within(box.x, box.width, image.width)[1], _within(box.y, box.height, image.height)[1]
    return box.model_copy(update={"width": width, "height": height})


def _outlines(label: Regions, image: ImageSize, task: Task, schema: LabelSchema) -> Label | Invalid:
    """Outlines are judged by their own numbers where they are painted: the screen's form of them is packed and unpacked pixel by pixel."""
    if wrong := next(filter(None, (_misplaced(region, image) for region in label.regions)), None):
        return Invalid(wrong)
    drawn = Regions(regions=tuple(region for region in label.regions if region.points))
    read = task.parse(task.show(drawn, image), schema)
    return read if isinstance(read, Invalid) else Regions(regions=tuple(_inside(region) for region in label.regions))


def _misplaced(region: Region, image: ImageSize) -> str:
    """Why a region covers no pixels of this image; empty for one that does."""
    if region.image != image:
        told, real = (f"{size.width} x {size.height} pixels" for size in (region.image, image))
        return f'an outline of "{region.label}" is in an image of {told}, the item has {real}'
    if region.points and region.runs:
        return f'an outline of "{region.label}" has both corners and runs of pixels'
    if region.points:
        xs, ys = zip(*region.points, strict=True)
        beside = max(xs) <= 0 or min(xs) >= image.width or max(ys) <= 0 or min(ys) >= image.height
        return f'an outline of "{region.label}" lies outside of the image' if beside else ""
    if any(run < 0 for run in region.runs) or sum(region.runs) > image.width * image.height:
        return f'the pixels of "{region.label}" are more than the image has'
    return "" if any(region.runs[1::2]) else f'an outline of "{region.label}" covers no pixel'


def _inside(region: Region) -> Region:
    """A region without corners beside the image."""
    size = region.image
    if all(0 <= x <= size.width and 0 <= y <= size.height for x, y in region.points):
        return region
    points = tuple((min(max(x, 0.0), float(size.width)), min(max(y, 0.0), float(size.height))) for x, y in region.points)
    return region.model_copy(update={"points": points})
