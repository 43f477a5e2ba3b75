"""Spans, intervals, points and regions: each is a set of parts, so what holds of boxes holds of them; here is what is their own."""

from itertools import pairwise
from math import exp
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.contracts.labels import ImageSize, Interval, Intervals, Point, Points, Region, Regions, Span, Spans
from treadle.statistics.raster import column_runs, overlap, painted, polygon
from treadle.statistics.shapes import SHAPES, Shape
from treadle.statistics.shapes.intervals import iou as interval_iou
from treadle.statistics.shapes.points import similarity as keypoint_similarity
from treadle.statistics.shapes.regions import iou

IMAGE = ImageSize(width=20, height=10)


def spans(*each: tuple[str, int, int]) -> Spans:
    return Spans(spans=tuple(Span(label=label, start=start, end=end) for label, start, end in each))


def intervals(*each: tuple[str, float, float]) -> Intervals:
    return Intervals(intervals=tuple(Interval(label=label, start=start, end=end) for label, start, end in each))


def points(*each: tuple[str, float, float]) -> Points:
    return Points(points=tuple(Point(label=label, x=x, y=y, scale=100) for label, x, y in each))


def square(label: str, x: float, y: float, side: float) -> Region:
    return Region(label=label, points=((x, y), (x + side, y), (x + side, y + side), (x, y + side)), image=IMAGE)


def regions(*each: Region) -> Regions:
    return Regions(regions=each)


ANSWERS = {
    "Spans": st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.integers(6, 9)), max_size=4).map(lambda each: spans(*each)),
    "Intervals": st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.integers(5, 9)), max_size=4).map(lambda each: intervals(*each)),
    "Points": st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 20), st.integers(0, 20)), max_size=4).map(lambda each: points(*each)),
    "Regions": st.lists(st.builds(square, st.sampled_from("ab"), st.integers(0, 15), st.integers(0, 5), st.integers(1, 5)), max_size=3).map(
        lambda each: regions(*each)
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_holds_of_every_set_of_parts(name: str, data: st.DataObject) -> None:
    shape: Shape[Any] = SHAPES[name]
    one, other, third = (data.draw(ANSWERS[name]) for _ in range(3))
    assert shape.similarity(one, other) == shape.similarity(other, one)
    assert 0 <= shape.similarity(one, other) <= 1
    assert shape.similarity(one, one) == 1
    alone = shape.consensus([one])
    assert (alone and alone.label) == one
    found, again = shape.consensus([one, other, third]), shape.consensus([third, one, other])
    assert (found and found.label) == (again and again.label)
    told = shape.agreement([[one, other]], ["a", "b"])
    assert told.overall == pytest.approx(shape.similarity(one, other))


def test_spans_are_the_same_only_with_the_same_ends_and_label() -> None:
    """F1 as nervaluate's strict scheme counts it: 1 of 3 marked is also wanted, 1 of 2 wanted is found: 2 * 1 / 5."""
    marked, wanted = spans(("a", 0, 5), ("b", 6, 9), ("a", 10, 12)), spans(("a", 0, 5), ("b", 6, 10))
    assert SHAPES["Spans"].similarity(marked, wanted) == pytest.approx(2 / 5)


def test_more_than_half_decide_about_a_span() -> None:
    consensus = SHAPES["Spans"].consensus
    found = consensus([spans(("a", 0, 5)), spans(("a", 0, 5), ("b", 6, 9)), spans(("b", 0, 5))])
    assert found
    assert found.label == spans(("a", 0, 5))
    assert consensus([spans(("a", 0, 5)), spans(("a", 0, 6))]) is None


OVERLAPS = [((0, 4), (2, 6), 2 / 6), ((0, 4), (4, 6), 0.0), ((0, 4), (0, 4), 1.0), ((3, 3), (3, 3), 1.0), ((3, 3), (2, 4), 0.0)]


@pytest.mark.parametrize(("one", "other", "expected"), OVERLAPS)
def test_overlap_of_intervals(one: tuple[float, float], other: tuple[float, float], expected: float) -> None:
    first, second = (Interval(label="a", start=start, end=end) for start, end in (one, other))
    assert interval_iou(first, second) == pytest.approx(expected)


def test_intervals_of_several_people_become_their_medians() -> None:
    found = SHAPES["Intervals"].consensus([intervals(("a", 0, 10)), intervals(("a", 1, 11)), intervals(("a", 2, 10))])
    assert found
    assert found.label == intervals(("a", 1, 10))


def test_keypoint_similarity_falls_with_the_distance() -> None:
    """COCO's formula: exp(-d^2 / (2 s^2 k^2)) with k = 0.05: at 5 pixels of an image of the scale 100 it is exp(-1/2)."""
    here, near = points(("a", 50, 50)).points[0], points(("a", 53, 54)).points[0]
    assert keypoint_similarity(here, near) == pytest.approx(exp(-0.5))
    found = SHAPES["Points"].consensus([points(("a", 50, 50)), points(("a", 53, 54)), points(("a", 51, 60))])
    assert found is None or found.label.points == points(("a", 51.5, 52)).points


def test_overlap_of_regions_is_counted_in_pixels() -> None:
    assert iou(square("a", 0, 0, 4), square("b", 2, 0, 4)) == pytest.approx(8 / 24)
    assert iou(square("a", 0, 0, 4), square("a", 8, 0, 2)) == 0
    runs = Region(label="a", runs=(0, 4, 16, 4, 16, 4, 16, 4), image=IMAGE)
    assert iou(square("a", 0, 0, 4), runs) == 1


def test_a_region_that_somebody_drew_is_the_consensus() -> None:
    left, middle, right = square("a", 0, 0, 8), square("a", 1, 0, 8), square("a", 2, 0, 8)
    found = SHAPES["Regions"].consensus([regions(left), regions(right), regions(middle)])
    assert found
    assert found.label == regions(middle)
    assert found.agreement == 1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 10)), min_size=3, max_size=8))
def test_a_polygon_covers_the_pixels_whose_middles_are_inside(corners: list[tuple[float, float]]) -> None:
    mask = polygon(corners, IMAGE)
    covered = {(mask.left + x, mask.top + y) for y, x in zip(*np.nonzero(mask.pixels), strict=True)}
    assert covered == {(x, y) for x in range(20) for y in range(10) if inside(x + 0.5, y + 0.5, corners)}
    assert overlap(mask, mask) == mask.area


def inside(x: float, y: float, corners: list[tuple[float, float]]) -> bool:
    """Crossings of a ray to the right, edge by edge."""
    crossings = 0
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
        if (ay <= y) != (by <= y):
            crossings += ax + (y - ay) / (by - ay) * (bx - ax) < x
    return crossings % 2 == 1


@given(st.lists(st.booleans(), min_size=12, max_size=12))
def test_runs_by_column_say_the_same_pixels_as_runs_by_row(pixels: list[bool]) -> None:
    image = ImageSize(width=4, height=3)
    changes = [0, *(at for at in range(1, 12) if pixels[at] != pixels[at - 1]), 12]
    runs = [after - before for before, after in pairwise(changes)]
    columns = column_runs(painted([0, *runs] if pixels[0] else runs, image), image)
    read = np.concatenate([np.full(run, index % 2 == 1) for index, run in enumerate(columns)]).reshape(4, 3).T
    assert sum(columns) == 12
    assert read.ravel().tolist() == pixels
