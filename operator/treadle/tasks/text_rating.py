"""TextRating: how much of something a text has, on a scale whose steps are the labels in their order."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from treadle.contracts.labels import LabelClass, LabelSchema, Rating
from treadle.tasks import _choice
from treadle.tasks._task import Invalid, Region, Task

FIELD = "text"
STEPS = tuple(LabelClass(name=str(step)) for step in range(1, 6))
"""The scale where spec names no steps: 1 to 5."""


def configuration(schema: LabelSchema) -> str:
    """A text above one button per step."""
    view = Element("View")
    SubElement(view, "Text", name="item", value=f"${FIELD}")
    _choice.add_choices(view, "item", schema)
    indent(view)
    return tostring(view, encoding="unicode")


def parse(answer: Sequence[Region], schema: LabelSchema) -> Rating | Invalid:
    """The one chosen step."""
    chosen = _choice.parse(answer, schema)
    return chosen if isinstance(chosen, Invalid) else Rating(step=schema.names.index(chosen.label) + 1, label=chosen.label)


TEXT_RATING = Task(
    type="TextRating",
    media="Text",
    fields=(FIELD,),
    configuration=configuration,
    parse=parse,
    show=_choice.show,
    shape="Rating",
    measures=("KrippendorffAlpha", "PercentAgreement", "IntervalAlpha", "NominalAlpha"),
    formats=("Jsonl", "Csv", "Parquet", "HuggingFace", "Dvc"),
    silent=STEPS,
)
