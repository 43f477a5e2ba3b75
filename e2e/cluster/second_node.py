"""A second node, for what happens when a node is lost: a kubelet and a container runtime of their own beside the first, in the same namespaces.

It knows two images only, `treadle.local/pause:1` and `treadle.local/probe:1`, and is tainted, so that nothing lands on it by chance. It has no
service proxy: the first node's serves both.
"""

import json

from e2e.cluster import cgroups, control_plane, namespaces, node, pki, places, tools
from e2e.cluster.cluster import Cluster
from e2e.cluster.waiting import until

NODE = "node2"
KUBELET = f"kubelet-{NODE}"
CONTAINERD = f"containerd-{NODE}"
TAINT = "treadle.local/second-node"
"""Key of the taint that keeps others away; its effect is NoSchedule."""
PORT, HEALTH_PORT = 10260, 10258
SOCKET = f"/run/containerd-{NODE}.sock"
CTR = ("ctr", f"--address={SOCKET}", "--namespace=k8s.io")


def add_second_node(cluster: Cluster) -> str:
    """Start it, or what of it does not run; returns its name once it is Ready.

    Raises:
        Problem: It does not become ready; the sentence names its log.
    """
    cluster.assert_full("put beside another")
    known, control, programs = cluster.layout, cluster.control, tools.build("node")
    own = known.directory / NODE
    store = known.store.with_name(f"{known.store.name}-{NODE}")
    store.mkdir(parents=True, exist_ok=True)
    settings = node.CONTAINERD.format(store=store, directory=known.directory)
    settings = settings.replace("/run/containerd.sock", SOCKET).replace("/run/containerd-state", f"/run/containerd-state-{NODE}")
    places.write(own / "containerd.toml", settings)
    group = f"{known.cgroup}/{NODE}"
    cgroups.make(group)
    pki.Authority(known.pki).issue(KUBELET, f"system:node:{NODE}", ["system:nodes"], serves=[known.address, NODE])
    control_plane.user(known, f"system:node:{NODE}", ["system:nodes"], path=own / "user")
    configuration = {
        **node.kubelet_configuration(known),
        "port": PORT,
        "healthzPort": HEALTH_PORT,
        "cgroupRoot": f"/{group}",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "podLogsDir": str(own / "pod-logs"),
        "tlsCertFile": str(known.pki / f"{KUBELET}.crt"),
        "tlsPrivateKeyFile": str(known.pki / f"{KUBELET}.key"),
        "registerWithTaints": [{"key": TAINT, "effect": "NoSchedule"}],
    }
    places.write(own / "kubelet.json", json.dumps(configuration))
    control.start(CONTAINERD, ["containerd", "--config", str(own / "containerd.toml")], {})
    until("The second node's containerd", lambda: answers(cluster), timeout=30, remedy=f"See {known.logs / CONTAINERD}.log.")
    for name in ("pause", "probe"):
        archive = programs / f"{name}.tar"
        namespaces.inside(control, *CTR, "images", "import", "--snapshotter=overlayfs", "-", stdin=archive, timeout=120)
    control.start(
        KUBELET,
        [
            str(programs / "kubelet"),
            f"--config={own / 'kubelet.json'}",
            f"--kubeconfig={own / 'user'}",
            f"--root-dir={own / 'kubelet'}",
            f"--cert-dir={known.pki}",
            f"--hostname-override={NODE}",
            f"--node-ip={known.address}",
        ],
        {},
    )
    until("The second node's readiness", lambda: ready(cluster), timeout=90, remedy=f"See {known.logs / KUBELET}.log.")
    return NODE


def answers(cluster: Cluster) -> bool:
    """Whether its container runtime answers."""
    cluster.assert_running(CONTAINERD)
    return bool(namespaces.inside(cluster.control, *CTR, "version", timeout=10))


def ready(cluster: Cluster) -> bool:
    """Whether the node is there and Ready."""
    node.keep_kubelet(cluster, KUBELET)
    conditions = [c for item in cluster.get("nodes")["items"] if item["metadata"]["name"] == NODE for c in item["status"].get("conditions", [])]
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
