from xml.etree.ElementTree import fromstring

import pytest

from treadle.contracts.labels import ClassLabel, LabelClass, LabelSchema
from treadle.tasks import Invalid, Task, for_type

SCHEMA = LabelSchema(
    task="ImageClassification",
    labels=(LabelClass(name="can", color="#d44444", hotkey="c"), LabelClass(name='<"bottle" & co>', description="it's > glass")),
)


@pytest.fixture
def task() -> Task:
    found = for_type("ImageClassification")
    assert isinstance(found, Task)
    return found


def chosen(*labels: str) -> dict[str, object]:
    return {"from_name": "label", "to_name": "item", "type": "choices", "value": {"choices": list(labels)}}


def test_the_screen_shows_the_image_and_the_labels_in_their_order(task: Task) -> None:
    view = fromstring(task.configuration(SCHEMA))
    image = view.find("Image")
    assert image is not None
    assert image.get("value") == f"${task.fields[0]}"
    choices = view.findall("Choices/Choice")
    assert [choice.get("value") for choice in choices] == list(SCHEMA.names)
    assert choices[0].attrib == {"value": "can", "background": "#d44444", "hotkey": "c"}
    assert (choices[1].get("hint"), choices[1].get("hotkey")) == ("it's > glass", "1")


def test_the_screen_is_the_same_text_for_the_same_labels(task: Task) -> None:
    assert task.configuration(SCHEMA) == task.configuration(SCHEMA.model_copy())


def test_one_chosen_label_is_the_answer_whatever_else_was_said(task: Task) -> None:
    comment = {"from_name": "comment", "to_name": "item", "type": "textarea", "value": {"text": ["blurred"]}}
    assert task.parse([comment, chosen("can")], SCHEMA) == ClassLabel(label="can")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ([], "0 labels chosen"),
        ([chosen()], "0 labels chosen"),
        ([chosen("can", "can")], "2 labels chosen"),
        ([chosen("can"), chosen("can")], "2 labels chosen"),
        ([chosen("jar")], "not a label"),
        ([{"from_name": "label"}], "0 labels chosen"),
        ([{"from_name": "label", "value": None}], "0 labels chosen"),
        ([{"from_name": "label", "value": ["can"]}], "0 labels chosen"),
        ([{"from_name": "label", "value": {"choices": 7}}], "0 labels chosen"),
        ([{"from_name": "label", "value": {"choices": [["can"]]}}], "not a label"),
        ([{"from_name": "other", "value": {"choices": ["can"]}}], "0 labels chosen"),
    ],
)
def test_an_answer_that_the_schema_does_not_allow_counts_for_nothing(task: Task, answer: list[dict[str, object]], why: str) -> None:
    parsed = task.parse(answer, SCHEMA)
    assert isinstance(parsed, Invalid)
    assert why in parsed.message
