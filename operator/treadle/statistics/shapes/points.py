"""Points: how alike two are falls with their distance, as object keypoint similarity does; where several see one is the median of theirs.

COCO measures distances against the size of the object. Single points have no object, so they are measured against the image: at `TOLERANCE` of the
square root of its area the similarity is exp(-1/2) = 0.61.
"""

from collections.abc import Sequence
from math import exp
from statistics import median

from treadle.contracts.labels import Point, Points
from treadle.statistics.shapes._parts import Parts

TOLERANCE = 0.05
"""COCO's 2 * sigma for eyes, the smallest of its constants, as a share of the image's scale."""
ENOUGH = 0.5
"""Similarity from which on two points show the same place."""
DIGITS = 6  # of a pixel in a median


def similarity(one: Point, other: Point) -> float:
    """Object keypoint similarity, 0 to 1, whatever the labels are."""
    apart = (one.x - other.x) ** 2 + (one.y - other.y) ** 2
    reach = TOLERANCE * max(one.scale, other.scale)
    return exp(-apart / (2 * reach**2))


def merged(label: str, points: Sequence[Point]) -> Point:
    """One point of several: the median of theirs, across and down."""
    x, y = median(point.x for point in points), median(point.y for point in points)
    return Point(label=label, x=round(x, DIGITS), y=round(y, DIGITS), scale=points[0].scale)


PARTS = Parts(
    of=lambda answer: answer.points,
    answer=lambda points, _: Points(points=tuple(points)),
    likeness=similarity,
    enough=ENOUGH,
    merged=merged,
    graded="ObjectKeypointSimilarity",
)
POINTS = PARTS.shape()
