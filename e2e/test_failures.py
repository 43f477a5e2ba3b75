"""Every way in which a run can fail, in real pods on real nodes: the right class, budget and words, and no Job too many.

All runs start together, since most of the time is waiting; each test looks at the end of its own.
"""

import json
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from e2e.cluster.second_node import CONTAINERD, KUBELET, NODE, TAINT, add_second_node
from e2e.conftest import Environment, make_namespace
from e2e.environment import OPERATOR_NAMESPACE
from e2e.support.waiting import until

PATIENCE = 150
PROBE = "treadle.local/probe:1"
FORGETFUL = "import os, signal, time; signal.signal(signal.SIGTERM, lambda *_: os._exit(0)); time.sleep(3600)"
"""A program that ends well when it is asked to, as if it were done."""
DEAF = "import time; time.sleep(3600)"
"""A program that does not hear SIGTERM, since it is process 1 and asked for nothing."""
HANGING = """
import json, os, time, urllib.request
body = {"run_id": os.environ["MLFLOW_RUN_ID"], "key": "loss", "value": 1.0, "timestamp": int(time.time() * 1000), "step": 1}
url = os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/runs/log-metric"
urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"}), timeout=20)
time.sleep(3600)
"""
REGISTRY, REGISTRY_PORT = "empty-registry", 5999
SMALL = {"cpu": "10m", "memory": "64Mi"}
ON_SECOND_NODE: dict[str, Any] = {"nodeSelector": {"kubernetes.io/hostname": NODE}, "tolerations": [{"key": TAINT, "operator": "Exists"}]}


class Wreckage:
    """Runs in a namespace of their own, and what became of them."""

    def __init__(self, environment: Environment, namespace: str) -> None:
        self.environment, self.namespace = environment, namespace

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        """In the namespace."""
        return self.environment.kubectl(*words, f"--namespace={self.namespace}", stdin=stdin)

    def apply(self, *objects: dict[str, Any]) -> None:
        """Apply objects."""
        self.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def run(self, name: str, command: Sequence[str] = (), **spec: Any) -> None:
        """Start a run of our image with Python in it."""
        content = {"image": self.environment.images["treadle-jobs"], "tracking": {"type": "None"}, "resources": SMALL}
        wanted = {**content, **({"command": list(command)} if command else {}), **spec}
        self.apply({"apiVersion": "treadle.dev/v1alpha1", "kind": "TrainingRun", "metadata": {"name": name}, "spec": wanted})

    def status(self, name: str) -> dict[str, Any]:
        """Of a run."""
        found: dict[str, Any] = self.environment.get("trainingrun", name, f"--namespace={self.namespace}").get("status", {})
        return found

    def condition(self, name: str, type_: str) -> dict[str, Any]:
        """A condition of a run; empty when it does not say it."""
        return next((c for c in self.status(name).get("conditions", ()) if c["type"] == type_), {})

    def pod(self, job: str) -> dict[str, Any] | None:
        """The pod of a Job."""
        pods = self.environment.get("pods", f"--namespace={self.namespace}", f"--selector=job-name={job}")["items"]
        return pods[0] if pods else None

    def jobs(self, name: str) -> list[str]:
        """Names of all Jobs of a run."""
        return sorted(
            job["metadata"]["name"]
            for job in self.environment.get("jobs", f"--namespace={self.namespace}", f"--selector=treadle.dev/run={name}")["items"]
        )

    def running(self, job: str) -> None:
        """Wait until the pod of a Job runs."""
        self.wait(f"pod of {job} runs", lambda: ((self.pod(job) or {}).get("status") or {}).get("phase") == "Running", lambda: self.pod(job))

    def evict(self, job: str, grace_seconds: int = 30) -> None:
        """Ask for the eviction of a Job's pod, as `kubectl drain --grace-period` does."""
        pod = self.pod(job)
        assert pod is not None
        name = pod["metadata"]["name"]
        options = {"gracePeriodSeconds": grace_seconds}
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": self.namespace}, "deleteOptions": options}
        self.environment.kubectl("create", f"--raw=/api/v1/namespaces/{self.namespace}/pods/{name}/eviction", "-f", "-", stdin=json.dumps(body))

    def attempt(self, name: str, number: int = 1) -> dict[str, Any]:
        """Wait for the end of an attempt."""

        def look() -> dict[str, Any] | None:
            return next((attempt for attempt in self.status(name).get("attempts", ()) if attempt["number"] == number), None)

        found: dict[str, Any] = self.wait(f"attempt {number} of {name} ends", look, lambda: self.status(name))
        return found

    def ended(self, name: str) -> dict[str, Any]:
        """Wait for the end of a run; returns its result."""
        result: dict[str, Any] = self.wait(f"{name} ends", lambda: self.status(name).get("result"), lambda: self.status(name))
        return result

    def wait(self, what: str, look: Callable[[], Any], describe: Callable[[], Any]) -> Any:
        """Poll with a deadline."""
        return until(what, look, timeout=PATIENCE, describe=describe)


