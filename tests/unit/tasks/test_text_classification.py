from xml.etree.ElementTree import fromstring

from treadle.contracts.labels import ClassLabel, LabelClass, LabelSchema
from treadle.tasks import TASKS

TASK = TASKS["TextClassification"]
SCHEMA = LabelSchema(task="TextClassification", labels=(LabelClass(name="praise"), LabelClass(name="complaint")))


def test_the_screen_shows_the_text_above_the_labels() -> None:
    view = fromstring(TASK.configuration(SCHEMA))
    assert [element.tag for element in view] == ["Text", "Choices"]
    assert [choice.get("value") for choice in view.findall("Choices/Choice")] == list(SCHEMA.names)


def test_the_chosen_label_is_the_answer() -> None:
    answer = [{"from_name": "label", "to_name": "item", "type": "choices", "value": {"choices": ["praise"]}}]
    assert TASK.parse(answer, SCHEMA) == ClassLabel(label="praise")
