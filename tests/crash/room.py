"""Where one life is lived: a namespace on the real servers, the doors of its operator, and what a person or a kubelet may do there."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import yaml
from kubernetes.aio import config as kubernetes_config
from kubernetes.aio.client import Configuration as ClientConfiguration

from e2e.cluster import Cluster
from tests.crash import programs
from tests.crash.calls import KUBERNETES, LABEL_STUDIO, MLFLOW, Call
from tests.crash.cutting import Cut, Door
from tests.crash.operators import Configuration
from tests.crash.seen import Seen
from tests.crash.turns import Turns
from tests.integration.control_plane import RULES
from tests.integration.servers import LabelStudioServer, S3Server
from treadle.engine import Access, KubernetesCluster, Wire
from treadle.engine._wire import Refused, Request, path_of
from treadle.plan import KINDS, Object, Ref

USER = "crash-operator"
JOBSETS = {"apiGroups": ["jobset.x-k8s.io"], "resources": ["jobsets"], "verbs": ["get", "list", "watch", "create", "delete"]}
MERGE = "application/merge-patch+json"
MOMENT = 1.0
"""Seconds."""
INSTALLATION = """
id: {namespace}
images: {{jobs: "registry.example/jobs:1", runtime: "registry.example/runtime:1"}}
namespaces: [{namespace}]
connections:
  store: {{default: {{endpoint: "{store}"}}}}
  mlflow: {{default: {{url: "{mlflow}", modelPrefix: "{{namespace}}.", experimentPrefix: "{{namespace}}."}}}}
  labelStudio: {{default: {{url: "{label_studio}", tokenFile: "{token}"}}}}
"""
"""Pods are not told where MLflow keeps its files, so no Job makes a report."""


@dataclass(frozen=True, kw_only=True)
class Servers:
    """The real servers, and the operator's rights on them; `turns` are those of the Label Studio; `seen` is what the cluster holds."""

    cluster: Cluster
    admin: KubernetesCluster
    seen: Seen
    trust: ssl.SSLContext
    mlflow: str
    label_studio: LabelStudioServer
    s3: S3Server
    folder: Path
    turns: Turns = field(default_factory=Turns)


@asynccontextmanager
async def servers(cluster: Cluster, mlflow: str, label_studio: LabelStudioServer, s3: S3Server, folder: Path) -> AsyncIterator[Servers]:
    """The servers of a session, ready for operators."""
    metadata = {"name": USER}
    rbac = {"apiGroup": "rbac.authorization.k8s.io"}
    cluster.apply(
        {"apiVersion": f"{rbac['apiGroup']}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": [*RULES, JOBSETS]},
        {
            "apiVersion": f"{rbac['apiGroup']}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": metadata,
            "roleRef": rbac | {"kind": "ClusterRole", "name": USER},
            "subjects": [rbac | {"kind": "User", "name": USER}],
        },
    )
    trusted = ClientConfiguration()
    await kubernetes_config.load_kube_config(str(cluster.kubeconfig_for(USER)), client_configuration=trusted, persist_config=False)
    trust = ssl.create_default_context(cafile=trusted.ssl_ca_cert)
    trust.load_cert_chain(trusted.cert_file, trusted.key_file)
    await programs.warm_up()
    access, seen = Access(str(cluster.kubeconfig)), Seen()
    admin = KubernetesCluster(Wire(access))
    try:
        async with seen.following(access):
            yield Servers(cluster=cluster, admin=admin, seen=seen, trust=trust, mlflow=mlflow, label_studio=label_studio, s3=s3, folder=folder)
    finally:
        await admin.close()