@pytest.fixture(scope="module")
def wreckage(environment: Environment) -> Iterator[Wreckage]:
    """All runs that fail, started."""
    namespace = f"e2e-fail-{uuid.uuid4().hex[:6]}"
    make_namespace(environment, namespace)
    these = Wreckage(environment, namespace)
    add_second_node(environment.cluster)
    these.run("lost-node", ["/probe", "sleep", "1h"], image=PROBE, retries={"infrastructure": 1, "application": 0}, **ON_SECOND_NODE)
    serve_empty_registry(environment)
    these.run("exit-code", ["python", "-c", "raise ValueError('no such column: price')"], retries={"application": 1})
    these.run("memory", ["python", "-c", "hoard = [bytearray(2**20) for _ in range(4096)]"], retries={"application": 0})
    these.run("image", image=f"localhost:{REGISTRY_PORT}/acme/none:1", retries={"application": 3})
    these.run("secret", ["true"], env=[{"name": "HF_TOKEN", "secret": "hf", "key": "token"}], retries={"application": 3})
    these.run("volume", ["true"], volumes=[{"name": "keys", "secret": "keys", "mountPath": "/keys"}], retries={"application": 3})
    these.run("command", ["/no/such/program"], retries={"application": 3})
    these.run("evicted", ["python", "-c", FORGETFUL], retries={"infrastructure": 1})
    these.run("removed", ["python", "-c", DEAF], retries={"infrastructure": 1})
    these.run("deadline", ["python", "-c", DEAF], deadline="8s", retries={"application": 3})
    make_priorities(environment)
    these.run("preempted", ["python", "-c", FORGETFUL], resources={**SMALL, "gpu": 2}, priorityClassName="e2e-low")
    make_checkpoints(these)
    stall, budget = {"timeout": "15s", "action": "Restart"}, {"infrastructure": 0}
    these.run("hanging", ["python", "-c", HANGING], tracking={"type": "MLflow"}, stall=stall, checkpoint={"claim": "checkpoints"}, retries=budget)
    these.running("lost-node-1")
    environment.cluster.stop(KUBELET, kill=True)
    these.evict("lost-node-1", grace_seconds=1)
    yield these
    for kind, name in (("node", NODE), ("namespace", namespace), ("persistentvolume", namespace)):
        environment.kubectl("delete", kind, name, "--wait=false")
    environment.cluster.stop(REGISTRY)
    environment.cluster.stop(CONTAINERD, kill=True)


def serve_empty_registry(environment: Environment) -> None:
    """A registry that is there, without any image: the node is answered 404."""
    (nothing := environment.cluster.directory / REGISTRY).mkdir(exist_ok=True)
    program = [sys.executable, "-m", "http.server", str(REGISTRY_PORT), "--bind=127.0.0.1", f"--directory={nothing}"]
    environment.cluster.control.start(REGISTRY, program, {})


