"""ModelDeployments and what surrounds them, for unit tests and stories."""

from collections.abc import Mapping
from typing import Any

from treadle.api import ModelDeploymentSpec, names
from treadle.connections.installation import Installation, parse_installation
from treadle.connections.registry import GATES_TAG, ModelAlias, ModelVersion, ModelVersionOf
from treadle.serving.target import Target, asked_of

INSTALLATION: Installation = parse_installation(
    """
id: test
images: {jobs: treadle-jobs:test, runtime: treadle-runtime:test}
namespaces: [ml]
connections:
  store: {default: {endpoint: "http://s3.test:7070"}, other: {endpoint: "http://other.test", namespaces: [elsewhere]}}
  mlflow: {default: {url: "http://mlflow.test:5000", artifactStore: "s3://mlflow/"}}
"""
)
CANDIDATE = ModelAlias(connection="mlflow/default", model="digits", alias="candidate")
CHAMPION = ModelAlias(connection="mlflow/default", model="digits", alias="champion")


def numbered(version: str) -> ModelVersionOf:
    """The question for a version by its number."""
    return ModelVersionOf(connection="mlflow/default", model="digits", version=version)


def version(number: str, gates: str = "Passed", **tags: str) -> ModelVersion:
    """A version as the registry has it."""
    said = {GATES_TAG: gates} if gates else {}
    uri = f"mlflow-artifacts:/1/models/m-{number}/artifacts"
    return ModelVersion(model="digits", version=number, run_id=f"run-{number}", artifact_uri=uri, tags=said | tags)


def make_deployment(model: Mapping[str, Any] | None = None, annotations: Mapping[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A ModelDeployment `digits`; silent, the smallest one."""
    metadata: dict[str, Any] = {"name": "digits", "namespace": "ml"} | ({"annotations": dict(annotations)} if annotations else {})
    return {
        "apiVersion": names.API_VERSION,
        "kind": "ModelDeployment",
        "metadata": metadata,
        "spec": {"model": dict(model or {"name": "digits"}), **spec},
    }


def deployment_name(number: str, **spec: Any) -> str:
    """The Deployment of that version when spec asks for this."""
    asked = asked_of(ModelDeploymentSpec.model_validate(make_deployment(**spec)["spec"]))
    return f"digits-{Target(uri='', model='digits', version=number, asked=asked).revision}"


def ready(count: int = 1) -> dict[str, Any]:
    """What the Deployment controller says of so many ready pods."""
    return {"status": {"observedGeneration": 1, "replicas": count, "updatedReplicas": count, "readyReplicas": count, "availableReplicas": count}}
