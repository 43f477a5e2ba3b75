"""TextClassification: one label for the whole text."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from treadle.contracts.labels import LabelSchema
from treadle.tasks._choice import add_choices, parse, show
from treadle.tasks._task import Task

MEDIA = "item"
FIELD = "text"


def configuration(schema: LabelSchema) -> str:
    """A text above one button per label."""
    view = Element("View")
    SubElement(view, "Text", name=MEDIA, value=f"${FIELD}")
    add_choices(view, MEDIA, schema)
    indent(view)
    return tostring(view, encoding="unicode")


TEXT_CLASSIFICATION = Task(
    type="TextClassification",
    media="Text",
    fields=(FIELD,),
    configuration=configuration,
    parse=parse,
    show=show,
    shape="Class",
    measures=("KrippendorffAlpha", "PercentAgreement", "FleissKappa"),
    formats=("Jsonl", "Csv", "Parquet", "HuggingFace", "Dvc"),
)
