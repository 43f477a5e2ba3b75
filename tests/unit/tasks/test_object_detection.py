from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from treadle.contracts.labels import MOST_BOXES, Box, Boxes, LabelClass, LabelSchema
from treadle.tasks import TASKS, Invalid

TASK = TASKS["ObjectDetection"]
SCHEMA = LabelSchema(task="ObjectDetection", labels=(LabelClass(name="can"), LabelClass(name="bottle")))


def drawn(*labels: str, size: tuple[int, int] = (200, 100), **value: Any) -> dict[str, Any]:
    """A box that covers 50..150 x 20..40 pixels, as the labelling screen says it: in per cent."""
    place = {"x": 25.0, "y": 20.0, "width": 50.0, "height": 20.0, "rotation": 0, "rectanglelabels": list(labels)}
    return {
        "from_name": "box",
        "to_name": "item",
        "type": "rectanglelabels",
        "original_width": size[0],
        "original_height": size[1],
        "value": place | value,
    }


def test_the_screen_draws_upright_boxes_with_the_labels_in_their_order() -> None:
    view = fromstring(TASK.configuration(SCHEMA))
    boxes = view.find("RectangleLabels")
    assert boxes is not None
    assert boxes.get("canRotate") == "false"
    assert [label.get("value") for label in boxes] == ["can", "bottle"]


def test_per_cent_become_pixels() -> None:
    comment = {"from_name": "comment", "to_name": "item", "type": "textarea", "value": {"text": ["blurred"]}}
    assert TASK.parse([drawn("can"), comment], SCHEMA) == Boxes(boxes=(Box(label="can", x=50, y=20, width=100, height=20),))


def test_an_image_without_any_object_is_an_answer() -> None:
    assert TASK.parse([], SCHEMA) == Boxes()


def test_the_order_in_which_boxes_were_drawn_does_not_matter() -> None:
    answer = [drawn("can"), drawn("bottle", x=0), drawn("bottle", x=1)]
    assert TASK.parse(answer, SCHEMA) == TASK.parse(answer[::-1], SCHEMA)


def test_what_hangs_over_by_a_rounding_is_cut_at_the_edge() -> None:
    assert TASK.parse([drawn("can", x=-0.3, width=100.5)], SCHEMA) == Boxes(boxes=(Box(label="can", x=0, y=20, width=200, height=20),))


@pytest.mark.parametrize(
    ("region", "why"),
    [
        (drawn(), "0 labels"),
        (drawn("can", "bottle"), "2 labels"),
        (drawn("jar"), "not a label"),
        (drawn("can", rotation=12), "turned"),
        (drawn("can") | {"image_rotation": 90}, "turned"),
        (drawn("can", width=0), "empty"),
        (drawn("can", width=-3), "empty"),
        (drawn("can", x=80), "outside"),
        (drawn("can", y=-2), "outside"),
        (drawn("can", x=None), "no place"),
        (drawn("can", x="5"), "no place"),
        (drawn("can", x=float("nan")), "no place"),
        (drawn("can", size=(0, 0)), "no place"),
        (drawn("can") | {"value": None}, "0 labels"),
    ],
)
def test_one_bad_box_makes_the_answer_count_for_nothing(region: dict[str, Any], why: str) -> None:
    parsed = TASK.parse([drawn("can"), region], SCHEMA)
    assert isinstance(parsed, Invalid)
    assert why in parsed.message


def test_more_boxes_than_anybody_draws_are_a_slip() -> None:
    assert isinstance(TASK.parse([drawn("can")] * (MOST_BOXES + 1), SCHEMA), Invalid)


@pytest.mark.parametrize(
    "garbled",
    [
        {"value": ["can"]},
        {"value": "can"},
        {"value": {"rectanglelabels": {"can": 1}}},
        {"value": {"rectanglelabels": 7}},
        drawn("can", x=10**400),
        drawn("can", width=float("nan")),
        drawn("can", size=(10**400, 100)),
        drawn("can", size=("200", "100")),  # type: ignore[arg-type]
    ],
    ids=lambda region: ascii(region)[:60],
)
def test_a_box_of_another_form_counts_for_nothing(garbled: dict[str, Any]) -> None:
    assert isinstance(TASK.parse([{"from_name": "box"} | garbled], SCHEMA), Invalid)