def make_priorities(environment: Environment) -> None:
    """Two classes of priority."""
    for name, value in (("e2e-low", 10), ("e2e-high", 1000)):
        priority = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value}
        environment.kubectl("apply", "-f", "-", stdin=json.dumps(priority))


def make_checkpoints(these: Wreckage) -> None:
    """A folder of the node as the claim `checkpoints`: the cluster has no storage class."""
    folder = {"path": f"/run/{these.namespace}", "type": "DirectoryOrCreate"}
    common = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    volume = {**common, "capacity": {"storage": "1Gi"}, "hostPath": folder}
    claim = {**common, "volumeName": these.namespace, "resources": {"requests": {"storage": "1Gi"}}}
    these.apply(
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": these.namespace}, "spec": volume},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "checkpoints"}, "spec": claim},
    )


def counted(wreckage: Wreckage, name: str) -> dict[str, int]:
    """The budgets that a run has used."""
    return {class_: count for class_, count in wreckage.status(name)["counts"].items() if count}


def test_an_exit_code_costs_an_application_retry_and_quotes_the_last_lines(wreckage: Wreckage) -> None:
    result = wreckage.ended("exit-code")
    assert (result["outcome"], result["reason"]) == ("Failed", "ExitedWithError")
    attempts = wreckage.status("exit-code")["attempts"]
    assert [(a["outcome"], a["exitCode"], a["node"]) for a in attempts] == [("Application", 1, "node1")] * 2
    assert "ValueError: no such column: price" in attempts[0]["message"]
    assert counted(wreckage, "exit-code") == {"application": 2}
    assert wreckage.jobs("exit-code") == ["exit-code-1", "exit-code-2"]


def test_too_much_memory_is_told_as_such(wreckage: Wreckage) -> None:
    assert wreckage.ended("memory")["reason"] == "OutOfMemory"
    attempt = wreckage.attempt("memory")
    assert (attempt["outcome"], attempt["node"]) == ("Application", "node1")
    assert "used more memory than its limit on node node1" in attempt["message"]
    assert counted(wreckage, "memory") == {"application": 1}
    assert wreckage.jobs("memory") == ["memory-1"]


def test_a_command_that_is_not_in_the_image_is_never_retried(wreckage: Wreckage) -> None:
    result = wreckage.ended("command")
    assert result["reason"] == "PodConfigurationInvalid"
    assert "/no/such/program" in result["message"]
    assert wreckage.jobs("command") == ["command-1"]


def test_a_deadline_ends_the_run_whatever_the_budget(wreckage: Wreckage) -> None:
    result = wreckage.ended("deadline")
    assert (result["reason"], "still running after 8s" in result["message"]) == ("DeadlineExceeded", True)
    assert [attempt["outcome"] for attempt in wreckage.status("deadline")["attempts"]] == ["Application"]
    wreckage.wait("its Job is gone", lambda: not wreckage.jobs("deadline"), lambda: wreckage.jobs("deadline"))


def test_an_evicted_program_that_ends_well_is_not_done(wreckage: Wreckage) -> None:
    wreckage.running("evicted-1")
    wreckage.evict("evicted-1")
    attempt = wreckage.attempt("evicted")
    assert (attempt["outcome"], attempt["reason"]) == ("Infrastructure", "PodEvicted")
    assert "EvictionByEvictionAPI" in attempt["message"]
    assert counted(wreckage, "evicted") == {"infrastructure": 1}
    wreckage.running("evicted-2")
    assert wreckage.jobs("evicted") == ["evicted-1", "evicted-2"]


def test_a_cancelled_run_ends_at_once(wreckage: Wreckage) -> None:
    wreckage.running("evicted-2")
    wreckage.kubectl("annotate", "trainingrun", "evicted", "treadle.dev/cancel=2")
    assert wreckage.ended("evicted")["outcome"] == "Cancelled"
    assert wreckage.attempt("evicted", 2)["outcome"] == "Cancelled"
    wreckage.wait("its Job is gone", lambda: wreckage.jobs("evicted") == ["evicted-1"], lambda: wreckage.jobs("evicted"))


