"""PairwisePreference: which of two texts is better, two answers to one prompt, say.

An item is a `TextPair`. The labels say which of its texts it is, in order from the first to the second; what lies between them is up to the project.
"""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from treadle.contracts.labels import ClassLabel, ImageSize, LabelClass, LabelSchema
from treadle.contracts.pairs import TextPair
from treadle.tasks import _choice
from treadle.tasks._task import Region, Task

FIELDS = PROMPT, FIRST, SECOND = tuple(TextPair.model_fields)
VERDICTS = tuple(LabelClass(name=name) for name in ("First", "Tie", "Second"))
"""What people may say where spec names nothing."""


def configuration(schema: LabelSchema) -> str:
    """The prompt above the two texts, these side by side, and one button per label below."""
    view = Element("View", style="overflow-wrap: anywhere;")
    SubElement(view, "Text", name=PROMPT, value=f"${PROMPT}")
    sides = SubElement(view, "View", style="display: flex; gap: 1em;")
    for side in (FIRST, SECOND):
        column = SubElement(sides, "View", style="flex: 1 1 0; min-width: 0;")
        SubElement(column, "Header", value=side.capitalize(), size="5")
        SubElement(column, "Text", name=side, value=f"${side}")
    _choice.add_choices(view, FIRST, schema)
    indent(view)
    return tostring(view, encoding="unicode")


def show(label: ClassLabel, image: ImageSize | None) -> list[Region]:
    """The label as a choice. A control of Label Studio belongs to one object: these buttons to the first text."""
    return [{**part, "to_name": FIRST} for part in _choice.show(label, image)]


PAIRWISE_PREFERENCE = Task(
    type="PairwisePreference",
    media="Pair",
    fields=FIELDS,
    configuration=configuration,
    parse=_choice.parse,
    show=show,
    shape="Class",
    measures=("KrippendorffAlpha", "PercentAgreement", "FleissKappa"),
    formats=("Jsonl", "Csv", "Parquet", "HuggingFace", "Dvc"),
    silent=VERDICTS,
)
