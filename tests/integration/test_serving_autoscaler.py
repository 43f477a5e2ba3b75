"""An autoscaler and a ModelDeployment share a Deployment: neither undoes the other's work."""

from tests.integration.control_plane import READ, Place
from tests.integration.engine_toy import eventually
from tests.integration.serving_world import Registry, make_ready, operator
from tests.integration.test_serving_life import made, selected, served, until
from treadle.engine import KubernetesCluster
from treadle.plan import Object, Ref

RULE = {"apiGroups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": [*READ, "create", "patch", "delete"]}


def allow_autoscalers(place: Place) -> None:
    """What the chart's switch grants."""
    group = "rbac.authorization.k8s.io"
    metadata = {"name": "autoscalers", "namespace": place.namespace}
    subject = {"apiGroup": group, "kind": "User", "name": f"operator-{place.namespace}"}
    reference = {"apiGroup": group, "kind": "Role", "name": "autoscalers"}
    place.cluster.apply(
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": [RULE]},
        {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": metadata, "roleRef": reference, "subjects": [subject]},
    )


async def autoscaler(cluster: KubernetesCluster, place: Place) -> Object | None:
    return await cluster.get(Ref("HorizontalPodAutoscaler", place.namespace, "digits"))


async def replicas(cluster: KubernetesCluster, place: Place, name: str, wanted: int) -> Object | None:
    deployment = await cluster.get(Ref("Deployment", place.namespace, name))
    return deployment if deployment and deployment["spec"]["replicas"] == wanted else None


async def test_an_autoscaler_takes_over_the_replicas_and_gives_them_back(place: Place) -> None:
    registry, kubeconfig = Registry(), place.operator()
    allow_autoscalers(place)
    place.cluster.apply(made(place, replicas=3))
    async with operator(kubeconfig, place.namespace, registry) as cluster:
        await served(cluster, place, registry)
        revision = await selected(cluster, place)
        name = f"digits-{revision}"
        place.cluster.apply(made(place, replicas=3, autoscaling={"min": 2, "max": 6}))
        found = await eventually("an autoscaler", lambda: autoscaler(cluster, place))
        assert found["spec"]["scaleTargetRef"]["name"] == name
        assert await replicas(cluster, place, name, 3), "asking for an autoscaler takes no pod away"

        place.kubectl("scale", "deployment", name, "--replicas=5")  # what the autoscaler does

        async def handed_over() -> Object | None:
            deployment = await replicas(cluster, place, name, 5)
            return deployment if deployment and deployment["metadata"]["annotations"]["treadle.dev/applied-replicas"] == "autoscaler" else None

        await eventually("five pods, the autoscaler's", handed_over)
        make_ready(place, revision)
        await until(cluster, place, "Ready")

    since = place.now()
    async with operator(kubeconfig, place.namespace, registry) as cluster:
        place.kubectl("scale", "deployment", name, "--replicas=4")
        await eventually("four of four", lambda: reports(cluster, place, "4/4"))
        assert await replicas(cluster, place, name, 4), "the autoscaler's number stays"
        assert [write for write in place.writes(since) if not write.endswith("status")] == []

        place.cluster.apply(made(place, replicas=2))
        await eventually("two pods again", lambda: replicas(cluster, place, name, 2))
        await eventually("no autoscaler", lambda: gone(cluster, place))


async def reports(cluster: KubernetesCluster, place: Place, ready: str) -> bool:
    this = await cluster.get(Ref("ModelDeployment", place.namespace, "digits"))
    return bool(this and this["status"].get("ready") == ready)


async def gone(cluster: KubernetesCluster, place: Place) -> bool:
    return await autoscaler(cluster, place) is None