def test_a_pod_of_higher_priority_costs_nothing(wreckage: Wreckage) -> None:
    wreckage.running("preempted-1")
    wreckage.run("important", ["python", "-c", DEAF], resources={**SMALL, "gpu": 1}, priorityClassName="e2e-high")
    attempt = wreckage.attempt("preempted")
    assert (attempt["outcome"], attempt["reason"]) == ("Preempted", "PodPreempted")
    queued = wreckage.wait("it queues for the GPUs", lambda: wreckage.condition("preempted", "Queued"), lambda: wreckage.status("preempted"))
    assert (queued["reason"], counted(wreckage, "preempted")) == ("Unschedulable", {"preempted": 1})
    assert wreckage.jobs("preempted") == ["preempted-1", "preempted-2"]
    wreckage.kubectl("delete", "trainingrun", "important", "preempted", "--wait=false")


def test_a_hanging_program_costs_an_infrastructure_retry(wreckage: Wreckage) -> None:
    assert wreckage.ended("hanging")["reason"] == "NoProgress"
    attempt = wreckage.attempt("hanging")
    assert (attempt["outcome"], attempt["message"]) == ("Infrastructure", "reported nothing for more than 15s")
    assert counted(wreckage, "hanging") == {"infrastructure": 1}
    assert wreckage.status("hanging")["progress"]["step"] == 1
    wreckage.wait("its Job is gone", lambda: not wreckage.jobs("hanging"), lambda: wreckage.jobs("hanging"))


def test_a_drain_while_the_operator_is_down_and_a_pod_removed_before_it_was_read_cost_no_application_retry(
    environment: Environment, wreckage: Wreckage
) -> None:
    wreckage.running("removed-1")
    environment.kubectl("scale", "deployment/treadle", "--replicas=0", f"--namespace={OPERATOR_NAMESPACE}")
    environment.kill_operator()
    wreckage.evict("removed-1", grace_seconds=1)
    wreckage.wait("its pod is gone", lambda: wreckage.pod("removed-1") is None, lambda: wreckage.pod("removed-1"))
    environment.kubectl("scale", "deployment/treadle", "--replicas=1", f"--namespace={OPERATOR_NAMESPACE}")
    attempt = wreckage.attempt("removed")
    assert (attempt["outcome"], attempt["reason"] in ("PodEvicted", "ResultLost")) == ("Infrastructure", True)
    assert counted(wreckage, "removed") == {"infrastructure": 1}
    wreckage.running("removed-2")
    assert wreckage.jobs("removed") == ["removed-1", "removed-2"]


@pytest.mark.parametrize(
    ("name", "reason", "words"),
    [("image", "ImagePullFailed", "acme/none:1"), ("secret", "SecretMissing", '"hf"'), ("volume", "SecretMissing", '"keys"')],
)
def test_what_only_the_user_can_mend_ends_the_run_soon(wreckage: Wreckage, name: str, reason: str, words: str) -> None:
    result = wreckage.ended(name)
    assert result["reason"] == reason
    assert words in result["message"]
    assert len(wreckage.status(name)["attempts"]) == 1
    assert wreckage.condition(name, "Stalled")["status"] == "True"
    wreckage.wait("its Job is gone", lambda: not wreckage.jobs(name), lambda: wreckage.jobs(name))


def test_a_lost_node_costs_an_infrastructure_retry(wreckage: Wreckage) -> None:
    attempt = wreckage.attempt("lost-node")
    assert (attempt["outcome"], attempt["reason"] in ("NodeLost", "PodEvicted")) == ("Infrastructure", True)
    assert attempt["node"] == NODE
    assert NODE in attempt["message"]
    assert counted(wreckage, "lost-node") == {"infrastructure": 1}
    wreckage.wait("the next attempt is there", lambda: "lost-node-2" in wreckage.jobs("lost-node"), lambda: wreckage.status("lost-node"))
    assert "lost-node-3" not in wreckage.jobs("lost-node")
