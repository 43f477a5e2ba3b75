"""Versions that prove themselves, for unit tests and stories: pods that answer, and what they count."""

from typing import Any

from tests.unit.serving.things import INSTALLATION, deployment_name
from treadle.api import names
from treadle.connections.traffic import SERVING_PODS, PodTraffic, StablePods
from treadle.contracts.traffic import ArmCounts, TrafficState

SIGNING = INSTALLATION.with_public_key("a2V5")
"""An installation that can sign orders to serving pods."""
ADDRESS = "10.0.0.1"
FAST = {"64": 300}
"""300 answers in about 1.6 ms."""
SLOW = {"128": 300}
"""300 answers in about 25 ms."""


def revision(number: str, **spec: Any) -> str:
    """The revision of a version."""
    return deployment_name(number, **spec).rpartition("-")[2]


def stable_pod(number: str, address: str = ADDRESS, **spec: Any) -> dict[str, Any]:
    """A ready pod of a version."""
    labels = {names.DEPLOYMENT: "digits", names.REVISION: revision(number, **spec), names.MANAGED_BY: names.MANAGED_BY_VALUE}
    metadata = {"name": f"{deployment_name(number, **spec)}-{address.rpartition('.')[2]}", "namespace": "ml", "labels": labels}
    status = {"podIP": address, "conditions": [{"type": "Ready", "status": "True"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status}


def asked(number: str, address: str = ADDRESS, **spec: Any) -> PodTraffic:
    """The question for what this pod says."""
    pods = StablePods(namespace="ml", deployment="digits", revision=revision(number, **spec))
    return PodTraffic(connection=SERVING_PODS, pods=pods, address=address)


def says(number: str, sequence: int = 0, **told: Any) -> TrafficState:
    """What a pod of that version says."""
    expires = told.pop("expires", 4e9)
    return TrafficState(namespace="ml", deployment="digits", revision=revision(number), sequence=sequence, expires=expires, **told)


def arm(requests: int = 300, errors: int = 0, latencies: dict[str, int] | None = None) -> ArmCounts:
    """What one side answered."""
    return ArmCounts(requests=requests, errors=errors, latencies=latencies or {"64": requests - errors})
