"""Measure models on one split of a fetched dataset. Runs in the runtime image, the only one that can load models; needs no network and no keys."""

import hashlib
import json
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from treadle.api.base import is_store_uri
from treadle.api.reasons import Reason
from treadle.contracts.dataset import DESCRIPTION, ITEMS, FetchedItem
from treadle.contracts.evaluate import (
    DETAILS_FILE,
    OWN,
    REFERENCE_FILE,
    RESULT_FILE,
    ConfusionMatrix,
    EvaluateResult,
    EvaluateSpec,
    EvaluationDetails,
    Measured,
    MeasuredModel,
    ModelToMeasure,
    Smoke,
)
from treadle.contracts.labels import ClassLabel, Label, Rating, parts_of
from treadle.contracts.sketch import Reference
from treadle.jobs._answers import Answers, answers_of, described
from treadle.jobs._failure import JobFailure
from treadle.jobs._files import contents_of, tree_digest, write_whole
from treadle.jobs._lines import from_lines
from treadle.statistics.classification import Confusion
from treadle.statistics.measuring import NotComparable, model_metrics

TROUBLE_LIMIT = 256

log = logging.getLogger("treadle.jobs")


def evaluate(spec: EvaluateSpec) -> EvaluateResult:
    """Measure each model on every item of the split, and leave what was found in the output directory.

    Raises:
        JobFailure: there is nothing to measure on, or the run's own model cannot be measured. A version to compare with that cannot be measured is
            told in the result instead.
    """
    dataset, output = Path(spec.dataset), Path(spec.output)
    fetched = list(from_lines(FetchedItem, (dataset / ITEMS).read_bytes()))
    items = [item for item in fetched if item.split == spec.split]
    if not items:
        raise JobFailure(Reason.SplitEmpty, f"the split {spec.split} of the dataset version holds no items")
    models, smoke, reference = [], None, None
    for model in spec.models:
        try:
            answers = answers_of(model, dataset, items)
            models.append(_measured(model.version, items, answers))
        except JobFailure as failure:
            if model.version == OWN:
                raise
            models.append(MeasuredModel(version=model.version, trouble=failure.message[:TROUBLE_LIMIT]))
            continue
        if model.version == OWN:
            smoke = None if spec.sensitive else _smoke(items, answers)
            reference = _reference(spec, items, answers, _seen(model, dataset, [item for item in fetched if item.split != spec.split]))
    details = EvaluationDetails(dataset=_digest(dataset), split=spec.split, items=len(items), models=tuple(models))
    result = EvaluateResult(
        items=len(items),
        measured=tuple(_told(spec, model) for model in models),
        smoke=smoke,
        model=_own_digest(spec),
        reference=_left(output / REFERENCE_FILE, reference.to_json()) if reference else None,
        details=_left(output / DETAILS_FILE, details.to_json()),
    )
    _left(output / RESULT_FILE, result.to_json())
    return result


def _own_digest(spec: EvaluateSpec) -> str | None:
    """Of the run's own model, as whoever serves it will fetch it."""
    own = next((Path(model.directory) for model in spec.models if model.version == OWN), None)
    return tree_digest(contents_of(own)) if own and own.is_dir() else None


def _measured(version: str, items: Sequence[FetchedItem], answers: Answers) -> MeasuredModel:
    truths = [item.label for item in items]
    metrics: dict[str, float] = {"items": float(len(items))}
    confusion = None
    if answers.labels:
        metrics |= _metrics(truths, answers.labels)
        for source in sorted({item.source for item in items if item.source}):
            those = [index for index, item in enumerate(items) if item.source == source]
            of_source = _metrics([truths[index] for index in those], [answers.labels[index] for index in those])
            metrics |= {f"{name}/source/{source}": value for name, value in of_source.items() if "/" not in name}
        confusion = _confusion(truths, answers.labels)
    metrics |= answers.metrics
    log.info("%s: %s", f"version {version}" if version else "the run's model", json.dumps(metrics, sort_keys=True))
    return MeasuredModel(version=version, metrics={name: _rounded(value) for name, value in metrics.items()}, confusion=confusion)


