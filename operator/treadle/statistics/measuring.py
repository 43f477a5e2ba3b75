"""Which metrics tell how well a model answers: by the shape of the labels."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from treadle.contracts.labels import ClassLabel, Label, Spans
from treadle.statistics.classification import Confusion
from treadle.statistics.detection import detection_metrics
from treadle.statistics.marking import marking_metrics
from treadle.statistics.rating import rating_metrics
from treadle.statistics.shapes import intervals, points, regions, spans


class NotComparable(ValueError):  # noqa: N818
    """Answers of another shape than the truth, or of one that nothing is known of."""


def model_metrics(truths: Sequence[Label], answers: Sequence[Label]) -> dict[str, float]:
    """All metrics of the labels' shape.

    Raises:
        NotComparable: when answers and truths are not of one shape that can be measured.
    """
    shapes = sorted({label.shape for label in (*truths, *answers)})
    if len(shapes) > 1:
        raise NotComparable("the model answers in another shape than the labels of the dataset have")
    if shapes and shapes[0] not in MEASURES:
        raise NotComparable("nothing is known of the answers on a screen of one's own: let an image of your own measure, and write metrics.json")
    return MEASURES[shapes[0]](truths, answers) if shapes else {}


def _class_metrics(truths: Sequence[ClassLabel], answers: Sequence[ClassLabel]) -> dict[str, float]:
    return Confusion.of([truth.label for truth in truths], [answer.label for answer in answers]).metrics()


def _span_metrics(truths: Sequence[Spans], answers: Sequence[Spans]) -> dict[str, float]:
    """Of spans; of relations too, with their prefix, where there are any."""
    found = marking_metrics(spans.PARTS, truths, answers)
    if any(label.relations for label in (*truths, *answers)):
        found |= {f"relation_{name}": value for name, value in marking_metrics(spans.RELATIONS, truths, answers).items() if name != "items"}
    return found


MEASURES: Mapping[str, Callable[[Any, Any], dict[str, float]]] = {
    "Class": _class_metrics,
    "Boxes": detection_metrics,
    "Spans": _span_metrics,
    "Intervals": partial(marking_metrics, intervals.PARTS),
    "Regions": partial(marking_metrics, regions.PARTS),
    "Points": partial(marking_metrics, points.PARTS),
    "Rating": rating_metrics,
}
"""By the tag of the label, `Label.shape`; all but answers on a screen that Treadle does not know."""
