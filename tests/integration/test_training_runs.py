"""TrainingRuns on a real API server with the real Job controller and a real MLflow; the test plays kubelet and the user's program."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.integration.control_plane import Place
from tests.integration.engine_toy import condition, eventually
from treadle.api import names
from treadle.connections.installation import parse_installation
from treadle.connections.mlflow import Mlflow
from treadle.engine import Access, KubernetesCluster, LeaseName, Settings, Wire, run
from treadle.plan import Object, Ref
from treadle.training import training_run

DIGEST = "a" * 64


class Operator:
    """A running operator for TrainingRuns in one namespace, and what a test does around it."""

    def __init__(self, place: Place, mlflow: str) -> None:
        self.place, self.mlflow = place, mlflow
        self._admin = KubernetesCluster(Wire(Access(str(place.cluster.kubeconfig))))

    async def close(self) -> None:
        await self._admin.close()

    async def apply(self, name: str, **spec: Any) -> None:
        content = {"image": "registry.example/train:1", **spec}
        metadata = {"name": name, "namespace": self.place.namespace}
        self.place.cluster.apply({"apiVersion": "treadle.dev/v1alpha1", "kind": "TrainingRun", "metadata": metadata, "spec": content})

    async def get(self, kind: str, name: str) -> Object | None:
        return await self._admin.get(Ref(kind, self.place.namespace, name))

    async def pod(self, job: str) -> Object:
        async def look() -> Object | None:
            pods, _ = await self._admin.list("Pod", namespace=self.place.namespace, selector=f"job-name={job}")
            return pods[0] if pods else None

        return await eventually(f"a pod of {job}", look)

    async def phase(self, name: str, phase: str) -> Object:
        async def look() -> Object | None:
            this = await self.get("TrainingRun", name)
            return this if this and (this.get("status") or {}).get("phase") == phase else None

        return await eventually(f"{name} is {phase}", look)

    async def runs(self, pod: Object) -> None:
        """The kubelet started the program."""
        self._pod_status(pod, "Running", {"running": {"startedAt": now()}})

    async def ends(self, pod: Object, exit_code: int = 0, *, conditions: list[dict[str, Any]] | None = None, **more: Any) -> None:
        """The program ended."""
        state = {"terminated": {"exitCode": exit_code, "startedAt": now(), "finishedAt": now(), **more}}
        self._pod_status(pod, "Failed" if exit_code else "Succeeded", state, conditions)

    async def logs(self, pod: Object, **metrics: float) -> str:
        """The program logs metrics and one model to the run that it finds in its environment; returns the run's id."""
        env = {v["name"]: v.get("value") for v in pod["spec"]["containers"][0]["env"]}
        async with httpx.AsyncClient(base_url=f"{self.mlflow}/api/2.0/mlflow", timeout=10) as http:
            for key, value in metrics.items():
                body = {"run_id": env["MLFLOW_RUN_ID"], "key": key, "value": value, "timestamp": 1}
                (await http.post("/runs/log-metric", json=body)).raise_for_status()
            model = {"experiment_id": env["MLFLOW_EXPERIMENT_ID"], "name": "model", "source_run_id": env["MLFLOW_RUN_ID"]}
            made = (await http.post("/logged-models", json=model)).json()["model"]["info"]["model_id"]
            (await http.patch(f"/logged-models/{made}", json={"model_id": made, "status": 2})).raise_for_status()
        return str(env["MLFLOW_RUN_ID"])

    async def asks(self, path: str, **query: str) -> Any:
        async with httpx.AsyncClient(timeout=10) as http:
            return (await http.get(f"{self.mlflow}/api/2.0/mlflow/{path}", params=query)).json()

    def _pod_status(self, pod: Object, phase: str, state: dict[str, Any], conditions: list[dict[str, Any]] | None = None) -> None:
        container = {"name": "main", "image": "x", "imageID": "registry.example/train@sha256:abc", "ready": False, "restartCount": 0, "state": state}
        status = {"phase": phase, "containerStatuses": [container], **({"conditions": conditions} if conditions else {})}
        self.place.kubectl("patch", "pod", pod["metadata"]["name"], "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
async def operator(place: Place, mlflow: str) -> AsyncIterator[Operator]:
    operator = Operator(place, mlflow)
    yield operator
    await operator.close()


@asynccontextmanager
async def running(operator: Operator, *, store: str = "http://s3.example:7070", **others: str) -> AsyncIterator[None]:
    """An operator process while the block runs. `others` are store connections by name."""
    place = operator.place
    stores = {name: {"endpoint": endpoint, "shared": True} for name, endpoint in {"default": store, **others}.items()}
    installation = parse_installation(
        f"""
        id: {place.namespace}
        images: {{jobs: registry.example/jobs:1, runtime: registry.example/runtime:1}}
        namespaces: [{place.namespace}]
        connections:
          store: {json.dumps(stores)}
          mlflow:
            default: {{url: "{operator.mlflow}", modelPrefix: "{{namespace}}.", experimentPrefix: "{{namespace}}.", artifactStore: "s3://mlflow/"}}
        """
    )
    cluster = KubernetesCluster(Wire(Access(str(place.operator()))))
    settings = Settings(lease=LeaseName(place.namespace, "t", "a"), namespaces=(place.namespace,), host="127.0.0.1", port=0, cadence=0.5)
    mlflow = Mlflow(installation.connections.mlflow["default"], lambda: datetime.now(UTC))
    engine = run(
        [training_run(installation)], cluster=cluster, connections={"mlflow/default": mlflow}, settings=settings, clock=lambda: datetime.now(UTC)
    )
    task = asyncio.create_task(engine)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=20)


