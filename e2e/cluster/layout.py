"""What one cluster is: its name, its mode, its addresses, and where its files lie. Plain data, kept as cluster.json."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from e2e.cluster import places

SERVICES = "10.99.0.0/16"
KUBERNETES_SERVICE = "10.99.0.1"
DNS_SERVICE = "10.99.0.10"
PODS = "10.89.0.0/16"
NODE = "node1"
KUBECONFIG = "kubeconfig"


class Mode(StrEnum):
    """How much of a cluster is wanted."""

    CONTROL_PLANE = "control-plane"
    FULL = "full"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A cluster's fixed facts.

    Attributes:
        name: Unique on this machine and user.
        mode: Control plane alone, or with a node that runs pods.
        directory: Everything the cluster writes, image store apart.
        slot: A small number that no other full cluster of this machine has; its link's subnet and image store are named by it.
        address: Where the API server listens, as seen from this machine.
        api_port: The API server's port.
        etcd_port: etcd's client port; its peer port for nobody is `peer_port`.
        peer_port: See `etcd_port`.
        gpus: How many GPUs the node pretends to have.
    """

    name: str
    mode: Mode
    directory: Path
    slot: int
    address: str
    api_port: int
    etcd_port: int
    peer_port: int
    gpus: int = 2

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://{self.address}:{self.api_port}"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.directory / KUBECONFIG

    @property
    def audit_log(self) -> Path:
        """One JSON event per request (see audit.py)."""
        return self.directory / "audit.log"

    @property
    def pki(self) -> Path:
        """Keys and certificates."""
        return self.directory / "pki"

    @property
    def logs(self) -> Path:
        """One log per program."""
        return self.directory / "logs"

    @property
    def cgroup(self) -> str:
        """The control group that holds all its pods, in every hierarchy."""
        return f"treadle-{self.name}"

    @property
    def host_address(self) -> str:
        """This machine's end of the link to the node."""
        return f"10.77.{self.slot}.1"

    @property
    def link(self) -> str:
        """The network interface on this machine that leads to the node."""
        return f"treadle{self.slot}"

    @property
    def store(self) -> Path:
        """The images of containerd; outlives the cluster, so that the next one in this slot need not load them again."""
        return places.cache() / "containerd" / f"slot-{self.slot}"

    def save(self) -> None:
        """Writes cluster.json, by which other commands find the cluster."""
        content = {**asdict(self), "directory": None}
        places.write(self.directory / "cluster.json", json.dumps(content, indent=2))


def kubeconfig_of(name: str) -> Path:
    """The administrator's kubeconfig of the cluster of this name, whether it runs or not."""
    return places.clusters() / name / KUBECONFIG


def load(directory: Path) -> Layout | None:
    """The cluster in `directory`, or None when there is none."""
    try:
        content = json.loads((directory / "cluster.json").read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Layout(**{**content, "directory": directory, "mode": Mode(content["mode"])})


def every() -> list[Layout]:
    """All clusters of this user, running or not."""
    return [layout for directory in sorted(places.clusters().iterdir()) if (layout := load(directory))]
