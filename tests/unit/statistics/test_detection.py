"""Metrics of boxes: hand-computed values, and what holds for all answers."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.contracts.labels import Box, Boxes
from treadle.statistics.detection import detection_metrics

BOX = st.builds(
    Box,
    label=st.sampled_from("ab"),
    x=st.integers(0, 60).map(float),
    y=st.integers(0, 60).map(float),
    width=st.integers(5, 40).map(float),
    height=st.integers(5, 40).map(float),
    score=st.none() | st.integers(0, 10).map(lambda tenth: tenth / 10),
)
IMAGE = st.lists(BOX, max_size=4).map(lambda boxes: Boxes(boxes=tuple(boxes)))
IMAGES = st.lists(st.tuples(IMAGE, IMAGE), min_size=1, max_size=4)


def box(label: str, x: float, score: float | None = None, width: float = 10) -> Box:
    return Box(label=label, x=x, y=0, width=width, height=10, score=score)


def boxes(*found: Box) -> Boxes:
    return Boxes(boxes=found)


def test_two_of_three_are_found_and_one_is_made_up() -> None:
    truth = boxes(box("can", 0), box("can", 20), box("bottle", 40))
    answer = boxes(box("can", 0, 0.9), box("can", 60, 0.8), box("bottle", 41, 0.7))
    metrics = detection_metrics([truth], [answer])
    assert (metrics["precision"], metrics["recall"], metrics["f1"]) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert metrics["f1/can"] == pytest.approx(1 / 2)
    assert metrics["ap50/can"] == pytest.approx(51 / 101), "half of the cans, all of them before the first that is made up"
    assert metrics["ap50/bottle"] == pytest.approx(1)
    assert metrics["map50"] == pytest.approx((51 / 101 + 1) / 2)


def test_a_box_that_overlaps_less_counts_only_where_less_is_asked() -> None:
    metrics = detection_metrics([boxes(box("can", 0))], [boxes(box("can", 0, 0.9, width=7))])
    assert metrics["map50"] == pytest.approx(1)
    assert metrics["map"] == pytest.approx(5 / 10), "overlap 0.7: right at 0.5, 0.55, 0.6, 0.65 and 0.7"


def test_the_second_box_on_one_object_is_wrong() -> None:
    metrics = detection_metrics([boxes(box("can", 0))], [boxes(box("can", 0, 0.9), box("can", 1, 0.8))])
    assert (metrics["precision"], metrics["recall"]) == pytest.approx((1 / 2, 1))
    assert metrics["map50"] == pytest.approx(1), "the surer one comes first"


def test_a_label_that_is_only_made_up_lowers_precision_and_no_average() -> None:
    metrics = detection_metrics([boxes(box("can", 0))], [boxes(box("can", 0, 0.5), box("cup", 30, 0.9))])
    assert metrics["map50"] == pytest.approx(1)
    assert metrics["precision"] == pytest.approx(1 / 2)


def test_images_without_objects_say_nothing_about_averages() -> None:
    assert math.isnan(detection_metrics([boxes()], [boxes()])["map50"])
    assert math.isnan(detection_metrics([], [])["f1"])


@given(IMAGES)
def test_the_truth_is_a_perfect_answer(images: list[tuple[Boxes, Boxes]]) -> None:
    truths = [truth for truth, _ in images]
    metrics = detection_metrics(truths, truths)
    if any(truth.boxes for truth in truths):
        assert (metrics["f1"], metrics["map50"], metrics["map"]) == pytest.approx((1, 1, 1))


@given(IMAGES, st.randoms())
def test_the_order_of_images_means_nothing_where_scores_differ(images: list[tuple[Boxes, Boxes]], random: Random) -> None:
    shuffled = list(images)
    random.shuffle(shuffled)
    metrics, again = (detection_metrics(*zip(*order, strict=True)) for order in (images, shuffled))
    for name in ("precision", "recall", "f1"):
        assert metrics[name] == pytest.approx(again[name])


@given(IMAGES)
def test_all_metrics_are_shares(images: list[tuple[Boxes, Boxes]]) -> None:
    metrics = detection_metrics(*zip(*images, strict=True))
    assert all(0 <= value <= 1 + 1e-9 for name, value in metrics.items() if name != "items" and not math.isnan(value))
    assert math.isnan(metrics["map"]) or metrics["map"] <= metrics["map50"] + 1e-9
