"""ModelDeployment against a real API server and its controllers: what is made, how often it is written, and what is left."""

import json
from collections.abc import Mapping
from typing import Any

from tests.integration.control_plane import Place
from tests.integration.engine_toy import condition, eventually
from tests.integration.serving_world import Registry, make_ready, operator
from tests.unit.serving.things import make_deployment
from treadle.engine import KubernetesCluster
from treadle.plan import Object, Ref

COLLECTED = 75.0
"""Seconds in which the garbage collector has removed a child; it discovers new kinds every 30 s."""


def made(place: Place, **spec: Any) -> dict[str, Any]:
    this = make_deployment(**spec)
    this["metadata"]["namespace"] = place.namespace
    return this


def one(place: Place) -> Ref:
    return Ref("ModelDeployment", place.namespace, "digits")


async def until(cluster: KubernetesCluster, place: Place, kind: str, status: str = "True", reason: str = "") -> Object:
    async def look() -> Object | None:
        this = await cluster.get(one(place))
        found = condition(this, kind)
        return this if found.get("status") == status and (not reason or found.get("reason") == reason) else None

    return await eventually(f"{kind} {status} {reason}", look)


async def pods_ready(cluster: KubernetesCluster, place: Place, role: str = "stable") -> Mapping[str, Any]:
    """Wait for the pods of the stable or coming revision and make them ready; the revision as status has it."""

    async def look() -> Mapping[str, Any] | None:
        this = await cluster.get(one(place))
        revision = ((this or {}).get("status") or {}).get(role)
        return revision if revision and make_ready(place, revision["revision"]) else None

    return await eventually(f"pods of the {role} revision", look)


async def served(cluster: KubernetesCluster, place: Place, registry: Registry) -> None:
    """The usual beginning: version 1 serves and is the champion."""
    registry.register("1")
    await pods_ready(cluster, place)
    await until(cluster, place, "Ready")
    await until(cluster, place, "Promoted")


async def test_the_first_version_serves_is_promoted_and_a_restart_writes_nothing(place: Place) -> None:
    registry, kubeconfig = Registry(), place.operator()
    place.cluster.apply(made(place, replicas=2))
    async with operator(kubeconfig, place.namespace, registry) as cluster:
        await until(cluster, place, "ModelResolved", "False", "ModelNotFound")
        await served(cluster, place, registry)
        this = await until(cluster, place, "RolloutProgressing", "False", "RolloutComplete")
    assert registry.aliases["champion"] == "1"
    assert registry.versions["1"].tags["treadle.promoter"] == f"test/{place.namespace}/digits"
    assert this["status"]["phase"] == "Serving"
    assert this["status"]["ready"] == "2/2"
    assert this["status"]["url"] == f"http://digits.{place.namespace}.svc"
    scale = json.loads(place.kubectl("get", "--raw", f"/apis/treadle.dev/v1alpha1/namespaces/{place.namespace}/modeldeployments/digits/scale"))
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (2, 2)
    assert f"treadle.dev/revision={this['status']['stable']['revision']}" in scale["status"]["selector"]
    since = place.now()
    async with operator(kubeconfig, place.namespace, registry) as cluster:
        other = made(place)
        other["metadata"]["name"] = "second"  # looked at after the first one
        place.cluster.apply(other)
        await eventually("the second", lambda: seen(cluster, place, "second"))
    assert [write for write in place.writes(since) if "second" not in write] == []
    assert place.refused(since) == []


async def seen(cluster: KubernetesCluster, place: Place, name: str) -> Object | None:
    this = await cluster.get(Ref("ModelDeployment", place.namespace, name))
    return this if condition(this, "ModelResolved") else None


async def test_a_change_comes_up_beside_and_the_service_turns_only_when_it_is_ready(place: Place) -> None:
    registry = Registry()
    place.cluster.apply(made(place))
    async with operator(place.operator(), place.namespace, registry) as cluster:
        await served(cluster, place, registry)
        before = await selected(cluster, place)
        place.cluster.apply(made(place, resources={"cpu": "1000m", "memory": "1024Mi"}))
        await until(cluster, place, "RolloutProgressing", "True", "RollingOut")
        assert await selected(cluster, place) == before
        coming = await pods_ready(cluster, place, "canary")
        await eventually("the turn", lambda: turned(cluster, place, coming["revision"]))
        former = await eventually("the former at rest", lambda: resting(cluster, place, before))
        await until(cluster, place, "RolloutProgressing", "False", "RolloutComplete")
    assert former["spec"]["replicas"] == 0
    assert coming["revision"] != before


async def selected(cluster: KubernetesCluster, place: Place) -> str:
    service = await cluster.get(Ref("Service", place.namespace, "digits"))
    assert service
    return str(service["spec"]["selector"]["treadle.dev/revision"])


async def turned(cluster: KubernetesCluster, place: Place, revision: str) -> bool:
    return await selected(cluster, place) == revision


async def resting(cluster: KubernetesCluster, place: Place, revision: str) -> Object | None:
    deployment = await cluster.get(Ref("Deployment", place.namespace, f"digits-{revision}"))
    return deployment if deployment and deployment["spec"]["replicas"] == 0 else None


async def test_drift_is_corrected_and_fields_of_others_are_left_alone(place: Place) -> None:
    registry = Registry()
    place.cluster.apply(made(place))
    async with operator(place.operator(), place.namespace, registry) as cluster:
        await served(cluster, place, registry)
        name = f"digits-{await selected(cluster, place)}"
        place.kubectl("annotate", "deployment", name, "note=kept")
        place.kubectl("scale", "deployment", name, "--replicas=5")

        async def corrected() -> Object | None:
            deployment = await cluster.get(Ref("Deployment", place.namespace, name))
            return deployment if deployment and deployment["spec"]["replicas"] == 1 else None

        deployment = await eventually("the correction", corrected)
    assert deployment["metadata"]["annotations"]["note"] == "kept"


async def test_a_foreign_service_of_its_name_is_never_taken_over(place: Place) -> None:
    registry = Registry()
    place.kubectl("create", "service", "clusterip", "digits", "--tcp=80:80")
    place.cluster.apply(made(place))
    registry.register("1")
    async with operator(place.operator(), place.namespace, registry) as cluster:
        this = await until(cluster, place, "Stalled", "True", "NameConflict")
        service = await cluster.get(Ref("Service", place.namespace, "digits"))
    assert "digits" in condition(this, "Stalled")["message"]
    assert service
    assert "ownerReferences" not in service["metadata"]


async def test_an_outage_of_the_registry_is_told_and_serving_goes_on(place: Place) -> None:
    registry = Registry()
    place.cluster.apply(made(place))
    async with operator(place.operator(), place.namespace, registry) as cluster:
        await served(cluster, place, registry)
        registry.down = True
        this = await until(cluster, place, "ModelResolved", "Unknown", "Unreachable")
        assert condition(this, "Ready")["status"] == "True"
        registry.down = False
        await until(cluster, place, "ModelResolved", "True")


async def test_deleting_it_leaves_nothing(place: Place) -> None:
    registry = Registry()
    place.cluster.apply(made(place, replicas=2))
    async with operator(place.operator(), place.namespace, registry) as cluster:
        await served(cluster, place, registry)
        since = place.now()
        place.kubectl("delete", "modeldeployment", "digits", "--cascade=foreground", "--timeout=90s")

        async def gone() -> bool:
            found = place.kubectl("get", "deployments,services,poddisruptionbudgets,pods", "--output=name")
            return not found.strip()

        await eventually("everything gone", gone, timeout=COLLECTED)
        assert place.writes(since) == []
    assert registry.aliases["champion"] == "1"
