"""Runs on several nodes and in queues, on a control plane with the real JobSet and the real Kueue; the test plays kubelet and the user's program."""

import json
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import pytest
import yaml

from e2e.cluster import Cluster, down, up
from tests.integration.control_plane import CRDS, READ, RULES, Place
from tests.integration.engine_toy import condition, eventually
from tests.integration.queueing import jobset, kueue
from tests.integration.test_training_runs import Operator, running
from treadle.plan import Object

ADD_ONS = (
    {"apiGroups": ["jobset.x-k8s.io"], "resources": ["jobsets"], "verbs": [*READ, "create", "delete"]},
    {"apiGroups": ["kueue.x-k8s.io"], "resources": ["workloads"], "verbs": READ},
)
"""What the chart grants with its switches on."""
KUEUE = "kueue.x-k8s.io/v1beta2"
SMALL: dict[str, Any] = {"tracking": {"type": "None"}, "resources": {"cpu": "200m", "memory": "64Mi"}, "retries": {"infrastructure": 0}}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A control plane of its own: who has these kinds behaves differently."""
    name = f"it-queues-{os.getpid()}"
    cluster = up(name, "control-plane", keep=False)
    try:
        cluster.apply_kinds(*(yaml.safe_load(path.read_text()) for path in sorted(CRDS.glob("*.yaml"))))
        with jobset(cluster, tmp_path_factory.mktemp("jobset")), kueue(cluster, tmp_path_factory.mktemp("kueue")):
            yield cluster
    finally:
        down(name)


@pytest.fixture
async def operator(cluster: Cluster) -> AsyncIterator[Operator]:
    """An operator with its own namespace, in which a queue has room for one of our runs: 300m of CPU."""
    namespace = f"q-{uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", namespace)
    resources = [{"name": "cpu", "nominalQuota": "300m"}, {"name": "memory", "nominalQuota": "8Gi"}]
    group = {"coveredResources": ["cpu", "memory"], "flavors": [{"name": "any", "resources": resources}]}
    spec = {"namespaceSelector": {}, "resourceGroups": [group], "preemption": {"withinClusterQueue": "LowerPriority"}}
    cluster.apply(
        {"apiVersion": KUEUE, "kind": "ResourceFlavor", "metadata": {"name": "any"}},
        {"apiVersion": KUEUE, "kind": "ClusterQueue", "metadata": {"name": namespace}, "spec": spec},
        {"apiVersion": KUEUE, "kind": "LocalQueue", "metadata": {"name": "research", "namespace": namespace}, "spec": {"clusterQueue": namespace}},
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "urgent"}, "value": 1000},
    )
    operator = Operator(Place(cluster, namespace, (*RULES, *ADD_ONS)), "http://127.0.0.1:9")
    yield operator
    await operator.close()


async def pods(operator: Operator, job: str, count: int) -> list[Object]:
    """The pods of a Job, by rank, once there are so many."""

    async def look() -> list[Object] | None:
        found = json.loads(operator.place.kubectl("get", "pods", f"--selector=job-name={job}", "--output=json"))["items"]
        return sorted(found, key=lambda pod: str(pod["metadata"]["name"])) if len(found) == count else None

    return await eventually(f"{count} pods of {job}", look, timeout=60)


async def queued(operator: Operator, name: str, reason: str) -> Object:
    """The run, once it says that it is queued for this reason."""

    async def look() -> Object | None:
        this = await operator.get("TrainingRun", name)
        found = ((this or {}).get("status") or {}).get("conditions") or ()
        return this if any((c["type"], c["reason"]) == ("Queued", reason) for c in found) else None

    return await eventually(f"{name} is queued: {reason}", look, timeout=60)


def bind(operator: Operator, pod: Object) -> None:
    """A node has the pod, so that it does not vanish before it ended."""
    name, namespace = pod["metadata"]["name"], operator.place.namespace
    target = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": {"apiVersion": "v1", "kind": "Node", "name": "node-1"}}
    path = f"/api/v1/namespaces/{namespace}/pods/{name}/binding"
    operator.place.cluster.kubectl("create", "--raw", path, "--filename=-", stdin=json.dumps(target))


async def test_two_nodes_train_together_and_find_each_other_by_name(operator: Operator) -> None:
    async with running(operator):
        await operator.apply("pair", **SMALL, nodes=2)
        both = await pods(operator, "pair-1-node-0", 2)
        address = next(v["value"] for v in both[0]["spec"]["containers"][0]["env"] if v["name"] == "MASTER_ADDR")
        assert address == f"{both[0]['spec']['hostname']}.{both[0]['spec']['subdomain']}"
        service = json.loads(operator.place.kubectl("get", "service", both[0]["spec"]["subdomain"], "--output=json"))
        assert service["spec"]["clusterIP"] == "None"
        assert service["spec"]["publishNotReadyAddresses"] is True
        await operator.runs(both[0])
        await operator.runs(both[1])
        await operator.phase("pair", "Running")
        for pod in both:
            await operator.ends(pod)
        assert (await operator.phase("pair", "Succeeded"))["status"]["job"] == "pair-1"


async def test_one_failed_rank_fails_the_run_and_nothing_restarts_by_itself(operator: Operator) -> None:
    async with running(operator):
        await operator.apply("broken", **SMALL, nodes=2)
        both = await pods(operator, "broken-1-node-0", 2)
        for pod in both:
            bind(operator, pod)
            await operator.runs(pod)
        await operator.ends(both[1], 3, message="ValueError: no items", reason="Error")
        await operator.ends(both[0], 143)
        this = await operator.phase("broken", "Failed")
    (attempt,) = this["status"]["attempts"]
    assert (attempt["outcome"], attempt["reason"]) == ("Application", "ExitedWithError")
    assert "no items" in attempt["message"]
    names = operator.place.kubectl("get", "jobsets", "--output=name").split()
    assert names == ["jobset.jobset.x-k8s.io/broken-1"]


async def test_a_queue_lets_in_preempts_and_lets_in_again(operator: Operator) -> None:
    async with running(operator):
        await operator.apply("first", **SMALL, queue="research")
        pod = await operator.pod("first-1")
        bind(operator, pod)
        await operator.runs(pod)
        await operator.phase("first", "Running")

        await operator.apply("second", **SMALL, queue="research")
        this = await queued(operator, "second", "QuotaExceeded")
        assert "insufficient unused quota for cpu" in condition(this, "Queued")["message"]
        assert this["status"]["queuedSince"]

        await operator.apply("urgent", **SMALL, queue="research", priorityClassName="urgent")

        async def suspended() -> bool:
            return bool(((await operator.get("Job", "first-1")) or {})["spec"].get("suspend"))

        await eventually("Kueue takes the admission back", suspended, timeout=30)
        await operator.ends(pod, 143)  # a program that is asked to end seldom ends well, and the Job controller calls that a failure
        await operator.runs(await operator.pod("urgent-1"))
        await operator.ends(await operator.pod("urgent-1"))
        await operator.phase("urgent", "Succeeded")

        operator.place.kubectl("patch", "trainingrun", "second", "--type=merge", "--patch", '{"spec":{"suspend":true}}')
        assert (await operator.phase("second", "Suspended"))["status"]["counts"]["suspended"] == 1
        again = await pods(operator, "first-2", 1)
        await operator.runs(again[0])
        this = await operator.phase("first", "Running")
        (attempt,) = this["status"]["attempts"]
        assert (attempt["outcome"], attempt["reason"]) == ("Preempted", "PodPreempted")
        assert this["status"]["counts"]["preempted"] == 1


async def test_two_nodes_are_admitted_whole_or_not_at_all(operator: Operator) -> None:
    async with running(operator):
        await operator.apply("wide", **SMALL, nodes=2, queue="research")
        this = await queued(operator, "wide", "QuotaExceeded")
        assert "maximum capacity" in condition(this, "Queued")["message"], "two nodes with 200m each never fit into 300m"
        assert condition(this, "Stalled")["status"] == "True"
        await operator.apply("pair", **{**SMALL, "resources": {"cpu": "100m", "memory": "64Mi"}}, nodes=2, queue="research")
        assert await pods(operator, "pair-1-node-0", 2)
    assert operator.place.kubectl("get", "pods", "--selector=job-name=wide-1-node-0", "--output=name") == ""
