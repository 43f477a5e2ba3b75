"""One file per label shape: how far two labels are apart, and how several become one."""

from collections.abc import Mapping
from typing import Any

from treadle.statistics.shapes._shape import Agreement, Consensus, Shape, Weighed, agreement_with_others
from treadle.statistics.shapes.answers import ANSWERS
from treadle.statistics.shapes.boxes import BOXES
from treadle.statistics.shapes.classes import CLASSES
from treadle.statistics.shapes.intervals import INTERVALS
from treadle.statistics.shapes.points import POINTS
from treadle.statistics.shapes.ratings import RATINGS
from treadle.statistics.shapes.regions import REGIONS
from treadle.statistics.shapes.spans import SPANS

SHAPES: Mapping[str, Shape[Any]] = {
    "Class": CLASSES,
    "Boxes": BOXES,
    "Spans": SPANS,
    "Intervals": INTERVALS,
    "Regions": REGIONS,
    "Points": POINTS,
    "Rating": RATINGS,
    "Answer": ANSWERS,
}
"""By the tag of the label: `Label.shape`."""

__all__ = ["SHAPES", "Agreement", "Consensus", "Shape", "Weighed", "agreement_with_others"]
