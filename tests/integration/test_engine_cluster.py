"""The cluster client against a real API server: each precondition does what its docstring says."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.control_plane import Place
from tests.integration.engine_toy import LABELS, job, make_toy
from treadle.engine import Access, KubernetesCluster, Wire, _cluster
from treadle.engine._ports import Conflict
from treadle.plan import Object, Ref, Trouble, ref_of

FINALIZER = "treadle.dev/labelling-project"


@pytest.fixture
async def cluster(toys: Place) -> AsyncIterator[KubernetesCluster]:
    client = KubernetesCluster(Wire(Access(str(toys.cluster.kubeconfig))))
    yield client
    await client.close()


def service(toys: Place, name: str, target: int = 8080) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "targetPort": target, "protocol": "TCP"}]
    metadata = {"name": name, "namespace": toys.namespace, "labels": LABELS}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports, "selector": {"a": "b"}}}


async def test_creating_twice_tells_what_is_there(cluster: KubernetesCluster, toys: Place) -> None:
    made = await cluster.create(make_toy("a", toys.namespace))
    with pytest.raises(Conflict) as conflict:
        await cluster.create(make_toy("a", toys.namespace))
    assert conflict.value.existing is not None
    assert conflict.value.existing["metadata"]["uid"] == made["metadata"]["uid"]


async def test_applying_to_nothing_creates_and_applying_blindly_to_something_is_a_conflict(cluster: KubernetesCluster, toys: Place) -> None:
    made = await cluster.apply(service(toys, "s"), resource_version=None)
    with pytest.raises(Conflict):
        await cluster.apply(service(toys, "s", 9090), resource_version=None)
    changed = await cluster.apply(service(toys, "s", 9090), resource_version=made["metadata"]["resourceVersion"])
    assert changed["spec"]["ports"][0]["targetPort"] == 9090
    with pytest.raises(Conflict) as conflict:
        await cluster.apply(service(toys, "s"), resource_version=made["metadata"]["resourceVersion"])
    assert conflict.value.existing == await cluster.get(ref_of(made))


async def test_applying_what_is_there_already_changes_nothing(cluster: KubernetesCluster, toys: Place) -> None:
    made = await cluster.apply(service(toys, "s"), resource_version=None)
    again = await cluster.apply(service(toys, "s"), resource_version=made["metadata"]["resourceVersion"])
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


async def test_a_status_is_replaced_whole_and_only_from_the_version_it_was_made_from(cluster: KubernetesCluster, toys: Place) -> None:
    made = await cluster.create(make_toy("a", toys.namespace))
    first = await cluster.patch_status(ref_of(made), {"one": 1, "two": {"x": 1}}, resource_version=made["metadata"]["resourceVersion"])
    assert first is not None
    second = await cluster.patch_status(ref_of(made), {"two": {"y": 2}}, resource_version=first["metadata"]["resourceVersion"])
    assert second is not None
    assert second["status"] == {"two": {"y": 2}}
    with pytest.raises(Conflict) as conflict:
        await cluster.patch_status(ref_of(made), {"late": True}, resource_version=first["metadata"]["resourceVersion"])
    assert conflict.value.existing is not None
    assert conflict.value.existing["status"] == {"two": {"y": 2}}
    assert await cluster.patch_status(Ref("TrainingRun", toys.namespace, "nobody"), {}, resource_version="1") is None


async def test_deleting_spares_another_object_of_the_same_name(cluster: KubernetesCluster, toys: Place) -> None:
    made = await cluster.create(make_toy("a", toys.namespace))
    await cluster.delete(ref_of(made), uid="11111111-2222-3333-4444-555555555555")
    assert await cluster.get(ref_of(made)) is not None
    await cluster.delete(ref_of(made), uid=made["metadata"]["uid"])
    assert await cluster.get(ref_of(made)) is None
    await cluster.delete(ref_of(made), uid=made["metadata"]["uid"])


async def test_a_finalizer_is_held_and_released_beside_those_of_others(cluster: KubernetesCluster, toys: Place) -> None:
    wanted = make_toy("a", toys.namespace)
    wanted["metadata"]["finalizers"] = ["other.example/theirs"]
    made = await cluster.create(wanted)
    ref, uid = ref_of(made), made["metadata"]["uid"]
    for _ in range(2):
        assert finalizers(await cluster.add_finalizer(ref, uid=uid, finalizer=FINALIZER)) == ["other.example/theirs", FINALIZER]
    await cluster.delete(ref, uid=uid)
    for _ in range(2):
        assert finalizers(await cluster.release_finalizer(ref, uid=uid, finalizer=FINALIZER)) == ["other.example/theirs"]
    await cluster.release_finalizer(ref, uid=uid, finalizer="other.example/theirs")
    assert await cluster.get(ref) is None
    assert await cluster.release_finalizer(ref, uid=uid, finalizer=FINALIZER) is None


async def test_a_list_comes_whole_in_chunks_with_its_version(cluster: KubernetesCluster, toys: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cluster, "CHUNK", 3)
    made = [await cluster.create(make_toy(f"a-{n}", toys.namespace)) for n in range(8)]
    found, version = await cluster.list("TrainingRun", namespace=toys.namespace)
    assert [ref_of(each) for each in found] == [ref_of(each) for each in made]
    assert int(version) >= max(int(each["metadata"]["resourceVersion"]) for each in made)


async def test_what_the_server_refuses_is_told_with_its_field(cluster: KubernetesCluster, toys: Place) -> None:
    metadata = {"name": "bad", "namespace": toys.namespace}
    with pytest.raises(Trouble, match=r"spec\.template") as trouble:
        await cluster.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {}})
    assert trouble.value.condition.stalled
    assert await cluster.get(job(toys.namespace, "bad")) is None


async def test_an_event_is_shown_by_describe(cluster: KubernetesCluster, toys: Place) -> None:
    made = await cluster.create(make_toy("a", toys.namespace))
    await cluster.emit_event(made, type="Warning", reason="NameConflict", message="words for people", now=datetime.now(UTC))
    assert "words for people" in toys.kubectl("describe", "trainingrun", "a")


async def test_kinds_are_those_that_the_cluster_serves(cluster: KubernetesCluster) -> None:
    kinds = await cluster.kinds()
    assert {"TrainingRun", "Job", "Pod", "Deployment", "HorizontalPodAutoscaler"} <= kinds
    assert "HTTPRoute" not in kinds


def finalizers(this: Object | None) -> list[str]:
    assert this is not None
    return list(this["metadata"].get("finalizers") or ())