async def test_a_run_is_trained_judged_and_registered_once(operator: Operator) -> None:
    gates = [{"name": "floor", "metric": "f1", "min": "0.90"}]
    dataset = {"uri": "s3://datasets/digits/v0001/", "digest": f"sha256:{DIGEST}"}
    model = f"{operator.place.namespace}.digits"
    async with running(operator):
        await operator.apply("digits", dataset=dataset, resources={"gpu": 1}, gates=gates, register={"model": "digits"})
        pod = await operator.pod("digits-1")
        assert pod["spec"]["initContainers"][0]["name"] == "fetch-dataset"
        assert pod["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
        await operator.runs(pod)
        await operator.phase("digits", "Running")
        tracked = await operator.logs(pod, f1=0.93)
        await operator.ends(pod)
        this = await operator.phase("digits", "Succeeded")
        assert condition(this, "Ready")["status"] == "True"
        assert condition(this, "Registered")["message"] == f"{model} version 1 is candidate"

        async def closed() -> bool:
            return bool(((await operator.get("TrainingRun", "digits")) or {})["status"]["tracking"].get("closed"))

        async def reporting() -> bool:
            return await operator.get("Job", "digits-report-1") is not None

        await eventually("the tracked run is closed", closed)
        await eventually("its report is being made", reporting)
    assert (await operator.asks("registered-models/alias", name=model, alias="candidate"))["model_version"]["version"] == "1"
    told = (await operator.asks("runs/get", run_id=tracked))["run"]
    assert told["info"]["status"] == "FINISHED"
    since = operator.place.now()
    async with running(operator):
        await operator.apply("other")
        await operator.pod("other-1")
    writes = operator.place.writes(since)
    assert writes
    assert all("other" in write for write in writes), "a restart writes nothing"

    operator.place.kubectl("delete", "trainingrun", "digits", "--wait=true")
    since = operator.place.now()
    async with running(operator):
        await operator.apply("digits", dataset=dataset, resources={"gpu": 1}, gates=gates, register={"model": "digits"})
        await operator.phase("digits", "Succeeded")
    assert operator.place.writes(since) == ["patch trainingruns/digits/status"], "taken up from MLflow, without a Job"
    assert len((await operator.asks("model-versions/search", filter=f"name = '{model}'"))["model_versions"]) == 1
    assert operator.place.refused(0) == []


async def test_pods_are_admitted_where_the_restricted_standard_is_enforced(operator: Operator) -> None:
    operator.place.kubectl("label", "namespace", operator.place.namespace, "pod-security.kubernetes.io/enforce=restricted")
    dataset = {"uri": "s3://datasets/digits/v0001/", "digest": f"sha256:{DIGEST}"}
    async with running(operator):
        await operator.apply("digits", dataset=dataset, resources={"gpu": 1, "shm": "64Mi"}, tracking={"type": "None"})
        assert await operator.pod("digits-1")


async def test_a_failed_program_is_told_with_its_last_words(operator: Operator) -> None:
    async with running(operator):
        await operator.apply("digits")
        pod = await operator.pod("digits-1")
        await operator.runs(pod)
        await operator.ends(pod, 3, message="ValueError: no items", reason="Error")
        this = await operator.phase("digits", "Failed")
        assert condition(this, "Succeeded")["reason"] == "ExitedWithError"
        assert "exit code 3" in condition(this, "Succeeded")["message"]
        assert "ValueError: no items" in condition(this, "Succeeded")["message"]
        tracked = this["status"]["tracking"]["id"]

        async def closed() -> bool:
            return bool((await operator.asks("runs/get", run_id=tracked))["run"]["info"]["status"] == "FAILED")

        await eventually("the tracked run is FAILED", closed)


async def test_an_eviction_is_followed_by_another_attempt_with_the_same_pins(operator: Operator) -> None:
    dataset = {"uri": "s3://datasets/digits/v0001/", "digest": f"sha256:{DIGEST}"}
    async with running(operator):
        await operator.apply("digits", dataset=dataset)
        pod = await operator.pod("digits-1")
        await operator.runs(pod)
        why = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "lastTransitionTime": now()}
        await operator.ends(pod, 143, conditions=[why])

        async def recorded() -> Object | None:
            this = await operator.get("TrainingRun", "digits")
            return this if this and (this.get("status") or {}).get("attempts") else None

        this = await eventually("the attempt is recorded", recorded)
        assert this["status"]["attempts"][0]["outcome"] == "Infrastructure"
        again = await operator.pod("digits-2")
        first, second = ({v["name"]: v.get("value") for v in p["spec"]["containers"][0]["env"]} for p in (pod, again))
        assert second["MLFLOW_RUN_ID"] == first["MLFLOW_RUN_ID"]
        assert second["TREADLE_DATASET_DIGEST"] == DIGEST


