"""What is compared: how each system is started, what it is given, and how its progress shows in the API server.

| system | in one line |
|---|---|
| `treadle` | the operator as it is shipped, with its defaults |
| `raw` | a bare client that makes only the writes which the operator cannot spare |
| `jobset` | JobSet's controller with its release's defaults, given what its webhooks would make of a plain JobSet |
| `jobset-lean` | the same without limits, with 10 workers, and without the Service that each JobSet gets: more than its release offers |
"""

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import yaml

from e2e.cluster import Cluster
from tests.bench import peers
from tests.bench.control_plane import OPERATOR, PEER
from tests.bench.processes import Controller, controller
from tests.integration import loopback
from tests.integration.processes import free_port

IMAGES = {"jobs": "registry.example/jobs:1", "runtime": "registry.example/runtime:1"}


@dataclass(frozen=True)
class Load:
    """What is applied, and how its life is read off the API server.

    Attributes:
        group: group and version of the objects.
        plural: their kind in paths.
        make: an object by its name.
        label: of a Job, which says what object it belongs to.
        finished: whether an object says that it has succeeded.
    """

    group: str
    plural: str
    make: Callable[[str], dict[str, Any]]
    label: str
    finished: Callable[[Mapping[str, Any]], bool]

    def path(self, namespace: str) -> str:
        """Of the collection in a namespace."""
        return f"/apis/{self.group}/namespaces/{namespace}/{self.plural}"

    def with_spec(self, **spec: object) -> "Load":
        """The same objects, with more in their `spec`."""

        def make(name: str) -> dict[str, Any]:
            it = self.make(name)
            return {**it, "spec": {**it["spec"], **spec}}

        return replace(self, make=make)


def jobs_path(namespace: str) -> str:
    """Of the Jobs in a namespace."""
    return f"/apis/batch/v1/namespaces/{namespace}/jobs"


def operator(cluster: Cluster, folder: Path, **connections: object) -> AbstractAsyncContextManager[Controller]:
    """`python -m treadle.main` for the whole cluster; `connections` as the installation's configuration has them."""
    config, port = folder / "installation.yaml", free_port()
    config.write_text(yaml.safe_dump({"id": "bench", "images": IMAGES, "namespaces": [], "connections": connections}))
    where = [f"--config={config}", f"--kubeconfig={cluster.kubeconfig_for(OPERATOR)}", "--lease-namespace=default", f"--port={port}"]

    def leads(_: Controller) -> bool:
        try:
            return "\ntreadle_leader 1.0" in loopback.get(f"http://127.0.0.1:{port}/metrics", timeout=5, trust_env=False).text
        except httpx.TransportError:
            return False

    return controller([sys.executable, "-m", "treadle.main", *where, "--log-level=warning"], folder / "operator.log", leads)


def jobset(cluster: Cluster, folder: Path, *, unlimited: bool) -> AbstractAsyncContextManager[Controller]:
    """JobSet's controller."""
    command: list[str | Path] = [peers.jobset(), f"--kubeconfig={cluster.kubeconfig_for(PEER)}", *(["--unlimited"] if unlimited else [])]
    return controller(command, folder / "jobset.log", lambda running: "Starting workers" in running.log.read_text())


def training_run(name: str) -> dict[str, Any]:
    """A run with a trivial image and tracking off."""
    spec = {"image": "registry.example/train:1", "tracking": {"type": "None"}}
    return {"apiVersion": "treadle.dev/v1alpha1", "kind": "TrainingRun", "metadata": {"name": name}, "spec": spec}


def job_set(name: str, job: Mapping[str, Any], *, service: bool) -> dict[str, Any]:
    """A JobSet of one Job with this `spec`, and what JobSet's webhook would add."""
    spec = {
        "replicatedJobs": [{"name": "train", "replicas": 1, "template": {"spec": {**job, "completionMode": "Indexed"}}}],
        "successPolicy": {"operator": "All"},
        "startupPolicy": {"startupPolicyOrder": "AnyOrder"},
        "network": {"enableDNSHostnames": service, "publishNotReadyAddresses": True},
    }
    return {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": {"name": name}, "spec": spec}


TRAINING_RUNS = Load(
    "treadle.dev/v1alpha1", "trainingruns", training_run, "treadle.dev/run", lambda run: (run.get("status") or {}).get("phase") == "Succeeded"
)


def job_sets(job: Mapping[str, Any], *, service: bool = True) -> Load:
    """JobSets whose one Job is shaped like the Job that the operator makes of a run."""
    return Load(
        "jobset.x-k8s.io/v1alpha2",
        "jobsets",
        lambda name: job_set(name, job, service=service),
        "jobset.sigs.k8s.io/jobset-name",
        lambda it: (it.get("status") or {}).get("terminalState") == "Completed",
    )


@dataclass(frozen=True)
class Necessary:
    """The writes that one run cannot be without, as the operator itself made them for the run `name`: the Job, and the status at the end."""

    name: str
    uid: str
    namespace: str
    job: str
    status: str

    def job_for(self, name: str, uid: str, namespace: str) -> Any:
        """The Job for another run."""
        return json.loads(self._renamed(self.job, name, uid, namespace))

    def status_for(self, name: str, uid: str, namespace: str) -> Any:
        """The patch of another run's status."""
        return json.loads(self._renamed(self.status, name, uid, namespace))

    def _renamed(self, text: str, name: str, uid: str, namespace: str) -> str:
        return text.replace(self.uid, uid).replace(self.name, name).replace(self.namespace, namespace)


def necessary(cluster: Cluster, namespace: str) -> Necessary:
    """Learnt from the audit log of a life in a namespace where bodies are written down."""
    events = [e for e in cluster.audit_events(user=OPERATOR) if e.get("objectRef", {}).get("namespace") == namespace]
    job = next(e["requestObject"] for e in events if e["verb"] == "create" and e["objectRef"]["resource"] == "jobs")
    owner = job["metadata"]["ownerReferences"][0]
    patches = [e for e in events if e["verb"] == "patch" and e["objectRef"].get("subresource") == "status"]
    *_, last = (e for e in patches if e["objectRef"]["name"] == owner["name"])
    return Necessary(owner["name"], owner["uid"], namespace, json.dumps(job), json.dumps(last["requestObject"]))
