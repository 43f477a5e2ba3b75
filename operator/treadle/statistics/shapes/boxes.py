"""Boxes: two show the same object when they overlap enough; the edges of what several drew are the medians of theirs."""

from collections.abc import Sequence
from statistics import median

from treadle.contracts.labels import Box, Boxes
from treadle.statistics.shapes._parts import Parts

OVERLAP = 0.5
"""Intersection over union from which on two boxes show the same object: what COCO and Pascal VOC count as found."""
DIGITS = 6  # of a pixel in a median: less is noise of adding and subtracting


def iou(one: Box, other: Box) -> float:
    """Intersection over union, 0 to 1, whatever the labels are."""
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    return min(shared / (one.width * one.height + other.width * other.height - shared), 1.0)


def merged(label: str, boxes: Sequence[Box]) -> Box:
    """One box of several: each edge the median of theirs."""
    left, top = median(box.x for box in boxes), median(box.y for box in boxes)
    right, bottom = median(box.x + box.width for box in boxes), median(box.y + box.height for box in boxes)
    return Box(label=label, x=round(left, DIGITS), y=round(top, DIGITS), width=round(right - left, DIGITS), height=round(bottom - top, DIGITS))


PARTS = Parts(
    of=lambda answer: answer.boxes,
    answer=lambda boxes, _: Boxes(boxes=tuple(boxes)),
    likeness=iou,
    enough=OVERLAP,
    merged=merged,
    graded="MeanIou",
)
BOXES = PARTS.shape()
