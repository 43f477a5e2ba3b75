"""Keypoints: named places in an image."""

from collections.abc import Sequence
from math import sqrt

from treadle.contracts.labels import ImageSize, LabelSchema, Point, Points
from treadle.tasks._parts import chosen, each_part, number, part, per_cent, screen, size_of
from treadle.tasks._task import Invalid, Region, Task, value_of

FIELD = "image"
RADIUS = 0.5  # per cent of the image: how large a point is drawn
DIGITS = 3  # of a pixel: finer than any mouse, so that the same answer is the same number


def configuration(schema: LabelSchema) -> str:
    """An image that can be zoomed, and one kind of point per label."""
    image = {"value": f"${FIELD}", "zoom": "true", "zoomControl": "true"}
    return screen("Image", image, "KeyPointLabels", {"choice": "single", "showInline": "true"}, schema)


def parse(answer: Sequence[Region], schema: LabelSchema) -> Points | Invalid:
    """All points, from per cent of the image to pixels."""
    points = each_part(answer, "part", lambda region: _point(region, schema))
    return points if isinstance(points, Invalid) else Points(points=tuple(points))


def show(label: Points, image: ImageSize | None) -> list[Region]:
    """The points as an answer."""
    assert image, "points are shown on an image whose size is known"
    return [
        part(
            point.label,
            "keypointlabels",
            {"x": per_cent(point.x, image.width), "y": per_cent(point.y, image.height), "width": RADIUS},
            image=image,
        )
        for point in label.points
    ]


def _point(region: Region, schema: LabelSchema) -> Point | Invalid:
    name = chosen(region, "keypointlabels", schema)
    if isinstance(name, Invalid):
        return name
    x, y = (number(value_of(region).get(key)) for key in ("x", "y"))
    size = size_of(region)
    if x is None or y is None or size is None:
        return Invalid(f'a point of "{name}" has no place: its numbers or the size of the image are missing')
    if not (0 <= x <= 100 and 0 <= y <= 100):
        return Invalid(f'a point of "{name}" lies outside of the image')
    scale = round(sqrt(size.width * size.height), DIGITS)
    return Point(label=name, x=round(x * size.width / 100, DIGITS), y=round(y * size.height / 100, DIGITS), scale=scale)


KEYPOINTS = Task(
    type="Keypoints",
    media="Image",
    fields=(FIELD,),
    configuration=configuration,
    parse=parse,
    show=show,
    shape="Points",
    measures=("PointF1", "ObjectKeypointSimilarity"),
    formats=("Jsonl", "Parquet", "HuggingFace", "Dvc"),
)