async def test_a_life_costs_three_writes_and_one_read(operator: Operator) -> None:
    async with running(operator):
        await operator.apply("before", tracking={"type": "None"})
        await operator.pod("before-1")
        since = operator.place.now()
        await operator.apply("digits", tracking={"type": "None"})
        pod = await operator.pod("digits-1")
        await operator.runs(pod)
        await operator.phase("digits", "Running")
        await asyncio.sleep(1)  # two polls
        await operator.ends(pod)
        await operator.phase("digits", "Succeeded")
        await asyncio.sleep(1)  # two more
    told = "patch trainingruns/digits/status"
    assert [write for write in operator.place.writes(since) if "digits" in write] == ["create jobs/digits-1", told, told]
    assert [read for read in operator.place.reads(since) if "digits" in read] == ["get trainingruns/digits"]


async def test_a_job_that_loses_our_label_is_followed_to_its_end_also_after_a_restart(operator: Operator) -> None:
    unlabelled = f"{names.MANAGED_BY}-"
    async with running(operator):
        await operator.apply("watched", tracking={"type": "None"})
        await operator.apply("restarted", tracking={"type": "None"})
        pods = {name: await operator.pod(f"{name}-1") for name in ("watched", "restarted")}
        for name, pod in pods.items():
            await operator.runs(pod)
            await operator.phase(name, "Running")
        operator.place.kubectl("label", "job", "watched-1", unlabelled)
        await operator.ends(pods["watched"])
        this = await operator.phase("watched", "Succeeded")
        assert [attempt["outcome"] for attempt in this["status"]["attempts"]] == ["Succeeded"]
    operator.place.kubectl("label", "job", "restarted-1", unlabelled)
    async with running(operator):
        await operator.ends(pods["restarted"])
        this = await operator.phase("restarted", "Succeeded")
        assert [attempt["outcome"] for attempt in this["status"]["attempts"]] == ["Succeeded"]


async def test_a_job_that_is_deleted_without_our_label_is_an_attempt_lost(operator: Operator) -> None:
    async with running(operator):
        await operator.apply("digits", tracking={"type": "None"}, retries={"infrastructure": 0})
        await operator.runs(await operator.pod("digits-1"))
        await operator.phase("digits", "Running")
        operator.place.kubectl("label", "job", "digits-1", f"{names.MANAGED_BY}-")
        operator.place.kubectl("delete", "job", "digits-1")
        this = await operator.phase("digits", "Failed")
        assert condition(this, "Succeeded")["reason"] == "JobLost"


async def test_suspending_stops_the_job_and_resuming_starts_the_next(operator: Operator) -> None:
    async with running(operator):
        await operator.apply("digits")
        await operator.runs(await operator.pod("digits-1"))
        await operator.phase("digits", "Running")
        operator.place.kubectl("patch", "trainingrun", "digits", "--type=merge", "-p", '{"spec":{"suspend":true}}')
        await operator.phase("digits", "Suspended")

        async def gone() -> bool:
            return await operator.get("Job", "digits-1") is None

        await eventually("its Job is deleted", gone)
        operator.place.kubectl("patch", "trainingrun", "digits", "--type=merge", "-p", '{"spec":{"suspend":false}}')
        await operator.pod("digits-2")


async def test_a_deadline_stops_the_program(operator: Operator) -> None:
    async with running(operator):
        await operator.apply("digits", deadline="2s", tracking={"type": "None"})
        await operator.runs(await operator.pod("digits-1"))
        this = await operator.phase("digits", "Failed")
        assert condition(this, "Succeeded")["reason"] == "DeadlineExceeded"

        async def gone() -> bool:
            return await operator.get("Job", "digits-1") is None

        await eventually("its Job is deleted", gone)


async def test_a_job_that_is_not_ours_is_left_alone(operator: Operator) -> None:
    metadata = {"name": "digits-1", "namespace": operator.place.namespace, "labels": {"app.kubernetes.io/managed-by": "treadle"}}
    container = {"name": "c", "image": "registry.example/x"}
    spec = {"suspend": True, "template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}
    operator.place.cluster.apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec})
    async with running(operator):
        await operator.apply("digits", tracking={"type": "None"})

        async def told() -> bool:
            return condition(await operator.get("TrainingRun", "digits"), "Stalled").get("reason") == "NameConflict"

        await eventually("the conflict is told", told)
