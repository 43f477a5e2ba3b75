"""Builders for tests of the kind TrainingRun."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from treadle.api import TrainingRunSpec
from treadle.connections.installation import Installation, Owner, parse_installation
from treadle.connections.registry import ModelAlias, ModelVersion, ModelVersionOf
from treadle.connections.tracking import (
    PENDING_ID,
    FindTrackingRun,
    LoggedModel,
    Report,
    TrackingReport,
    TrackingRun,
    TrackingRunState,
    TrackingStatus,
)
from treadle.training import training_run
from treadle.training.observe import hash_of

START = datetime(2026, 1, 1, tzinfo=UTC)
UID = "uid-trainingrun-digits"
DIGEST = "d" * 64

INSTALLATION = parse_installation(
    """
    id: demo
    images: {jobs: registry.example/jobs:1, runtime: registry.example/runtime:1}
    connections:
      store: {default: {endpoint: "http://s3:7070"}}
      mlflow: {default: {url: "http://mlflow:5000", shared: true, artifactStore: "s3://mlflow/"}}
    """
)
UNTRACKED = Installation(id="demo", images=INSTALLATION.images, connections={"store": INSTALLATION.connections.store})  # type: ignore[arg-type]
TRAINING_RUN = training_run(INSTALLATION)
F1_GATE = {"name": "floor", "metric": "f1", "min": "0.90"}


def make_run(name: str = "digits", *, uid: str | None = None, annotations: Mapping[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "ml", **({"uid": uid} if uid else {}), **({"annotations": dict(annotations)} if annotations else {})}
    return {
        "apiVersion": "treadle.dev/v1alpha1",
        "kind": "TrainingRun",
        "metadata": metadata,
        "spec": {"image": "registry.example/train:1", **spec},
    }


def make_project(*, version: int | None = 1, name: str = "digits", **spec: Any) -> dict[str, Any]:
    status = {"dataset": {"version": version, "digest": DIGEST, "uri": f"s3://datasets/digits/v{version:04d}/"}} if version else {}
    metadata = {"name": name, "namespace": "ml"}
    return {"apiVersion": "treadle.dev/v1alpha1", "kind": "AnnotationProject", "metadata": metadata, "spec": spec, "status": status}


def at(after: str) -> str:
    """`00:00:03` after the start of a story, as the API server writes it."""
    hours, minutes, seconds = (int(part) for part in after.split(":"))
    return (START + timedelta(hours=hours, minutes=minutes, seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def pod(job: str, *, started: str | None = None, ended: Mapping[str, Any] | None = None, phase: str = "Pending", **status: Any) -> dict[str, Any]:
    """The pod of a Job; `started` and `ended` tell how its main container stands."""
    state: dict[str, Any] = {}
    if started:
        state, phase = {"running": {"startedAt": at(started)}}, "Running"
    if ended is not None:
        state, phase = {"terminated": dict(ended)}, "Succeeded" if ended.get("exitCode") == 0 else "Failed"
    containers = [{"name": "main", "imageID": "registry.example/train@sha256:abc", "state": state}] if state else []
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job, "uid": f"uid-job-{job}", "controller": True}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{job}-x", "namespace": "ml", "ownerReferences": [owner], "labels": {"treadle.dev/run": "digits"}},
        "spec": {"nodeName": "node-1"},
        "status": {"phase": phase, "containerStatuses": containers, **status},
    }


def node_pod(jobset: str, rank: int, **how: Any) -> dict[str, Any]:
    """The pod of one rank of a JobSet; the rest as for `pod`."""
    made = pod(f"{jobset}-node-0", **how)
    made["metadata"] |= {
        "name": f"{jobset}-node-0-{rank}-x",
        "annotations": {"batch.kubernetes.io/job-completion-index": str(rank)},
        "labels": {**made["metadata"]["labels"], "treadle.dev/attempt": jobset.rpartition("-")[2]},
    }
    made["spec"]["nodeName"] = f"node-{rank}"
    return made


def node_job(jobset: str, nodes: int = 2, **more: Any) -> dict[str, Any]:
    """The Job that the JobSet controller makes of a JobSet."""
    owner = {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "name": jobset, "uid": f"uid-jobset-{jobset}", "controller": True}
    metadata = {"name": f"{jobset}-node-0", "namespace": "ml", "ownerReferences": [owner]}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"completions": nodes}, **more}


def workload(owner: str, *conditions: dict[str, Any], kind: str = "Job", **spec: Any) -> dict[str, Any]:
    """What Kueue keeps for a Job or JobSet."""
    reference = {"kind": kind, "name": owner, "uid": f"uid-{kind.lower()}-{owner}", "controller": True}
    metadata = {"name": f"{kind.lower()}-{owner}-abcde", "namespace": "ml", "ownerReferences": [reference]}
    return {
        "apiVersion": "kueue.x-k8s.io/v1beta2",
        "kind": "Workload",
        "metadata": metadata,
        "spec": spec,
        "status": {"conditions": list(conditions)},
    }


def said(type_: str, status: bool, reason: str, message: str, since: str) -> dict[str, Any]:
    """A condition of an object of somebody else."""
    return {"type": type_, "status": str(status), "reason": reason, "message": message, "lastTransitionTime": at(since)}


def finished(started: str, ended: str, exit_code: int = 0, **more: Any) -> dict[str, Any]:
    return {"exitCode": exit_code, "startedAt": at(started), "finishedAt": at(ended), **more}


def complete(ended: str) -> dict[str, Any]:
    condition = {"type": "Complete", "status": "True", "lastTransitionTime": at(ended)}
    return {"status": {"completionTime": at(ended), "conditions": [condition]}}


def failed(
    ended: str, message: str = "Container main for pod ml/digits-1-x failed with exit code 1 matching FailJob rule at index 1"
) -> dict[str, Any]:
    condition = {"type": "Failed", "status": "True", "reason": "PodFailurePolicy", "message": message, "lastTransitionTime": at(ended)}
    return {"status": {"conditions": [condition]}}


def whose(uid: str = UID, name: str = "digits") -> Owner:
    return Owner("demo", "ml", name, uid)


def find(run: Mapping[str, Any], uid: str = UID) -> FindTrackingRun:
    spec = TrainingRunSpec.model_validate(run["spec"])
    experiment = (
        (spec.registration.model if spec.registration else None) or (spec.dataset.project if spec.dataset else None) or run["metadata"]["name"]
    )
    return FindTrackingRun(connection="mlflow/default", experiment=experiment, owner=whose(uid, run["metadata"]["name"]), spec_hash=hash_of(spec))


STATE = TrackingRunState(connection="mlflow/default", experiment_id=PENDING_ID, run_id=PENDING_ID)
REPORT = TrackingReport(connection="mlflow/default", experiment_id=PENDING_ID, run_id=PENDING_ID)
DESCRIBED = {"treadle.attempt": "1", "treadle.image-digest": "registry.example/train@sha256:abc"}
MADE = ModelVersionOf(connection="mlflow/default", model="digits", run_id=PENDING_ID, source="models:/m-model")


def alias(name: str) -> ModelAlias:
    return ModelAlias(connection="mlflow/default", model="digits", alias=name)


def logged(*models: str, status: TrackingStatus = TrackingStatus.FINISHED, ending: str = "", **metrics: float) -> TrackingRun:
    """The tracked run once the program ended: its metrics, and the models it logged."""
    found = tuple(LoggedModel(f"m-{name}", name, artifact_uri=f"mlflow-artifacts:/1/models/m-{name}/artifacts") for name in models)
    return TrackingRun(
        id=PENDING_ID,
        experiment_id=PENDING_ID,
        status=status,
        owner_uid=UID,
        ending=ending,
        metrics=metrics,
        logged_models=found,
        artifact_uri="mlflow-artifacts:/1/run/artifacts",
    )


def reported(after: str | None = None, *, step: int = 0, seen: str | None = None, attempt: int = 1, **metrics: float) -> Report:
    """What the program of an attempt has reported: its latest metric is of `after`, and was first seen at `seen`."""
    latest = datetime.fromisoformat(at(after)) if after else None
    changed_at = datetime.fromisoformat(at(seen or after or "00:00:00"))
    tags = DESCRIBED | {"treadle.attempt": str(attempt)}
    return Report(owner_uid=UID, metrics=metrics, step=step, latest=latest, changed_at=changed_at, tags=tags, datasets=frozenset({DIGEST[:36]}))


def version(number: int, **tags: str) -> ModelVersion:
    files = f"mlflow-artifacts:/1/models/m-{number}/artifacts"
    return ModelVersion(model="digits", version=str(number), run_id=PENDING_ID, artifact_uri=files, tags=tags)


def numbered(number: int) -> ModelVersionOf:
    return ModelVersionOf(connection="mlflow/default", model="digits", version=str(number))
