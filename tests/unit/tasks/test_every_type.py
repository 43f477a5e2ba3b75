from xml.etree.ElementTree import Element, fromstring, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.api import TaskType
from treadle.contracts.labels import LabelClass, LabelSchema
from treadle.jobs.exports import FORMATS
from treadle.statistics.shapes import SHAPES
from treadle.tasks import TASKS, NotSupportedYet, for_type, with_reason


def schema(*labels: LabelClass | str) -> LabelSchema:
    return LabelSchema(task="any", labels=tuple(LabelClass(name=label) if isinstance(label, str) else label for label in labels))


SCREENS = [name for name, task in TASKS.items() if task.configuration]


def screen(task: str, wanted: LabelSchema) -> Element:
    configuration = TASKS[task].configuration
    assert configuration
    return fromstring(configuration(wanted))


def looks(task: str, wanted: LabelSchema) -> list[dict[str, str]]:
    view = screen(task, wanted)
    tool = next(element for element in view if element.find("Choice") is not None or element.find("Label") is not None)
    return [dict(element.attrib) for element in tool]


def test_every_type_of_the_api_is_supported_or_says_that_it_is_not_yet() -> None:
    for each in TaskType:
        found = for_type(each.value)
        assert isinstance(found, NotSupportedYet) != (each.value in TASKS)
        if isinstance(found, NotSupportedYet):
            assert each.value in found.message
            assert "ImageClassification" in found.message


@pytest.mark.parametrize("task", SCREENS)
def test_every_screen_can_tell_why_an_item_came_back_and_asks_the_same(task: str) -> None:
    configuration = TASKS[task].configuration
    assert configuration
    plain = configuration(schema("can", "<bottle> & more"))
    why, *rest = fromstring(with_reason(plain))
    assert (why.tag, why.get("value"), why.get("name")) == ("Header", "$why", None), "a line without a name is nothing that can be answered"
    assert [tostring(each).strip() for each in rest] == [tostring(each).strip() for each in fromstring(plain)]


def test_every_type_names_a_shape_measures_and_formats_that_exist() -> None:
    measures = {
        "Class": {"KrippendorffAlpha", "PercentAgreement", "FleissKappa"},
        "Boxes": {"BoxF1", "MeanIou"},
        "Spans": {"SpanF1", "RelationF1"},
        "Intervals": {"IntervalF1", "MeanIou"},
        "Regions": {"RegionF1", "MeanIou"},
        "Points": {"PointF1", "ObjectKeypointSimilarity"},
        "Rating": {"KrippendorffAlpha", "PercentAgreement", "IntervalAlpha", "NominalAlpha"},
        "Answer": {"PercentAgreement", "EditDistance"},
    }
    for task in TASKS.values():
        assert task.shape in SHAPES
        assert set(task.measures) <= measures[task.shape]
        assert set(task.formats) <= set(FORMATS)
        assert task.formats


@pytest.mark.parametrize("task", SCREENS)
def test_a_label_that_is_a_key_is_its_own_key(task: str) -> None:
    digits = looks(task, schema(*"0123456789"))
    assert [look["hotkey"] for look in digits] == [look["value"] for look in digits] == list("0123456789")
    mixed = looks(task, schema("can", LabelClass(name="jar", hotkey="1"), "1", "2", "bottle"))
    assert [look["hotkey"] for look in mixed] == ["3", "1", "4", "2", "5"]


@pytest.mark.parametrize("task", SCREENS)
@given(names=st.lists(st.text("0123456789abcdru", min_size=1, max_size=2), min_size=1, max_size=60, unique=True))
def test_no_two_labels_share_a_key_or_a_colour(task: str, names: list[str]) -> None:
    found = looks(task, schema(*names))
    assert [look["value"] for look in found] == names
    keys = [look["hotkey"] for look in found if "hotkey" in look]
    assert len(set(keys)) == len(keys) == min(len(names), 33)
    assert len({look["background"] for look in found}) == len(names)


@pytest.mark.parametrize("task", SCREENS)
def test_the_screen_shows_the_item_from_the_fields_that_sync_fills(task: str) -> None:
    view = screen(task, schema("can"))
    shown = [element for element in view.iter() if (element.get("value") or "").startswith("$")]
    assert [element.get("value") for element in shown] == [f"${field}" for field in TASKS[task].fields]
    tools = [element.get("toName") for element in view.iter() if element.get("toName")]
    assert set(tools) <= {element.get("name") for element in shown}, "what is said is said of something on the screen"
