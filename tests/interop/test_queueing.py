"""Runs on several nodes and in queues in real pods, with the real JobSet and the real Kueue, installed from their charts with their webhooks.

`tests/integration/test_queueing.py` is the everyday part: the same controllers on a control plane, without pods and webhooks.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from e2e.cluster.progress import printed
from e2e.conftest import Environment
from e2e.environment import install_jobset, install_kueue, install_operator, uninstall_add_ons
from e2e.support.waiting import until

Apply = Callable[..., None]
Condition = Callable[..., dict[str, Any]]

QUEUE_API = "kueue.x-k8s.io/v1beta2"
MEETING = """
import json, os, socket, time
rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
address = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
cluster = json.loads(os.environ["TF_CONFIG"])
assert cluster["task"] == {"type": "worker", "index": rank}, cluster
assert len(cluster["cluster"]["worker"]) == world, cluster
assert os.environ["PET_NODE_RANK"] == str(rank) and os.environ["PET_NNODES"] == str(world)
if rank == 0:
    with socket.create_server(("", address[1])) as server:
        met = sorted(int(server.accept()[0].recv(8)) for _ in range(world - 1))
    assert met == list(range(1, world)), met
else:
    end = time.monotonic() + 60
    while True:
        try:
            with socket.create_connection(address, timeout=5) as peer:
                peer.sendall(str(rank).encode())
            break
        except OSError as error:
            assert time.monotonic() < end, f"rank 0 is not there: {error}"
            time.sleep(0.2)
    host, port = cluster["cluster"]["worker"][0].split(":")
    assert socket.gethostbyname(host) == socket.gethostbyname(address[0])
"""
"""A distributed program, reduced to its rendezvous: every rank finds rank 0 by the name in its environment."""
WAITING = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(143)); time.sleep(600)"
"""It ends at once when it is asked to, and not well: nobody may take that for its own failure."""
SHORT = "import time; time.sleep(3)"


@dataclass(frozen=True)
class Runs:
    """TrainingRuns of one test's namespace."""

    environment: Environment
    namespace: str
    apply: Apply
    condition: Condition

    def start(self, name: str, program: str, **spec: Any) -> None:
        """Apply a run of a Python program."""
        resources = {"cpu": "200m", "memory": "64Mi"}
        content = {
            "image": self.environment.images["demo-train"],
            "command": ["python", "-c", program],
            "tracking": {"type": "None"},
            "resources": resources,
        }
        self.apply({"apiVersion": "treadle.dev/v1alpha1", "kind": "TrainingRun", "metadata": {"name": name}, "spec": {**content, **spec}})

    def status(self, name: str) -> dict[str, Any]:
        """The run's status."""
        found: dict[str, Any] = self.environment.get("trainingrun", name, f"--namespace={self.namespace}").get("status", {})
        return found

    def phase(self, name: str, phase: str, *, timeout: float = 60) -> dict[str, Any]:
        """The run's status once it has this phase."""

        def look() -> dict[str, Any] | None:
            status = self.status(name)
            return status if status.get("phase") == phase else None

        return until(f"{name} is {phase}", look, timeout=timeout, describe=lambda: self.status(name))

    def suspend(self, name: str, suspend: bool) -> None:
        """Set `spec.suspend`."""
        patch = json.dumps({"spec": {"suspend": suspend}})
        self.environment.kubectl("patch", "trainingrun", name, f"--namespace={self.namespace}", "--type=merge", f"--patch={patch}")

    def names(self, kind: str) -> set[str]:
        """Names of all objects of a kind in the namespace."""
        return {item["metadata"]["name"] for item in self.environment.get(kind, f"--namespace={self.namespace}")["items"]}


@pytest.fixture
def runs(environment: Environment, namespace: str, apply: Apply, condition: Condition) -> Runs:
    return Runs(environment, namespace, apply, condition)


@pytest.fixture(scope="module", autouse=True)
def rights(environment: Environment) -> Iterator[None]:
    """The operator may use JobSet and read Kueue's Workloads; neither is there yet."""
    kinds = {"kinds": {"jobSet": True, "kueue": True, "horizontalPodAutoscaler": True}}
    install_operator(environment.target, environment.images, printed, installation="e2e", more=kinds)
    yield
    uninstall_add_ons(environment.target)
    install_operator(environment.target, environment.images, printed, installation="e2e")


@pytest.fixture(scope="module")
def jobset(environment: Environment, rights: None) -> None:
    install_jobset(environment.target, printed)


