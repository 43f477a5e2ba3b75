"""Wrong input ends in a rejection or a condition that a user can act on, and nothing is half done."""

from collections.abc import Callable
from typing import Any

import pytest

from e2e.cluster import Problem
from e2e.conftest import Environment

Apply = Callable[..., None]
Condition = Callable[..., dict[str, Any]]


def project(name: str = "shelf", **spec: Any) -> dict[str, Any]:
    base = {
        "task": {"type": "ImageClassification", "labels": [{"name": "can"}, {"name": "bottle"}]},
        "source": {"uri": "s3://no-such-bucket/items/"},
        "dataset": {"destination": "s3://digits-datasets/shelf/"},
    }
    return {"apiVersion": "treadle.dev/v1alpha1", "kind": "AnnotationProject", "metadata": {"name": name}, "spec": base | spec}


def run(name: str = "shelf-1", **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "treadle.dev/v1alpha1", "kind": "TrainingRun", "metadata": {"name": name}, "spec": {"image": "treadle.local/none:1"} | spec}


def deployment(name: str = "shelf", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "treadle.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": name},
        "spec": {"model": {"name": "no-such-model"}} | spec,
    }


def test_an_unknown_field_is_rejected(apply: Apply) -> None:
    with pytest.raises(Problem, match=r"unknown field.*prelable"):
        apply(project(prelable={}))


def test_a_bad_label_name_is_rejected_with_the_field(apply: Apply) -> None:
    with pytest.raises(Problem, match=r"spec.task.labels\[1\].name"):
        apply(project(task={"type": "ImageClassification", "labels": [{"name": "can"}, {"name": "<b>"}]}))


def test_a_missing_secret_is_named(environment: Environment, namespace: str, apply: Apply, condition: Condition) -> None:
    environment.kubectl("delete", "secret", "treadle-store", f"--namespace={namespace}")
    apply(project())
    said = condition("annotationproject", "shelf", "Stalled", "True", timeout=90)
    assert "treadle-store" in said["message"]


def test_an_unreachable_bucket_is_named(apply: Apply, condition: Condition) -> None:
    apply(project())
    said = condition("annotationproject", "shelf", "SourceSynced", "False", timeout=120)
    said = condition("annotationproject", "shelf", "Stalled", "True", timeout=180)
    assert "no-such-bucket" in said["message"]


def test_a_missing_connection_is_named(apply: Apply, condition: Condition) -> None:
    apply(run(tracking={"connection": "nowhere"}))
    assert "nowhere" in condition("trainingrun", "shelf-1", "Stalled", "True", "ConnectionNotFound")["message"]


def test_an_unknown_model_is_waited_for(apply: Apply, condition: Condition) -> None:
    apply(deployment())
    assert "no-such-model" in condition("modeldeployment", "shelf", "Ready", "False", "ModelNotFound")["message"]


def test_a_foreign_object_with_our_childs_name_is_never_taken_over(
    environment: Environment, namespace: str, apply: Apply, condition: Condition
) -> None:
    container = {
        "name": "c",
        "image": "treadle.local/none:1",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    pod = {"restartPolicy": "Never", "containers": [container]}
    apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "shelf-1-1"}, "spec": {"suspend": True, "template": {"spec": pod}}})
    before = environment.get("job", "shelf-1-1", f"--namespace={namespace}")["metadata"]
    apply(run(tracking={"type": "None"}))
    assert "shelf-1-1" in condition("trainingrun", "shelf-1", "Stalled", "True", "NameConflict")["message"]
    after = environment.get("job", "shelf-1-1", f"--namespace={namespace}")["metadata"]
    assert after["resourceVersion"] == before["resourceVersion"]


def test_an_image_that_cannot_be_pulled_is_told_fast(apply: Apply, condition: Condition) -> None:
    apply(run(tracking={"type": "None"}))
    assert "treadle.local/none:1" in condition("trainingrun", "shelf-1", "Stalled", "True", timeout=120)["message"]