def _metrics(truths: Sequence[Label], answers: Sequence[Label]) -> dict[str, float]:
    try:
        return model_metrics(truths, answers)
    except NotComparable as error:
        raise JobFailure(Reason.ItemsNotAccepted, str(error)) from error


def _confusion(truths: Sequence[Label], answers: Sequence[Label]) -> ConfusionMatrix | None:
    """Of labels that are one name: classes and ratings."""
    names = [[label.label for label in labels if isinstance(label, ClassLabel | Rating)] for labels in (truths, answers)]
    if len(names[0]) != len(truths) or len(names[1]) != len(answers):
        return None
    found = Confusion.of(*names)
    rows = tuple(tuple(found.counts.get((truth, answer), 0) for answer in found.labels) for truth in found.labels)
    return ConfusionMatrix(labels=tuple(found.labels), counts=rows)


def _seen(model: ModelToMeasure, dataset: Path, sample: Sequence[FetchedItem]) -> Answers:
    """What the model is given of the training data. Nothing when it cannot take one of these items: no measurement hangs on them."""
    try:
        return Answers() if model.answers else answers_of(model, dataset, sample)
    except JobFailure as failure:
        log.warning("the reference of drift holds nothing of the training data: %s", failure.message)
        return Answers()


def _reference(spec: EvaluateSpec, items: Sequence[FetchedItem], answers: Answers, seen: Answers) -> Reference | None:
    """How the data looks, `seen` at the training included, and the answers, which only what was held out can tell. Of sensitive data only numbers
    are kept, and labels, which the schema names anyway.
    """
    if not answers.labels:
        return None
    import numpy as np

    from treadle.statistics.sketches import sketch_of

    features = {
        name: np.concatenate([values, seen.features[name]]) if name in seen.features else values
        for name, values in answers.features.items()
        if not spec.sensitive or values.dtype.kind in "biuf"
    }
    return Reference(dataset=_digest(Path(spec.dataset)), split=spec.split, sketch=sketch_of(len(items), features, _predictions(answers)))


def _predictions(answers: Answers) -> Mapping[str, Any]:
    """What the model answered, as columns: of boxes, spans and so on also how many there are in an item, in a column of that name."""
    import numpy as np

    told: dict[str, Any] = {}
    scores: list[float | None] = list(answers.scores)
    marked = [(label.shape.lower(), parts) for label in answers.labels if (parts := parts_of(label)) is not None]
    if marked:
        told[marked[0][0]] = np.asarray([len(parts) for _, parts in marked], dtype=np.float64)
        scores = [part.score for _, parts in marked for part in parts]
        names = [part.label for _, parts in marked for part in parts]
    else:
        names = [label.label for label in answers.labels if isinstance(label, ClassLabel | Rating)]
    told["label"] = np.asarray(names, dtype=object)
    if any(score is not None for score in scores):
        told["score"] = np.asarray([math.nan if score is None else score for score in scores], dtype=np.float64)
    return told


def _told(spec: EvaluateSpec, model: MeasuredModel) -> Measured:
    values = () if model.trouble else tuple(model.metrics.get(name) for name in spec.metrics)
    return Measured(version=model.version, values=values, trouble=model.trouble)


def _rounded(value: float) -> float | None:
    """Six significant digits: what a person reads, and what fits."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _smoke(items: Sequence[FetchedItem], answers: Answers) -> Smoke | None:
    """The right answer that the model is most sure of: the least likely to change with a newer library. Whoever serves the model must reach it."""
    right = [
        (score or 0.0, item, answer.label)
        for item, answer, score in zip(items, answers.labels, answers.scores, strict=False)
        if isinstance(answer, ClassLabel) and answer == item.label and is_store_uri(item.uri)
    ]
    if not right:
        return None
    score, item, label = max(right, key=lambda entry: (entry[0], entry[1].key))
    return Smoke(uri=item.uri, sha256=item.sha256, label=label, score=_rounded(score) if score else None)


def _digest(dataset: Path) -> str:
    """The digest of the dataset version, as its description in the directory says; empty without one."""
    return described(dataset).digest if (dataset / DESCRIPTION).is_file() else ""


def _left(path: Path, text: str) -> str:
    """Write a file for the next container; its SHA-256."""
    content = text.encode()
    write_whole(path, [content])
    return hashlib.sha256(content).hexdigest()