@pytest.fixture(scope="module")
def kueue(environment: Environment, jobset: None) -> None:
    """Kueue, one flavor of nodes, and a class of urgent runs."""
    install_kueue(environment.target, printed)
    urgent = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "e2e-urgent"}, "value": 1000}
    for this in ({"apiVersion": QUEUE_API, "kind": "ResourceFlavor", "metadata": {"name": "e2e"}}, urgent):
        environment.kubectl("apply", "--filename=-", stdin=json.dumps(this))


@pytest.fixture
def queue(runs: Runs, kueue: None) -> str:
    """A queue of the test's own with room for one of our runs: 300m of CPU."""
    quota = {"coveredResources": ["cpu", "memory"], "flavors": [{"name": "e2e", "resources": [_quota("cpu", "300m"), _quota("memory", "8Gi")]}]}
    spec = {"namespaceSelector": {}, "resourceGroups": [quota], "preemption": {"withinClusterQueue": "LowerPriority"}}
    wide = {"apiVersion": QUEUE_API, "kind": "ClusterQueue", "metadata": {"name": runs.namespace}, "spec": spec}
    runs.environment.kubectl("apply", "--filename=-", stdin=json.dumps(wide))
    runs.apply({"apiVersion": QUEUE_API, "kind": "LocalQueue", "metadata": {"name": "research"}, "spec": {"clusterQueue": runs.namespace}})
    return "research"


def _quota(name: str, amount: str) -> dict[str, str]:
    return {"name": name, "nominalQuota": amount}


def test_a_run_on_two_nodes_waits_for_job_set_and_then_meets_itself(request: pytest.FixtureRequest, runs: Runs) -> None:
    runs.start("pair", MEETING, nodes=2)
    said = runs.condition("trainingrun", "pair", "Running", "False", "JobSetMissing")
    assert "install" in said["message"]
    request.getfixturevalue("jobset")
    status = runs.phase("pair", "Succeeded", timeout=120)
    assert status["job"] == "pair-1"
    assert runs.names("jobsets") == {"pair-1"}
    assert runs.names("jobs") == {"pair-1-node-0"}


def test_one_failed_rank_ends_the_attempt_of_all(runs: Runs, jobset: None) -> None:
    program = "import os, sys, time\nif os.environ['RANK'] == '1': sys.exit('rank 1 found no data')\ntime.sleep(600)"
    runs.start("broken", program, nodes=2)
    status = runs.phase("broken", "Failed", timeout=120)
    (attempt,) = status["attempts"]
    assert (attempt["outcome"], attempt["reason"]) == ("Application", "ExitedWithError")
    assert "rank 1 found no data" in attempt["message"]
    assert runs.names("jobsets") == {"broken-1"}, "JobSet restarted nothing, and there is no budget"


def test_a_full_queue_lets_one_run_after_the_other(runs: Runs, queue: str) -> None:
    runs.start("first", WAITING, queue=queue)
    runs.phase("first", "Running")
    runs.start("second", SHORT, queue=queue)
    said = runs.condition("trainingrun", "second", "Queued", "True", "QuotaExceeded")
    assert "insufficient unused quota for cpu" in said["message"]
    assert runs.status("second")["queuedSince"]
    runs.suspend("first", True)
    assert runs.phase("first", "Suspended")["counts"]["suspended"] == 1
    runs.phase("second", "Succeeded")
    runs.suspend("first", False)
    assert runs.phase("first", "Running")["attempt"] == 2


def test_a_more_urgent_run_takes_the_place_at_no_cost(runs: Runs, queue: str) -> None:
    runs.start("patient", WAITING, queue=queue, retries={"infrastructure": 0, "application": 0})
    runs.phase("patient", "Running")
    runs.start("urgent", SHORT, queue=queue, priorityClassName="e2e-urgent")
    runs.phase("urgent", "Succeeded", timeout=90)
    status = runs.phase("patient", "Running", timeout=90)
    (attempt,) = status["attempts"]
    assert (attempt["outcome"], attempt["reason"]) == ("Preempted", "PodPreempted")
    assert "higher" in attempt["message"].lower() or "preempted" in attempt["message"].lower()
    assert status["counts"]["preempted"] == 1
    assert status["attempt"] == 2


def test_a_run_on_two_nodes_is_admitted_whole_or_not_at_all(runs: Runs, queue: str) -> None:
    runs.start("wide", MEETING, nodes=2, queue=queue)
    said = runs.condition("trainingrun", "wide", "Queued", "True", "QuotaExceeded")
    assert "maximum capacity" in said["message"], "two nodes with 200m each never fit into 300m"
    assert runs.names("pods") == set()
    runs.start("pair", MEETING, nodes=2, queue=queue, resources={"cpu": "100m", "memory": "64Mi"})
    runs.phase("pair", "Succeeded", timeout=120)