@dataclass(frozen=True, kw_only=True)
class Room:
    """One life's own place.

    Attributes:
        doors: what its operator knows of the servers.
        since: size of the audit log when it began.
        leaving: what is done when it is left.
        notes: what a life keeps of its own.
    """

    servers: Servers
    namespace: str
    configuration: Configuration
    doors: list[Door]
    since: int
    leaving: AsyncExitStack
    notes: dict[str, Any] = field(default_factory=dict)

    def let_in(self, cut: Cut) -> None:
        """From now on the doors are open, for an operator with this cut."""
        for door in self.doors:
            door.cut = cut

    async def open(self, door: Door) -> None:
        """One more door, until the room is left."""
        await self.leaving.enter_async_context(door.opened())
        self.doors.append(door)

    def ref(self, kind: str, name: str) -> Ref:
        """An object of this namespace."""
        return Ref(kind, self.namespace, name)

    async def make(self, kind: str, name: str, spec: Mapping[str, Any]) -> Object:
        """What `kubectl create` does."""
        metadata = {"name": name, "namespace": self.namespace}
        this = {"apiVersion": KINDS[kind].api_version, "kind": kind, "metadata": metadata, "spec": spec}
        made = await self.servers.admin.wire.send(Request("POST", path_of(kind, self.namespace), f"create {kind}", this))
        self.servers.seen.put(made)
        return made

    async def patch(self, kind: str, name: str, change: Mapping[str, Any], *, subresource: str = "") -> None:
        """What `kubectl patch --type=merge` does."""
        path = path_of(kind, self.namespace, name, subresource=subresource)
        changed = await self.servers.admin.wire.send(Request("PATCH", path, f"patch {kind} {name}", dict(change), content_type=MERGE))
        self.servers.seen.put(changed)

    async def delete(self, kind: str, name: str) -> None:
        """What `kubectl delete` does."""
        await self.servers.admin.wire.send(Request("DELETE", path_of(kind, self.namespace, name), f"delete {kind} {name}"))

    def get(self, kind: str, name: str) -> Object | None:
        """The object as it was last seen."""
        return self.servers.seen.get(self.ref(kind, name))

    def all(self, kind: str, selector: str = "") -> list[Object]:
        """All objects of a kind; see `Seen.all`."""
        return self.servers.seen.all(kind, self.namespace, selector)

    async def news(self) -> None:
        """Wait until something changes here; or for a moment, since not everything happens in the cluster."""
        with suppress(TimeoutError):
            async with asyncio.timeout(MOMENT):
                await self.servers.seen.news(self.namespace)

    async def pod_is(self, pod: Object, phase: str, state: Mapping[str, Any], *, ready: bool = False, address: str = "") -> None:
        """What a kubelet says of a pod's only container; a pod that is gone hears nothing."""
        (container, *_) = pod["spec"]["containers"]
        one = {"name": container["name"], "image": "x", "imageID": "registry.example/x@sha256:abc", "ready": ready, "restartCount": 0, "state": state}
        conditions = [{"type": kind, "status": "True"} for kind in ("Initialized", "Ready", "ContainersReady")] if ready else []
        status = {"phase": phase, "containerStatuses": [one], **({"conditions": conditions} if conditions else {})}
        status |= {"podIP": address, "podIPs": [{"ip": address}]} if address else {}
        try:
            await self.patch("Pod", pod["metadata"]["name"], {"status": status}, subresource="status")
        except Refused as refused:
            if refused.status not in (404, 409):
                raise

    async def asks_mlflow(self, method: str, path: str, **content: Any) -> Any:
        """What MLflow says; {} when it knows no such thing."""
        async with httpx.AsyncClient(base_url=f"{self.servers.mlflow}/api/2.0/mlflow/", timeout=30) as http:
            answer = await (http.get(path, params=content) if method == "GET" else http.request(method, path, json=content))
        if answer.status_code == 404:
            return {}
        answer.raise_for_status()
        return answer.json()

    def carried_out(self) -> list[Call]:
        """Every call of the operators so far that was carried out."""
        return [call for cut in self.notes.get("cuts", ()) for call in cut.carried_out]

    def audited(self) -> Iterator[Mapping[str, Any]]:
        """What the API server recorded of the operators' calls in this namespace."""
        with self.servers.cluster.audit_log.open() as lines:
            lines.seek(self.since)
            for line in lines:
                if self.namespace in line and USER in line and line.endswith("\n"):
                    event = json.loads(line)
                    if event["user"]["username"] == USER and (event.get("objectRef") or {}).get("namespace") == self.namespace:
                        yield event


@asynccontextmanager
async def room(servers: Servers) -> AsyncIterator[Room]:
    """A new room."""
    namespace = f"crash-{uuid4().hex[:8]}"
    folder = servers.folder / namespace
    folder.mkdir()
    since = servers.cluster.audit_log.stat().st_size
    metadata = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    await servers.admin.wire.send(Request("POST", "/api/v1/namespaces", "create a namespace", metadata))
    closed = Cut()
    closed.dead.set()
    doors = (
        Door(KUBERNETES, servers.cluster.server, servers.trust, closed),
        Door(MLFLOW, servers.mlflow, None, closed),
        Door(LABEL_STUDIO, servers.label_studio.url, None, closed, servers.turns),
    )
    async with AsyncExitStack() as stack:
        for door in doors:
            await stack.enter_async_context(door.opened())
        configuration = Configuration(folder, namespace)
        _write(configuration, *doors, servers)
        yield Room(servers=servers, namespace=namespace, configuration=configuration, doors=[*doors], since=since, leaving=stack)


def _write(configuration: Configuration, kubernetes: Door, mlflow: Door, label_studio: Door, servers: Servers) -> None:
    token = configuration.folder / "token"
    token.write_text(servers.label_studio.token)
    configuration.file.write_text(
        INSTALLATION.format(
            namespace=configuration.namespace, store=servers.s3.endpoint, mlflow=mlflow.url, label_studio=label_studio.url, token=token
        )
    )
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "door", "cluster": {"server": kubernetes.url}}],
        "users": [{"name": "operator", "user": {}}],
        "contexts": [{"name": "door", "context": {"cluster": "door", "user": "operator"}}],
        "current-context": "door",
    }
    configuration.kubeconfig.write_text(yaml.safe_dump(kubeconfig))


def now() -> str:
    """As the kubelet writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def owners(this: Object) -> list[str]:
    """UIDs of what owns an object."""
    return [owner["uid"] for owner in this["metadata"].get("ownerReferences") or ()]
