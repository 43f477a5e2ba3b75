"""What a model is asked and what it answers, per task type: the one contract of prelabelling, evaluation, serving and feedback.

A model takes an item (its bytes, or its text) or an item's URI, and answers with canonical labels and a score.
"""

from typing import Annotated, Literal

from pydantic import Field

from treadle.contracts._base import Contract
from treadle.contracts.labels import Boxes, ClassLabel, Intervals, LabelName, Points, Rating, Regions, Spans

ITEM = "item"
"""Input: the item itself; bytes for images and audio, a string for text."""
ITEM_URI = "item_uri"
"""Input, instead of the item: where the model may read it."""
LABEL = "label"
"""Output of a classifier: the name of the label with the highest score."""
SCORE = "score"
"""Output of a classifier: how sure it is, 0 to 1."""
SCORES = "scores"
"""Optional output of a classifier: one score per label, in the order of the schema."""


class ClassPrediction(Contract):
    """A classifier's answer about one item."""

    shape: Literal["Class"] = "Class"
    label: LabelName
    score: float = Field(ge=0, le=1)
    scores: dict[LabelName, float] | None = Field(default=None, description="Score of every label, where the model tells.")

    def as_label(self) -> ClassLabel:
        """The answer as the label that it proposes."""
        return ClassLabel(label=self.label)


Prediction = Annotated[ClassPrediction | Boxes | Spans | Intervals | Regions | Points | Rating, Field(discriminator="shape")]
"""Any model's answer, told apart by `shape`; boxes, spans and so on of a model carry their scores."""


class PredictedItem(Contract):
    """One line of predictions.jsonl."""

    key: str
    uri: str = ""
    sha256: str = ""
    model: str = Field(default="", description="Which model answered: <name>/<version>.")
    prediction: Prediction
