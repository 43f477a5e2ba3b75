"""What a model answers about items: asked here, or left behind as files by a user's own image."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from treadle.api.reasons import Reason
from treadle.contracts.dataset import DESCRIPTION, FetchedDataset, FetchedItem
from treadle.contracts.evaluate import METRICS_FILE, PREDICTIONS_FILE, ModelToMeasure
from treadle.contracts.labels import ClassLabel, Label, Rating
from treadle.contracts.model import ITEM, LABEL, SCORE, ClassPrediction, PredictedItem, Prediction
from treadle.jobs._failure import JobFailure
from treadle.jobs._files import inside
from treadle.jobs._lines import from_lines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from treadle.predictors import Model

BATCH = 64
FILE_LIMIT = 256 * 1024 * 1024  # bytes of what a user's image left behind
TOLD_LIMIT = 1000  # metrics
NUMBERS: TypeAdapter[dict[str, float | None]] = TypeAdapter(dict[str, float | None])


@dataclass(frozen=True)
class Answers:
    """What is known of one model on the items, in their order.

    Attributes:
        labels: its answers; empty when somebody else measured it.
        scores: how sure it was of class labels, where it tells.
        features: what it was given, as columns; empty when it was not asked here.
        metrics: what somebody else measured.
    """

    labels: Sequence[Label] = ()
    scores: Sequence[float | None] = ()
    features: Mapping[str, "NDArray[Any]"] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


def answers_of(wanted: ModelToMeasure, dataset: Path, items: Sequence[FetchedItem]) -> Answers:
    """Ask the model, or read what was left behind.

    Raises:
        JobFailure: it cannot be loaded, does not take the items, or nothing readable was left behind.
    """
    return _left_behind(Path(wanted.answers), items) if wanted.answers else _asked(Path(wanted.directory), dataset, items)


def _asked(directory: Path, dataset: Path, items: Sequence[FetchedItem]) -> Answers:
    from treadle.predictors import BadInput, NotLoadable, load_model  # the jobs image has neither pandas nor scikit-learn

    if not items:
        return Answers()
    try:
        model = load_model(directory)
        batches = [_batch(model, dataset, items[at : at + BATCH]) for at in range(0, len(items), BATCH)]
    except NotLoadable as error:
        raise JobFailure(error.reason, str(error)) from error
    except BadInput as error:
        raise JobFailure(Reason.ItemsNotAccepted, f"the model cannot answer the items of the dataset: {error}") from error
    import numpy as np

    return Answers(
        labels=[label for batch in batches for label in batch.labels],
        scores=[score for batch in batches for score in batch.scores],
        features={name: np.concatenate([batch.features[name] for batch in batches]) for name in batches[0].features},
    )


def _batch(model: "Model", dataset: Path, items: Sequence[FetchedItem]) -> Answers:
    import numpy as np

    from treadle.predictors import feature_columns

    if model.boxes is not None:
        return _found(model, dataset, items)
    contents = np.empty(len(items), dtype=object)
    contents[:] = [inside(dataset, item.path).read_bytes() for item in items]
    prediction = model.infer({ITEM: contents})
    if LABEL not in prediction.outputs:
        message = "the model answers neither classes nor boxes: it is no classifier, and was logged without metadata `treadle.output`"
        raise JobFailure(Reason.ItemsNotAccepted, f"{message}; let an image of your own measure it")
    names = [str(label) for label in prediction.outputs[LABEL]]
    labels: list[Label] = _ratings(dataset, names) if isinstance(items[0].label, Rating) else [ClassLabel(label=name) for name in names]
    scores = [float(score) for score in prediction.outputs[SCORE]] if SCORE in prediction.outputs else [None] * len(labels)
    return Answers(labels, scores, feature_columns(prediction.given))


def _found(model: "Model", dataset: Path, items: Sequence[FetchedItem]) -> Answers:
    """The boxes in images, one after the other: what a large image becomes is dropped before the next one."""
    import numpy as np

    from treadle.predictors import feature_columns

    labels: list[Label] = []
    columns = []
    for item in items:
        boxes, given = model.find(inside(dataset, item.path).read_bytes(), item.image)
        labels.append(boxes)
        columns.append(feature_columns(given))
    return Answers(labels, [None] * len(labels), {name: np.concatenate([each[name] for each in columns]) for name in columns[0]})


def _ratings(dataset: Path, names: Sequence[str]) -> list[Label]:
    """What a classifier answers of a scale: its classes are the steps' names."""
    steps = {name: step for step, name in enumerate(described(dataset).labels, start=1)}
    if strange := next((name for name in names if name not in steps), None):
        raise JobFailure(Reason.ItemsNotAccepted, f"the model answers {strange!r}, which is no step of the scale: {', '.join(steps)}")
    return [Rating(step=steps[name], label=name) for name in names]


def described(dataset: Path) -> FetchedDataset:
    """What is said of the dataset version in its directory."""
    return FetchedDataset.model_validate_json((dataset / DESCRIPTION).read_bytes())


def _left_behind(directory: Path, items: Sequence[FetchedItem]) -> Answers:
    metrics, predictions = directory / METRICS_FILE, directory / PREDICTIONS_FILE
    if not metrics.is_file() and not predictions.is_file():
        raise JobFailure(Reason.NothingMeasured, f"the evaluation's own image left neither {METRICS_FILE} nor {PREDICTIONS_FILE}")
    told = _metrics(metrics) if metrics.is_file() else {}
    if not predictions.is_file():
        return Answers(metrics=told)
    answers = _predictions(predictions, items)
    scores = [answer.score if isinstance(answer, ClassPrediction) else None for answer in answers]
    labels = [answer.as_label() if isinstance(answer, ClassPrediction) else answer for answer in answers]
    return Answers(labels=labels, scores=scores, metrics=told)


def _metrics(path: Path) -> Mapping[str, float]:
    try:
        told = NUMBERS.validate_python(json.loads(_bounded(path)))
    except (ValueError, RecursionError) as error:
        raise JobFailure(Reason.NothingMeasured, f"{METRICS_FILE} is not an object of numbers by name") from error
    if len(told) > TOLD_LIMIT:
        raise JobFailure(Reason.NothingMeasured, f"{METRICS_FILE} holds {len(told)} metrics, more than {TOLD_LIMIT}")
    return {name: math.nan if value is None else value for name, value in told.items()}


def _predictions(path: Path, items: Sequence[FetchedItem]) -> Sequence[Prediction]:
    try:
        answers = {line.key: line.prediction for line in from_lines(PredictedItem, _bounded(path))}
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, wrong["loc"])) or "a line"
        raise JobFailure(Reason.NothingMeasured, f"{PREDICTIONS_FILE} is not by the contract: {where}: {wrong['msg']}") from error
    if missing := sum(item.key not in answers for item in items):
        raise JobFailure(Reason.ItemsNotAccepted, f"{PREDICTIONS_FILE} has no answer for {missing} of {len(items)} items")
    return [answers[item.key] for item in items]


def _bounded(path: Path) -> bytes:
    if (size := path.stat().st_size) > FILE_LIMIT:
        raise JobFailure(Reason.NothingMeasured, f"{path.name} has {size} bytes, more than {FILE_LIMIT} are not read")
    return path.read_bytes()
