"""What an object says in numbers, on objects as the operator left them in the stories, and on statuses that somebody else wrote."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.gitops import CUSTOMIZATIONS
from tests.stories.contract import GARBAGE
from treadle.api.measures import MEASURES, finished_at, measured

STATES = sorted(CUSTOMIZATIONS.glob("*/testdata/*.yaml"))


def read(kind: str, state: str) -> Any:
    return yaml.safe_load((CUSTOMIZATIONS / kind / "testdata" / f"{state}.yaml").read_text())


def told(this: Any) -> dict[tuple[str, ...], float]:
    return {(sample.measure.name, *sample.labels): sample.value for sample in measured(this)}


def test_a_project_tells_how_far_people_are_and_how_good_it_is() -> None:
    said = told(read("AnnotationProject", "healthy_released_accepting_annotations"))
    assert said["treadle_condition", "AnnotationProject", "QualityPassed", "BoundsHeld"] == 1
    assert said["treadle_project_items", "finished"] == 400
    assert said["treadle_project_progress_ratio",] == 1
    assert said["treadle_project_quality_items", "disputed"] == 3
    assert said["treadle_project_agreement", "KrippendorffAlpha"] == 0.93
    assert said["treadle_project_dataset_version",] == 1


def test_a_run_tells_its_gates_and_what_it_used() -> None:
    this = read("TrainingRun", "suspended_finishing_awaiting_approval")
    said = told(this)
    assert said["treadle_run_gate", "no-worse"] == 1
    assert said["treadle_run_gate_value", "no-worse"] == 0.93
    assert said["treadle_run_seconds",] == 538
    assert said["treadle_run_attempts", "infrastructure"] == 0
    assert finished_at(this) is None
    assert finished_at(read("TrainingRun", "healthy_succeeded_run_succeeded")) is not None


def test_a_deployment_tells_who_answers_what_share() -> None:
    this = read("ModelDeployment", "healthy_rolling_out_pods_ready")
    this["status"]["canary"] |= {"weight": 10, "step": 1, "stage": "Judging", "shadow": 50}
    this["status"]["drift"] = {"detected": True}
    this["status"]["accuracy"] = {"versions": [{"version": "1", "value": "0.93", "low": "0.86", "high": "0.97", "right": 93, "labels": 100}]}
    said = told(this)
    assert [said["treadle_deployment_accuracy_ratio", "1", bound] for bound in ("low", "value", "high")] == [0.86, 0.93, 0.97]
    assert said["treadle_deployment_labelled_answers", "1"] == 100
    assert said["treadle_deployment_traffic_ratio", "stable", "1"] == 0.9
    assert said["treadle_deployment_traffic_ratio", "canary", "2"] == 0.1
    assert said["treadle_deployment_shadow_ratio", "2"] == 0.5
    assert said["treadle_deployment_rollout_step", "2", "Judging"] == 1
    assert said["treadle_deployment_replicas", "ready"] == 1
    assert said["treadle_deployment_drift",] == 1


@pytest.mark.parametrize("path", STATES, ids=lambda path: f"{path.parents[1].name}-{path.stem}")
def test_nothing_is_said_twice_and_labels_fit(path: Any) -> None:
    samples = list(measured(yaml.safe_load(path.read_text())))
    assert len({(sample.measure.name, *sample.labels) for sample in samples}) == len(samples)
    assert all(len(sample.labels) == len(sample.measure.labels) for sample in samples)
    assert all(sample.measure in MEASURES for sample in samples)


@pytest.mark.parametrize("garbage", GARBAGE, ids=repr)
@pytest.mark.parametrize("kind", ["AnnotationProject", "TrainingRun", "ModelDeployment"])
def test_a_status_that_somebody_else_wrote_raises_nothing(kind: str, garbage: Any) -> None:
    whole = {"kind": kind, "status": garbage}
    list(measured(whole))
    finished_at(whole)
    fields = (
        "conditions",
        "progress",
        "quality",
        "dataset",
        "counts",
        "gates",
        "stable",
        "canary",
        "drift",
        "accuracy",
        "refused",
        "result",
        "ranSeconds",
    )
    for field in fields:
        list(measured({"kind": kind, "status": {field: garbage}}))
        finished_at({"kind": kind, "status": {field: garbage}})
        list(measured({"kind": kind, "status": {field: {"versions": [garbage, {"version": garbage, "value": garbage}]}}}))
        list(measured({"kind": kind, "status": {field: [{"verdict": garbage, "name": garbage, "value": garbage}]}}))


def test_every_measure_is_told_of_some_object() -> None:
    seen = {sample.measure for path in STATES for sample in measured(yaml.safe_load(path.read_text()))}
    labels = {"treadle_deployment_accuracy_ratio", "treadle_deployment_labelled_answers"}
    elsewhere = labels | {"treadle_deployment_drift", "treadle_run_remaining_seconds", "treadle_run_gpu_seconds"}
    assert {measure.name for measure in MEASURES} - {measure.name for measure in seen} <= elsewhere
