"""How well models answer, for every shape of labels: against other libraries where there are some, else against counting by hand."""

import math
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sklearn.metrics import cohen_kappa_score, mean_absolute_error

from treadle.contracts.labels import (
    Answer,
    Box,
    Boxes,
    ClassLabel,
    ImageSize,
    Interval,
    Intervals,
    Label,
    Point,
    Points,
    Rating,
    Region,
    Regions,
    Span,
    Spans,
    parts_of,
)
from treadle.statistics.measuring import MEASURES, NotComparable, model_metrics
from treadle.tasks import TASKS

SIZE = ImageSize(width=100, height=100)
STEPS = ("bad", "poor", "fair", "good", "best")
spans = some.sets(some.tuples(some.sampled_from("ab"), some.integers(0, 3), some.integers(4, 6)), max_size=4)


def as_spans(found: set[tuple[str, int, int]]) -> Spans:
    return Spans(spans=tuple(Span(label=label, start=start, end=end) for label, start, end in found))


def square(label: str, left: float, **more: Any) -> Region:
    corners = ((left, 0.0), (left + 10, 0.0), (left + 10, 10.0), (left, 10.0))
    return Region(label=label, points=corners, image=SIZE, **more)


def rated(step: int) -> Rating:
    return Rating(step=step, label=STEPS[step - 1])


@given(some.lists(some.tuples(spans, spans), min_size=1, max_size=5))
def test_spans_are_counted_as_sets_are(items: list[tuple[set[tuple[str, int, int]], set[tuple[str, int, int]]]]) -> None:
    metrics = model_metrics([as_spans(truth) for truth, _ in items], [as_spans(answer) for _, answer in items])
    right, told, true = (sum(map(len, found)) for found in zip(*((truth & answer, answer, truth) for truth, answer in items), strict=True))
    if not told + true:
        assert math.isnan(metrics["f1"])
        return
    assert metrics["precision"] == (right / told if told else 0)
    assert metrics["recall"] == (right / true if true else 0)
    assert metrics["f1"] == pytest.approx(2 * right / (told + true))


@given(some.lists(some.tuples(some.integers(1, 5), some.integers(1, 5)), min_size=2, max_size=30))
def test_ratings_are_measured_as_scikit_learn_measures_them(items: list[tuple[int, int]]) -> None:
    real, told = [truth for truth, _ in items], [answer for _, answer in items]
    metrics = model_metrics([rated(step) for step in real], [rated(step) for step in told])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kappa = float(cohen_kappa_score(real, told, weights="quadratic", labels=range(1, 6)))
    assert metrics["mae"] == pytest.approx(mean_absolute_error(real, told))
    assert metrics["kappa"] == pytest.approx(kappa, nan_ok=True, abs=1e-9)


def test_outlines_count_as_found_when_they_overlap_by_half() -> None:
    truths = [Regions(regions=(square("can", 0), square("can", 50))), Regions()]
    answers = [Regions(regions=(square("can", 2, score=0.9), square("bottle", 50))), Regions(regions=(square("can", 0),))]
    metrics = model_metrics(truths, answers)
    assert (metrics["precision"], metrics["recall"], metrics["f1"]) == (1 / 3, 1 / 2, 2 / 5)
    assert metrics["f1/can"] == 1 / 2
    assert metrics["f1/bottle"] == 0
    assert metrics["mean_iou"] == pytest.approx(2 * (8 / 12) / 5, abs=0.02), "pixels at the edge count whole"


def test_events_and_points_count_as_found_when_they_are_near() -> None:
    events = model_metrics(
        [Intervals(intervals=(Interval(label="beat", start=0, end=10),))], [Intervals(intervals=(Interval(label="beat", start=2, end=10),))]
    )
    assert (events["f1"], events["mean_iou"]) == (1.0, 0.8)
    real = Points(points=(Point(label="eye", x=50, y=50, scale=100), Point(label="nose", x=10, y=10, scale=100)))
    told = Points(points=(Point(label="eye", x=52, y=50, scale=100), Point(label="nose", x=40, y=10, scale=100)))
    assert model_metrics([real], [told])["f1"] == 0.5


def test_every_task_type_but_ones_own_is_measured() -> None:
    assert {task.shape for task in TASKS.values()} - set(MEASURES) == {"Answer"}
    with pytest.raises(NotComparable, match=r"metrics\.json"):
        model_metrics([Answer()], [Answer()])


def test_another_shape_is_no_answer() -> None:
    with pytest.raises(NotComparable, match="another shape"):
        model_metrics([ClassLabel(label="can")], [Boxes()])


@pytest.mark.parametrize("label", [Boxes(boxes=(Box(label="can", x=0, y=0, width=1, height=1),)), as_spans({("a", 0, 4)}), Regions()])
def test_what_marks_things_says_which(label: Label) -> None:
    assert parts_of(label) is not None
    assert parts_of(rated(1)) is None


def test_nothing_marked_where_nothing_is_measures_nothing() -> None:
    assert math.isnan(model_metrics([Spans()], [Spans()])["f1"])
