"""What an object's status says in numbers: the gauges that the operator exports of every object. One table; documentation and dashboards follow it.

Pure: from an object to samples. What is counted over all objects, and of how many each is shown, is the exporter's concern.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

OBJECT = ("tenant_namespace", "name")
"""Labels of everything that is told of one object; Prometheus keeps `namespace` for where the operator runs."""
STATES = {"True": 1.0, "False": 0.0, "Unknown": -1.0}
VERDICTS = {"Passed": 1.0, "Failed": 0.0, "Unknown": -1.0}


@dataclass(frozen=True)
class Measure:
    """A gauge: what it tells, and its labels besides those of the object."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


class Sample(NamedTuple):
    """A value of a measure, with the values of its own labels."""

    measure: Measure
    labels: tuple[str, ...]
    value: float


CONDITION = Measure("treadle_condition", "A condition of an object: 1 True, 0 False, -1 Unknown.", ("kind", "type", "reason"))
READY_SINCE = Measure("treadle_ready_transition_seconds", "When Ready changed last, in seconds since 1970.", ("kind",))
LABELLING = Measure("treadle_project_items", "Items of an AnnotationProject, by how far people are.", ("state",))
QUALITY = Measure("treadle_project_quality_items", "Items of an AnnotationProject, by what the last measurement of quality found.", ("finding",))
PROGRESS = Measure("treadle_project_progress_ratio", "Share of an AnnotationProject's items that are finished.")
AGREEMENT = Measure("treadle_project_agreement", "Agreement between annotators, as measured last.", ("metric",))
VERSION = Measure("treadle_project_dataset_version", "Number of the last dataset version that was released.")
RELEASED = Measure("treadle_project_dataset_items", "Items of that version.")
RUN_PROGRESS = Measure("treadle_run_progress_ratio", "How far a TrainingRun says it is.")
REMAINING = Measure("treadle_run_remaining_seconds", "How long a TrainingRun thinks it still needs.")
ATTEMPTS = Measure("treadle_run_attempts", "Attempts of a TrainingRun that did not succeed, by what they count as.", ("class",))
RUN_SECONDS = Measure("treadle_run_seconds", "Time that finished attempts of a TrainingRun took.")
RUN_GPU_SECONDS = Measure("treadle_run_gpu_seconds", "GPU-seconds of finished attempts of a TrainingRun.")
GATE = Measure("treadle_run_gate", "A gate of a TrainingRun: 1 Passed, 0 Failed, -1 Unknown.", ("gate",))
GATE_VALUE = Measure("treadle_run_gate_value", "What a gate of a TrainingRun measured.", ("gate",))
REPLICAS = Measure("treadle_deployment_replicas", "Pods of a ModelDeployment's stable version.", ("state",))
TRAFFIC = Measure("treadle_deployment_traffic_ratio", "Share of the traffic that a version answers.", ("role", "version"))
SHADOW = Measure(
    "treadle_deployment_shadow_ratio", "Share of the other requests of which the version that is proving itself gets a copy.", ("version",)
)
STEP = Measure("treadle_deployment_rollout_step", "Step of the rollout, from 0; absent without one.", ("version", "stage"))
DRIFT = Measure("treadle_deployment_drift", "1 while a ModelDeployment's traffic has drifted, else 0; absent where it is not watched.")
ACCURACY = Measure(
    "treadle_deployment_accuracy_ratio",
    "Share of a version's answers that were right, of those whose true label callers told in the last 24 windows of drift: "
    "the share (value), and the ends of its 95 % interval (low, high).",
    ("version", "bound"),
)
LABELLED = Measure(
    "treadle_deployment_labelled_answers", "Answers of a version whose true label callers told in the last 24 windows of drift.", ("version",)
)
REFUSED = Measure("treadle_deployment_refused_versions", "Versions that were given up and are not tried again, of the last ones.")

MEASURES: tuple[Measure, ...] = (
    *(CONDITION, READY_SINCE, LABELLING, QUALITY, PROGRESS, AGREEMENT, VERSION, RELEASED, RUN_PROGRESS, REMAINING, ATTEMPTS, RUN_SECONDS),
    *(RUN_GPU_SECONDS, GATE, GATE_VALUE, REPLICAS, TRAFFIC, SHADOW, STEP, DRIFT, ACCURACY, LABELLED, REFUSED),
)


