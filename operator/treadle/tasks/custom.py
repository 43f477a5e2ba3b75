"""Custom: whatever a labelling screen of the user's own asks for. Its answers are kept as they are, and two are the same or not."""

from collections.abc import Sequence

from pydantic import ValidationError

from treadle.contracts.labels import Answer, ImageSize, LabelSchema
from treadle.tasks._task import Invalid, Region, Task

FIELD = "item"
KEPT = ("from_name", "to_name", "type", "value", "original_width", "original_height", "image_rotation", "from_id", "to_id", "direction", "labels")
"""What an answer says. Ids are drawn anew for each person, and a region's origin tells whether it was proposed."""


def parse(answer: Sequence[Region], _: LabelSchema) -> Answer | Invalid:
    """The answer without what differs between people who say the same."""
    try:
        return Answer(parts=tuple({key: part[key] for key in KEPT if key in part} for part in answer))
    except ValidationError as error:
        return Invalid(f"the answer cannot be kept: {error.errors(include_input=False, include_url=False)[0]['msg']}")


def show(label: Answer, _: ImageSize | None) -> list[Region]:
    """The answer as it was."""
    return list(label.parts)


CUSTOM = Task(
    type="Custom",
    media="Any",
    fields=(FIELD,),
    configuration=None,
    parse=parse,
    show=show,
    shape="Answer",
    measures=("PercentAgreement", "EditDistance"),
    formats=("Jsonl", "Parquet", "Dvc"),
)
