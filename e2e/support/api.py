"""Asking MLflow and Label Studio what is really there, past the operator."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from e2e.conftest import Environment
from e2e.demo.answer import port_forward
from e2e.environment import SERVICES_NAMESPACE


class MlflowApi:
    """MLflow's REST interface, read only."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def runs_of(self, installation: str, namespace: str, name: str) -> list[dict[str, Any]]:
        """Runs that carry the identity of one object."""
        experiments = self._post("experiments/search", {"max_results": 1000})["experiments"]
        query = {"experiment_ids": [e["experiment_id"] for e in experiments], "filter": f"tags.`treadle.owner` = '{installation}/{namespace}/{name}'"}
        return list(self._post("runs/search", query).get("runs", []))

    def versions(self, model: str) -> list[dict[str, Any]]:
        """Versions of a registered model."""
        reply = self._client.get("/api/2.0/mlflow/model-versions/search", params={"filter": f"name='{model}'"})
        return list(reply.raise_for_status().json().get("model_versions", []))

    def alias(self, model: str, alias: str) -> str:
        """The version an alias names."""
        reply = self._client.get("/api/2.0/mlflow/registered-models/alias", params={"name": model, "alias": alias})
        return str(reply.raise_for_status().json()["model_version"]["version"])

    def files(self, run_id: str, folder: str) -> set[str]:
        """Names of the files in a folder of a run's artifacts."""
        reply = self._client.get("/api/2.0/mlflow/artifacts/list", params={"run_id": run_id, "path": folder})
        return {str(file["path"]).rpartition("/")[2] for file in reply.raise_for_status().json().get("files", [])}

    def file(self, run_id: str, path: str) -> str:
        """The text of a file of a run."""
        return self._client.get("/get-artifact", params={"run_id": run_id, "path": path}).raise_for_status().text

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self._client.post(f"/api/2.0/mlflow/{path}", json=body).raise_for_status().json()
        return found


def set_alias(url: str, model: str, alias: str, version: str) -> None:
    """Move an alias of the MLflow at `url`, as a person or a training pipeline would."""
    body = {"name": model, "alias": alias, "version": version}
    httpx.post(f"{url}/api/2.0/mlflow/registered-models/alias", json=body, timeout=30).raise_for_status()


class LabelStudioApi:
    """Label Studio's REST interface, as its administrator."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def projects_of(self, installation: str, namespace: str, name: str) -> list[dict[str, Any]]:
        """Projects that carry the identity of one object."""
        found = self._client.get("/api/projects/", params={"page_size": 1000}).raise_for_status().json()["results"]
        return [project for project in found if f"{installation}/{namespace}/{name}" in (project["description"] or "")]

    def task_keys(self, project: int) -> list[str]:
        """What each task shows, one per task."""
        exported = self._client.get(f"/api/projects/{project}/export", params={"exportType": "JSON", "download_all_tasks": "true"})
        return [str(sorted(task["data"].items())) for task in exported.raise_for_status().json()]

    def proposals(self, project: int) -> list[list[str]]:
        """The classes that each task of a small project is shown with; none where a proposal only holds the task's place in the order."""
        query: dict[str, str | int] = {"project": project, "fields": "all", "page_size": 1000}
        tasks = self._client.get("/api/tasks/", params=query).raise_for_status().json()["tasks"]
        return [[label for shown in task["predictions"] for part in shown["result"] for label in part["value"]["choices"]] for task in tasks]


@contextmanager
def mlflow(environment: Environment) -> Iterator[MlflowApi]:
    """A client through a port-forward."""
    with port_forward(environment.target, SERVICES_NAMESPACE, "mlflow", 5000) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield MlflowApi(client)


@contextmanager
def label_studio(environment: Environment) -> Iterator[LabelStudioApi]:
    """A client through a port-forward, with the administrator's token."""
    data = environment.get("secret", "label-studio", f"--namespace={SERVICES_NAMESPACE}")["data"]
    token = base64.b64decode(data["LABEL_STUDIO_USER_TOKEN"]).decode()
    headers = {"Authorization": f"Token {token}"}
    with (
        port_forward(environment.target, SERVICES_NAMESPACE, "label-studio", 8080) as url,
        httpx.Client(base_url=url, timeout=60, headers=headers) as client,
    ):
        yield LabelStudioApi(client)
