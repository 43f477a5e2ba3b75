"""Intervals: two are about the same event when they overlap enough; the ends of what several marked are the medians of theirs."""

from collections.abc import Sequence
from statistics import median

from treadle.contracts.labels import Interval, Intervals
from treadle.statistics.shapes._parts import Parts

OVERLAP = 0.5
"""Intersection over union from which on two intervals are about the same event."""
DIGITS = 9  # of a time in a median


def iou(one: Interval, other: Interval) -> float:
    """Intersection over union, 0 to 1, whatever the labels are; two moments without extent are alike when they are the same."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    whole = max(one.end, other.end) - min(one.start, other.start)
    if whole == 0:
        return 1.0
    return max(shared, 0.0) / whole if shared > 0 else 0.0


def merged(label: str, intervals: Sequence[Interval]) -> Interval:
    """One interval of several: each end the median of theirs."""
    start, end = median(each.start for each in intervals), median(each.end for each in intervals)
    return Interval(label=label, start=round(start, DIGITS), end=round(end, DIGITS))


PARTS = Parts(
    of=lambda answer: answer.intervals,
    answer=lambda intervals, _: Intervals(intervals=tuple(intervals)),
    likeness=iou,
    enough=OVERLAP,
    merged=merged,
    graded="MeanIou",
)
INTERVALS = PARTS.shape()
