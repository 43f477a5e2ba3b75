"""A namespace on a real API server without nodes, and what administrators, users and kubelets do there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from treadle.engine import KubernetesCluster
from treadle.engine._wire import Refused, Request, path_of
from treadle.plan import KINDS, Object, Ref

MERGE = "application/merge-patch+json"


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """One namespace.

    Attributes:
        admin: reaches the API server as the administrator.
    """

    admin: KubernetesCluster
    namespace: str

    def ref(self, kind: str, name: str) -> Ref:
        """An object of this namespace."""
        return Ref(kind, self.namespace, name)

    async def make(self, kind: str, name: str, spec: Mapping[str, Any]) -> Object:
        """What `kubectl create` does."""
        metadata = {"name": name, "namespace": self.namespace}
        this = {"apiVersion": KINDS[kind].api_version, "kind": kind, "metadata": metadata, "spec": spec}
        return await self.admin.wire.send(Request("POST", path_of(kind, self.namespace), f"create {kind}", this))

    async def patch(self, kind: str, name: str, change: Mapping[str, Any], *, subresource: str = "") -> None:
        """What `kubectl patch --type=merge` does."""
        path = path_of(kind, self.namespace, name, subresource=subresource)
        await self.admin.wire.send(Request("PATCH", path, f"patch {kind} {name}", dict(change), content_type=MERGE))

    async def delete(self, kind: str, name: str) -> None:
        """What `kubectl delete` does."""
        await self.admin.wire.send(Request("DELETE", path_of(kind, self.namespace, name), f"delete {kind} {name}"))

    async def get(self, kind: str, name: str) -> Object | None:
        """The object as it is."""
        return await self.admin.get(self.ref(kind, name))

    async def all(self, kind: str, selector: str = "") -> list[Object]:
        """All objects of a kind."""
        found, _ = await self.admin.list(kind, namespace=self.namespace, selector=selector)
        return list(found)

    async def pod_is(self, pod: Object, phase: str, state: Mapping[str, Any], *, ready: bool = False) -> None:
        """What a kubelet says of a pod's only container; a pod that is gone hears nothing."""
        (container, *_) = pod["spec"]["containers"]
        one = {"name": container["name"], "image": "x", "imageID": "registry.example/x@sha256:abc", "ready": ready, "restartCount": 0, "state": state}
        conditions = [{"type": kind, "status": "True"} for kind in ("Initialized", "Ready", "ContainersReady")] if ready else []
        status = {"phase": phase, "containerStatuses": [one], **({"conditions": conditions} if conditions else {})}
        try:
            await self.patch("Pod", pod["metadata"]["name"], {"status": status}, subresource="status")
        except Refused as refused:
            if refused.status not in (404, 409):
                raise


def now() -> str:
    """As the kubelet writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
