"""Measure models on the items of a fetched dataset: the run's own model, and versions that gates compare it with, on exactly the same data.

Init containers bring dataset and models, or a user's own image answers or measures; the container that loads models of others has no credentials.
A last one, `publish`, stores what was found below the tracked run's artifacts. Metrics of class labels:

accuracy                             share of the items that are answered right
f1, precision, recall                mean over the labels that occur in truth or answers (macro)
f1/<label>, precision/<label> ...    of one label

of ratings the same, and:

mae                                  by how many steps the answer is off, on average
kappa                                Cohen's kappa with quadratic weights

of boxes:

f1, precision, recall                over all boxes; found is what overlaps a true box of its label by half
map50, map                           mean average precision at an overlap of 0.5, and over 0.5, 0.55 ... 0.95 (COCO)
f1/<label>, ap50/<label>             of one label

of outlines, events in series, spans of text, and points:

f1, precision, recall                over all of them; found is what overlaps by half, a span with the same ends, a point that is near (COCO)
f1/<label>, precision/<label> ...    of one label
relation_f1, relation_f1/<label> ... of relations between spans, where there are any; found is what has the same label, direction and spans
mean_iou                             of outlines and events: the overlap of what was found, what was not found counts 0

of all:

<metric>/source/<source>             among the items of one source
items                                number of items
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from treadle.api.base import Sha256, StoreUri
from treadle.contracts._base import Contract, JobSpec, Result
from treadle.contracts.dataset import Split
from treadle.contracts.stores import StoreConnection

OWN = ""
"""Stands for the run's own model where versions are named: it has none yet."""
STANDARD_METRICS = ("accuracy", "map50", "f1", "items")
"""Measured whether or not a gate asks for them, as far as they are defined."""
METRICS_LIMIT = 24
MODELS_LIMIT = 6
"""The run's own model and so many others less one: what all of them measure must fit the termination message."""
EVALUATION_DIRECTORY = "/treadle/evaluation"
RESULT_FILE = "result.json"
"""Between the containers of the pod: `EvaluateResult`."""
DETAILS_FILE = "evaluation.json"
"""Stored: `EvaluationDetails`."""
REFERENCE_FILE = "reference.json"
"""Stored: `contracts.sketch.Reference`."""
METRICS_FILE = "metrics.json"
"""What a user's own image may write: an object of numbers by metric name."""
PREDICTIONS_FILE = "predictions.jsonl"
"""What a user's own image may write instead, or beside it: one `contracts.model.PredictedItem` per item, which is measured like our own answers."""


class ModelToMeasure(Contract):
    """A model directory in the pod, or where somebody else's measurement of it lies."""

    version: str = Field(default=OWN, max_length=20, description="Version in the registry; empty: the run's own model.")
    directory: str = Field(max_length=256)
    answers: str = Field(default="", max_length=256, description="Directory with metrics.json or predictions.jsonl; empty: the model is asked.")


class EvaluateSpec(JobSpec):
    """What to measure. Changes nothing: may be killed and run again at any point."""

    kind: Literal["evaluate"] = "evaluate"
    contract: Literal[1] = 1
    dataset: str = Field(max_length=256, description="Directory of the fetched dataset.")
    split: Split = "test"
    models: tuple[ModelToMeasure, ...] = Field(min_length=1, max_length=MODELS_LIMIT)
    metrics: tuple[Annotated[str, Field(max_length=250)], ...] = Field(max_length=METRICS_LIMIT, description="Those to be told, in this order.")
    output: str = Field(default=EVALUATION_DIRECTORY, max_length=256, description="Directory for what was found.")


class Measured(Contract):
    """One model's numbers."""

    version: str = OWN
    values: tuple[float | None, ...] = Field(default=(), description="In the order of the spec's metrics; None: not defined on this data.")
    trouble: str = Field(default="", max_length=256, description="Why a version to compare with could not be measured; then there are no values.")


class Smoke(Contract):
    """An item that the run's own model answers right: whoever serves the model later can ask it the same."""

    uri: StoreUri
    sha256: Sha256
    label: str = Field(max_length=128)
    score: float | None = None


class EvaluateResult(Result):
    """What was measured, in the order of the spec's models."""

    kind: Literal["evaluate"] = "evaluate"
    items: int
    measured: tuple[Measured, ...]
    smoke: Smoke | None = None
    model: Sha256 | None = Field(default=None, description="Of the run's own model, as `FetchModelResult.digest`: what was measured can be pinned.")
    reference: Sha256 | None = Field(default=None, description="Digest of the stored reference of drift; see `stored_name`.")
    details: Sha256 | None = Field(default=None, description="Digest of the stored `EvaluationDetails`.")
    not_stored: str = Field(default="", max_length=256, description="Why these two were not stored; the measurement itself stands.")


class ConfusionMatrix(Contract):
    """How often each truth (a row) was answered by each label (a column); only labels that occur."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


class MeasuredModel(Contract):
    """All that was measured of one model."""

    version: str = OWN
    metrics: dict[str, float | None] = Field(default_factory=dict, description="None: not a number.")
    confusion: ConfusionMatrix | None = None
    trouble: str = ""


class EvaluationDetails(Contract):
    """What a termination message cannot hold."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Literal["evaluation"] = "evaluation"
    contract: Literal[1] = 1
    dataset: str = ""
    split: Split
    items: int
    models: tuple[MeasuredModel, ...]


class PublishSpec(JobSpec):
    """Store what the container before found, and say its result. May be killed and run again at any point."""

    kind: Literal["publish"] = "publish"
    contract: Literal[1] = 1
    store: StoreConnection = StoreConnection()
    uri: StoreUri | None = Field(default=None, description="Folder to store in; none: nothing is stored, the result says so.")
    directory: str = Field(default=EVALUATION_DIRECTORY, max_length=256)


def stored_name(file: str, sha256: str) -> str:
    """The name under which a file is stored: another content has another name, so that nothing stored ever changes.

    >>> stored_name("reference.json", "ab" * 32)
    'reference-abababababababab.json'
    """
    stem, _, suffix = file.rpartition(".")
    return f"{stem}-{sha256[:16]}.{suffix}"
