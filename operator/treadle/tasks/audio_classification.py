"""AudioClassification: one label for the whole recording."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from treadle.contracts.labels import LabelSchema
from treadle.tasks._choice import add_choices, parse, show
from treadle.tasks._task import Task

FIELD = "audio"


def configuration(schema: LabelSchema) -> str:
    """A recording that can be played, above one button per label."""
    view = Element("View")
    SubElement(view, "Audio", name="item", value=f"${FIELD}")
    add_choices(view, "item", schema)
    indent(view)
    return tostring(view, encoding="unicode")


AUDIO_CLASSIFICATION = Task(
    type="AudioClassification",
    media="Audio",
    fields=(FIELD,),
    configuration=configuration,
    parse=parse,
    show=show,
    shape="Class",
    measures=("KrippendorffAlpha", "PercentAgreement", "FleissKappa"),
    formats=("ImageFolder", "Csv", "Jsonl", "Parquet", "HuggingFace", "Dvc"),
)
