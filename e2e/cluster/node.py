"""The node of a full cluster: scheduler, container runtime, kubelet, service proxy, cluster DNS."""

import json
from pathlib import Path
from typing import Any

from e2e.cluster import control_plane, dns, images, namespaces, pki, places
from e2e.cluster.cluster import Cluster
from e2e.cluster.layout import DNS_SERVICE, NODE, PODS, Layout
from e2e.cluster.waiting import until

CONTAINERD = """\
version = 2
root = "{store}"
state = "/run/containerd-state"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs"]
[grpc]
  address = "/run/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  # Without CAP_SYS_RESOURCE, as inside many containers, runc may not make a process less likely to be killed.
  restrict_oom_score_adj = true
  sandbox_image = "treadle.local/pause:1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{directory}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
"""

CNI: dict[str, Any] = {
    "cniVersion": "1.0.0",
    "name": "treadle",
    "plugins": [
        {
            "type": "bridge",
            "bridge": "br0",
            "isGateway": True,
            "ipMasq": True,
            "hairpinMode": True,
            "ipam": {"type": "host-local", "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}], "dataDir": "/run/cni-addresses"},
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}
"""Pods on one bridge. NetworkPolicies are accepted and not enforced."""

COMPONENTS = ("pause", "coredns", "probe")
TOO_EARLY = "server is not initialized yet"
"""What containerd tells a kubelet that asks before it can answer."""


def run_node(cluster: Cluster, programs: Path) -> None:
    """Starts what does not run; returns when the node is Ready, has its GPUs, and names resolve."""
    known = cluster.layout
    configure(known)
    start_containerd(cluster)
    for name in COMPONENTS:
        archive = programs / f"{name}.tar"
        if not archive.exists():
            images.pack(programs / name, f"treadle.local/{name}:1", archive)
        cluster.load_image(archive)
    cluster.control.start("kube-scheduler", scheduler(known, programs / "kube-scheduler"), {})
    cluster.control.start("kubelet", kubelet(known, programs / "kubelet"), {})
    cluster.control.start("kube-proxy", kube_proxy(known, programs / "kube-proxy"), {})
    cluster.apply(*dns.MANIFESTS)

    def ready() -> bool:
        for name in ("containerd", "kube-proxy", "kube-scheduler"):
            cluster.assert_running(name)
        keep_kubelet(cluster, "kubelet")
        conditions = cluster.get("node", NODE)["status"].get("conditions", [])
        return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)

    until("The node's readiness", ready, timeout=90, every=0.2, remedy=f"See {known.logs / 'kubelet.log'}.")
    cluster.offer_gpus()

    def resolving() -> bool:
        return bool(cluster.get("deployment", "coredns", "--namespace=kube-system")["status"].get("readyReplicas"))

    until("The readiness of cluster DNS", resolving, timeout=90, every=0.2, remedy=f"See {known.logs / 'kubelet.log'}.")


def keep_kubelet(cluster: Cluster, name: str) -> None:
    """Starts a kubelet again that came too early: containerd answers before its Kubernetes side does, and the kubelet gives up, since systemd would
    start it again. One that ended for any other reason is a `Problem`.
    """
    program = cluster.programs().get(name)
    if program and program.pid is None and TOO_EARLY in cluster.tail(name):
        cluster.control.start(name)
    else:
        cluster.assert_running(name)


def start_containerd(cluster: Cluster) -> None:
    """Starts containerd; containers that an earlier cluster left in its store are forgotten, images stay."""
    known, control = cluster.layout, cluster.control
    running = control.programs().get("containerd")
    if running and running.pid:
        return

    def start() -> None:
        control.start("containerd", ["containerd", "--config", str(known.directory / "containerd.toml")], {})
        until("containerd's start", answers, timeout=30, remedy=f"See {known.logs / 'containerd.log'}.")

    def answers() -> bool:
        cluster.assert_running("containerd")
        return bool(namespaces.inside(control, *images.CTR, "version", timeout=10))

    start()
    old = namespaces.inside(control, *images.CTR, "containers", "list", "--quiet").split()
    if old and not running:
        namespaces.inside(control, *images.CTR, "containers", "delete", *old)
        # Its Kubernetes side read them at the start and would show them as pods.
        cluster.stop("containerd")
        start()
    if not running:
        images.prune(known, control)


def configure(known: Layout) -> None:
    """Writes the configuration of containerd, CNI and the kubelet, and everybody's keys."""
    known.store.mkdir(parents=True, exist_ok=True)
    places.write(known.directory / "containerd.toml", CONTAINERD.format(store=known.store, directory=known.directory))
    places.write(known.directory / "cni" / "10-treadle.conflist", json.dumps(CNI))
    places.write(known.directory / "kubelet.json", json.dumps(kubelet_configuration(known)))
    pki.Authority(known.pki).issue("kubelet", f"system:node:{NODE}", ["system:nodes"], serves=[known.address, NODE])
    control_plane.user(known, f"system:node:{NODE}", ["system:nodes"], path=known.directory / "users" / "node")
    control_plane.user(known, "system:kube-scheduler", path=known.directory / "users" / "scheduler")
    control_plane.user(known, "system:kube-proxy", path=known.directory / "users" / "proxy")


def kubelet_configuration(known: Layout) -> dict[str, Any]:
    """The kubelet's configuration for a node that is a guest on its machine."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True}, "x509": {"clientCAFile": str(known.pki / "ca.crt")}},
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(known.pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(known.pki / "kubelet.key"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{known.cgroup}",
        "failCgroupV1": False,
        "containerRuntimeEndpoint": "unix:///run/containerd.sock",
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "failSwapOn": False,
        "podLogsDir": str(known.directory / "pod-logs"),
        "volumePluginDir": str(known.directory / "volume-plugins"),
        # The machine's disk is not ours to judge: what fills it is rarely a pod.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%", "nodefs.inodesFree": "1%"},
        "enforceNodeAllocatable": [],
        "localStorageCapacityIsolation": False,
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
        "maxPods": 250,
    }


def scheduler(known: Layout, program: Path) -> list[str]:
    """The scheduler's command line."""
    own = known.directory / "users" / "scheduler"
    every = [f"--{purpose}kubeconfig={own}" for purpose in ("", "authentication-", "authorization-")]
    return [str(program), *every, "--leader-elect=false", "--bind-address=127.0.0.1", f"--cert-dir={known.pki}"]


def kubelet(known: Layout, program: Path) -> list[str]:
    """The kubelet's command line."""
    return [
        str(program),
        f"--config={known.directory / 'kubelet.json'}",
        f"--kubeconfig={known.directory / 'users' / 'node'}",
        f"--root-dir={known.directory / 'kubelet'}",
        f"--cert-dir={known.pki}",
        f"--hostname-override={NODE}",
        f"--node-ip={known.address}",
    ]


def kube_proxy(known: Layout, program: Path) -> list[str]:
    """The service proxy's command line."""
    return [
        str(program),
        f"--kubeconfig={known.directory / 'users' / 'proxy'}",
        "--proxy-mode=iptables",
        # The size of the table of connections belongs to the whole machine.
        "--conntrack-max-per-core=0",
        f"--hostname-override={NODE}",
        f"--cluster-cidr={PODS}",
    ]
