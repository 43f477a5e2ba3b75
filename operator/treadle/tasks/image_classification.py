"""ImageClassification: one label for the whole image."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from treadle.contracts.labels import LabelSchema
from treadle.tasks._choice import add_choices, parse, show
from treadle.tasks._task import Task

MEDIA = "item"
FIELD = "image"


def configuration(schema: LabelSchema) -> str:
    """An image above one button per label."""
    view = Element("View")
    SubElement(view, "Image", name=MEDIA, value=f"${FIELD}")
    add_choices(view, MEDIA, schema)
    indent(view)
    return tostring(view, encoding="unicode")


IMAGE_CLASSIFICATION = Task(
    type="ImageClassification",
    media="Image",
    fields=(FIELD,),
    configuration=configuration,
    parse=parse,
    show=show,
    shape="Class",
    measures=("KrippendorffAlpha", "PercentAgreement", "FleissKappa"),
    formats=("ImageFolder", "Csv", "Jsonl", "Parquet", "HuggingFace", "Dvc"),
)
