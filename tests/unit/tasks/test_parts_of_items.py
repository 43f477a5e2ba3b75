"""Spans, points, outlines, intervals and ratings: what the labelling screen says becomes the canonical label, or is told to be invalid."""

from itertools import groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.contracts.labels import (
    Answer,
    ImageSize,
    Interval,
    Intervals,
    LabelClass,
    LabelSchema,
    Point,
    Points,
    Rating,
    Region,
    Regions,
    Span,
    Spans,
)
from treadle.statistics.shapes import SHAPES
from treadle.tasks import TASKS, Invalid
from treadle.tasks._brush import NotABrush, packed, runs_of

SCHEMA = LabelSchema(task="any", labels=(LabelClass(name="can"), LabelClass(name="bottle")))
IMAGE = ImageSize(width=200, height=100)
BOTTLE, CAN = Span(label="bottle", start=0, end=2), Span(label="can", start=3, end=8)


def said(key: str, name: str = "can", tool: str = "part", size: bool = True, **value: Any) -> dict[str, Any]:
    image = {"original_width": 200, "original_height": 100} if size else {}
    return {"from_name": tool, "to_name": "item", "type": key, "value": {key: [name]} | value} | image


def span(**value: Any) -> dict[str, Any]:
    return said("labels", **{"start": 3, "end": 8, "text": "words"} | value)


def outline(**value: Any) -> dict[str, Any]:
    return said("polygonlabels", **{"points": [[0, 0], [50, 0], [50, 50]], "closed": True} | value)


@pytest.mark.parametrize(
    ("task", "answer", "label"),
    [
        ("NamedEntities", [span(), span(), span(name="bottle", start=0, end=2)], Spans(spans=(BOTTLE, CAN))),
        ("NamedEntities", [], Spans()),
        ("Keypoints", [said("keypointlabels", x=50.0, y=10.0, width=0.3)], Points(points=(Point(label="can", x=100, y=10, scale=141.421),))),
        ("Segmentation", [outline()], Regions(regions=(Region(label="can", points=((0, 0), (100, 0), (100, 50)), image=IMAGE),))),
        ("TimeSeries", [said("timeserieslabels", start=1.5, end=4)], Intervals(intervals=(Interval(label="can", start=1.5, end=4),))),
        ("TextRating", [said("choices", tool="label", name="bottle", choices=["bottle"])], Rating(step=2, label="bottle")),
    ],
)  # fmt: skip
def test_what_people_say_becomes_a_label(task: str, answer: list[dict[str, Any]], label: object) -> None:
    comment = {"from_name": "comment", "to_name": "item", "type": "textarea", "value": {"text": ["blurred"]}}
    found = TASKS[task].parse([*answer, comment], SCHEMA)
    assert found == label
    assert TASKS[task].parse(TASKS[task].show(found, IMAGE), SCHEMA) == label


def test_the_answer_of_an_own_screen_is_kept_without_what_differs_between_people() -> None:
    one = [{"id": "x1", "origin": "manual", **said("number", size=False)}, {"id": "x2", **said("choices", size=False)}]
    other = [{"id": "y1", **said("choices", size=False)}, {"id": "y2", "origin": "prediction", **said("number", size=False)}]
    task = TASKS["Custom"]
    first, second = task.parse(one, SCHEMA), task.parse(other, SCHEMA)
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert SHAPES["Answer"].similarity(first, second) == 1
    assert task.parse(task.show(first, None), SCHEMA) == first
    strange = Answer()
    found = SHAPES["Answer"].consensus([first, strange, second])
    assert found
    assert (found.label, found.agreement) == (first, 2 / 3)
    assert SHAPES["Answer"].consensus([first, strange]) is None
    assert SHAPES["Answer"].agreement([[first, second], [first, strange], [first]], ["can"]).overall == 0.5


@pytest.mark.parametrize(
    ("task", "region", "why"),
    [
        ("NamedEntities", span(name="jar"), '"jar" is not a label of this project'),
        ("NamedEntities", span(end=3), "is empty"),
        ("NamedEntities", span(start=0.5), "where it begins"),
        ("NamedEntities", span(start=None), "where it begins"),
        ("NamedEntities", span(labels=["can", "bottle"]), "2 labels, one is wanted"),
        ("Keypoints", said("keypointlabels", x=101, y=10), "outside of the image"),
        ("Keypoints", said("keypointlabels", x=1, y=1, size=False), "size of the image are missing"),
        ("Segmentation", outline(points=[[0, 0], [50, 0], [0, 0]]), "2 corners in the image"),
        ("Segmentation", outline(points=[[0, 0], [50, 0], "x"]), "2 corners in the image"),
        ("Segmentation", outline(points=None), "its corners or the size"),
        ("Segmentation", said("brushlabels", tool="brush", rle=[1, 2]), "it ends too early"),
        ("Segmentation", said("brushlabels", tool="brush", rle="x"), "it is no list of bytes"),
        ("TimeSeries", said("timeserieslabels", start="2020-01-01", end=4), "in numbers"),
        ("TimeSeries", said("timeserieslabels", start=5, end=4), "ends before it begins"),
    ],
)
def test_what_makes_no_label_is_told(task: str, region: dict[str, Any], why: str) -> None:
    found = TASKS[task].parse([region], SCHEMA)
    assert isinstance(found, Invalid)
    assert why in found.message


@given(st.lists(st.booleans(), min_size=12, max_size=12))
def test_what_was_painted_is_read_back(pixels: list[bool]) -> None:
    runs = tuple(len(list(run)) for _, run in groupby([False, *pixels]))
    runs = (runs[0] - 1, *runs[1:])[: len(runs) // 2 * 2]
    image = ImageSize(width=4, height=3)
    assert runs_of(packed(runs, image), image) == runs


def test_single_values_are_read_as_well() -> None:
    """A brush with soft edges has values that are not repeated: 0, 0, 0, 9 in one pixel."""
    bits = (
        f"{4:032b}{7:05b}"
        + "".join(f"{width - 1:04b}" for width in (3, 4, 8, 16))
        + "000"
        + "011"
        + "".join(f"{value:08b}" for value in (0, 0, 0, 9))
    )
    bits += "0" * (-len(bits) % 8)
    assert runs_of([int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)], ImageSize(width=1, height=1)) == (0, 1)


def test_a_brush_of_another_image_is_refused() -> None:
    with pytest.raises(NotABrush, match="48 values, the image has 80"):
        runs_of(packed((0, 12), ImageSize(width=4, height=3)), ImageSize(width=4, height=5))
    painted = said("brushlabels", tool="brush", rle=packed((), IMAGE))
    found = TASKS["Segmentation"].parse([painted], SCHEMA)
    assert isinstance(found, Invalid)
    assert "is empty" in found.message
