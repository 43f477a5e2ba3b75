"""What the types share that ask for one label for the whole item."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from treadle.contracts.labels import ClassLabel, ImageSize, LabelSchema, Rating
from treadle.tasks._looks import looks
from treadle.tasks._task import Invalid, Region, value_of

CONTROL = "label"
MEDIA = "item"


def add_choices(view: Element, media: str, schema: LabelSchema) -> None:
    """One button per label, in the schema's order."""
    choices = SubElement(view, "Choices", name=CONTROL, toName=media, choice="single", showInline="true", required="true")
    for attributes in looks(schema):
        SubElement(choices, "Choice", dict(attributes))


def parse(answer: Sequence[Region], schema: LabelSchema) -> ClassLabel | Invalid:
    """The one chosen label. Parts of the answer that other controls made (a comment, say) are passed over."""
    parts = [part for part in answer if part.get("from_name") == CONTROL]
    chosen = [choice for part in parts for choice in _list(value_of(part).get("choices"))]
    if len(chosen) != 1:
        return Invalid(f"{len(chosen)} labels chosen, one is wanted")
    (name,) = chosen
    if name not in schema.names:
        return Invalid(f'"{name}" is not a label of this project')
    return ClassLabel(label=str(name))


def show(label: ClassLabel | Rating, _: ImageSize | None) -> list[Region]:
    """The label as a choice."""
    return [{"from_name": CONTROL, "to_name": MEDIA, "type": "choices", "value": {"choices": [label.label]}}]


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