def measured(this: Mapping[str, Any]) -> Iterator[Sample]:
    """What is told of an object. A status that anybody may have written raises nothing: what is no number is left out."""
    kind, status = str(this["kind"]), _mapping(this.get("status"))
    for condition in map(_mapping, _list(status.get("conditions"))):
        if (state := _text(condition.get("status"))) in STATES:
            labels = (kind, _text(condition.get("type")), _text(condition.get("reason")))
            yield Sample(CONDITION, labels, STATES[state])
        if condition.get("type") == "Ready" and (since := _instant(condition.get("lastTransitionTime"))) is not None:
            yield Sample(READY_SINCE, (kind,), since)
    told = {"AnnotationProject": _project, "TrainingRun": _run, "ModelDeployment": _deployment}.get(kind)
    yield from told(status) if told else ()


def finished_at(this: Mapping[str, Any]) -> float | None:
    """When a TrainingRun ended, in seconds since 1970; None for what goes on."""
    result = _mapping(_mapping(this.get("status")).get("result"))
    return (_instant(result.get("finishedAt")) or 0.0) if this["kind"] == "TrainingRun" and result.get("outcome") else None


def _project(status: Mapping[str, Any]) -> Iterator[Sample]:
    progress, quality, dataset = (_mapping(status.get(part)) for part in ("progress", "quality", "dataset"))
    yield from _each(LABELLING, progress, ("items", "annotated", "finished", "skipped", "predicted", "inReview"))
    yield from _share(PROGRESS, progress.get("percent"))
    yield from _each(QUALITY, quality, ("agreed", "disputed", "invalid", "belowGold", "inReview", "suspected"))
    yield from _one(AGREEMENT, quality.get("agreement"), _text(quality.get("metric")))
    yield from _one(VERSION, dataset.get("version"))
    yield from _one(RELEASED, dataset.get("items"))


def _run(status: Mapping[str, Any]) -> Iterator[Sample]:
    progress = _mapping(status.get("progress"))
    yield from _share(RUN_PROGRESS, progress.get("percent"))
    yield from _one(REMAINING, progress.get("remainingSeconds"))
    yield from _each(ATTEMPTS, _mapping(status.get("counts")), ("infrastructure", "application", "preempted", "suspended"))
    yield from _one(RUN_SECONDS, status.get("ranSeconds"))
    yield from _one(RUN_GPU_SECONDS, status.get("gpuSeconds"))
    for gate in map(_mapping, _list(status.get("gates"))):
        if (verdict := _text(gate.get("verdict"))) in VERDICTS:
            yield Sample(GATE, (_text(gate.get("name")),), VERDICTS[verdict])
        yield from _one(GATE_VALUE, gate.get("value"), _text(gate.get("name")))


def _deployment(status: Mapping[str, Any]) -> Iterator[Sample]:
    stable, canary = _mapping(status.get("stable")), _mapping(status.get("canary"))
    for state, field in (("wanted", "replicas"), ("ready", "readyReplicas")):
        yield from _one(REPLICAS, status.get(field), state)
    weight = _number(canary.get("weight")) or 0.0
    if stable:
        yield Sample(TRAFFIC, ("stable", _version(stable)), 1 - weight / 100)
    if canary:
        version = _version(canary)
        yield Sample(TRAFFIC, ("canary", version), weight / 100)
        yield from _share(SHADOW, canary.get("shadow"), version)
        yield from _one(STEP, canary.get("step"), version, _text(canary.get("stage")))
    if drift := _mapping(status.get("drift")):
        yield Sample(DRIFT, (), float(drift.get("detected") is True))
    for one in map(_mapping, _list(_mapping(status.get("accuracy")).get("versions"))):
        version = _text(one.get("version"))
        for bound in ("value", "low", "high"):
            yield from _one(ACCURACY, one.get(bound), version, bound)
        yield from _one(LABELLED, one.get("labels"), version)
    yield from _one(REFUSED, len(_list(status.get("refused"))))


def _version(revision: Mapping[str, Any]) -> str:
    return _text(revision.get("version") or revision.get("revision"))


def _each(measure: Measure, part: Mapping[str, Any], fields: Iterable[str]) -> Iterator[Sample]:
    for field in fields:
        yield from _one(measure, part.get(field), field)


def _share(measure: Measure, percent: object, *labels: str) -> Iterator[Sample]:
    if (number := _number(percent)) is not None:
        yield Sample(measure, labels, number / 100)


def _one(measure: Measure, value: object, *labels: str) -> Iterator[Sample]:
    if (number := _number(value)) is not None:
        yield Sample(measure, labels, number)


def _number(value: object) -> float | None:
    """A finite number, also where it is written as a decimal string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _instant(value: object) -> float | None:
    """Seconds since 1970 of a moment as the API writes it."""
    try:
        return datetime.fromisoformat(_text(value)).timestamp()
    except (ValueError, OverflowError):
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
