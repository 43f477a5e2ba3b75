from xml.etree.ElementTree import fromstring

import pytest

from treadle.contracts.labels import ClassLabel, LabelClass, LabelSchema
from treadle.tasks import TASKS, Invalid

TASK = TASKS["PairwisePreference"]
SCHEMA = LabelSchema(task=TASK.type, labels=TASK.silent)


def test_the_prompt_stands_above_both_texts_and_the_buttons_below_them() -> None:
    assert TASK.configuration
    view = fromstring(TASK.configuration(SCHEMA))
    prompt, sides, choices = view
    assert prompt.get("value") == "$prompt"
    assert "display: flex" in (sides.get("style") or "")
    assert [[part.get("value") for part in side] for side in sides] == [["First", "$first"], ["Second", "$second"]]
    assert [(choice.get("value"), choice.get("hotkey")) for choice in choices] == [("First", "1"), ("Tie", "2"), ("Second", "3")]


@pytest.mark.parametrize("label", ["First", "Tie", "Second"])
def test_what_is_proposed_reads_as_if_somebody_had_said_it(label: str) -> None:
    assert TASK.parse(TASK.show(ClassLabel(label=label), None), SCHEMA) == ClassLabel(label=label)


def test_a_project_may_name_its_own_verdicts_and_then_nobody_can_call_a_tie() -> None:
    schema = LabelSchema(task=TASK.type, labels=(LabelClass(name="First"), LabelClass(name="Second")))
    assert isinstance(TASK.parse(TASK.show(ClassLabel(label="Tie"), None), schema), Invalid)
