"""A real API server and controller manager for the session, a namespace per test, and an operator user with the rights that the design grants."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from e2e.cluster import Cluster, down, up
from tests.integration.engine_toy import permissive_crd
from treadle.api import names

CRDS = Path(__file__).parents[2] / "crds"
READ = ["get", "list", "watch"]
RULES: Sequence[Mapping[str, Any]] = (
    {"apiGroups": [names.GROUP], "resources": ["annotationprojects"], "verbs": [*READ, "patch"]},
    {"apiGroups": [names.GROUP], "resources": ["trainingruns"], "verbs": [*READ, "create", "delete"]},
    {"apiGroups": [names.GROUP], "resources": ["modeldeployments"], "verbs": READ},
    {"apiGroups": [names.GROUP], "resources": ["annotationprojects/status", "trainingruns/status", "modeldeployments/status"], "verbs": ["patch"]},
    {
        "apiGroups": [names.GROUP],
        "resources": ["annotationprojects/finalizers", "trainingruns/finalizers", "modeldeployments/finalizers"],
        "verbs": ["update"],
    },
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": [*READ, "create", "delete"]},
    {
        "apiGroups": ["apps", "", "policy"],
        "resources": ["deployments", "services", "poddisruptionbudgets"],
        "verbs": [*READ, "create", "patch", "delete"],
    },
    {"apiGroups": [""], "resources": ["pods"], "verbs": READ},
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "list"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]},
)
"""The operator's rights, as DESIGN section 6 has them; optional kinds are switched off."""


@dataclass(frozen=True)
class Place:
    """One test's namespace in a cluster; `rules`: what an operator may do there."""

    cluster: Cluster
    namespace: str
    rules: Sequence[Mapping[str, Any]] = RULES

    def operator(self, name: str = "operator") -> Path:
        """A kubeconfig of an operator that has its rights in this namespace only."""
        user = f"{name}-{self.namespace}"
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "operator"}
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
        self.cluster.apply(
            self._rbac("Role", "operator", rules=self.rules),
            self._rbac("RoleBinding", name, roleRef=reference, subjects=[subject]),
        )
        return self.cluster.kubeconfig_for(user)

    def writes(self, since: int, name: str = "operator") -> list[str]:
        """What an operator wrote since the audit log had that size, its Lease and Events apart: `verb resource/name`."""
        return [
            " ".join([event["verb"], "/".join(filter(None, (ref["resource"], ref.get("name"), ref.get("subresource"))))])
            for event in self.cluster.audit_events(user=f"{name}-{self.namespace}", offset=since)
            if event["verb"] in ("create", "update", "patch", "delete", "deletecollection")
            and (ref := event["objectRef"])["resource"] not in ("leases", "events")
        ]

    def reads(self, since: int, name: str = "operator") -> list[str]:
        """The objects that an operator read one by one since then, its Lease apart: `get resource/name`."""
        return [
            f"{event['verb']} {ref['resource']}/{ref['name']}"
            for event in self.cluster.audit_events(user=f"{name}-{self.namespace}", offset=since)
            if event["verb"] == "get" and (ref := event.get("objectRef") or {}).get("name") and ref["resource"] != "leases"
        ]

    def refused(self, since: int, name: str = "operator") -> list[str]:
        """What an operator was forbidden since then, apart from kinds that it may not read."""
        return [
            f"{event['verb']} {event['objectRef']['resource']}"
            for event in self.cluster.audit_events(user=f"{name}-{self.namespace}", offset=since)
            if event["responseStatus"]["code"] == 403 and event["verb"] != "list"
        ]

    def now(self) -> int:
        """The size of the audit log."""
        return self.cluster.audit_log.stat().st_size

    def kubectl(self, *words: str) -> str:
        """kubectl in this namespace, as the administrator."""
        return self.cluster.kubectl(f"--namespace={self.namespace}", *words)

    def _rbac(self, kind: str, name: str, **content: Any) -> dict[str, Any]:
        metadata = {"name": name, "namespace": self.namespace}
        return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, **content}


@pytest.fixture(scope="session")
def control_plane() -> Iterator[Cluster]:
    """A control plane with Treadle's own kinds."""
    name = f"it-kinds-{os.getpid()}"
    cluster = up(name, "control-plane", keep=False)
    try:
        cluster.apply_kinds(*(yaml.safe_load(path.read_text()) for path in sorted(CRDS.glob("*.yaml"))))
        yield cluster
    finally:
        down(name)


@pytest.fixture(scope="session")
def toy_control_plane() -> Iterator[Cluster]:
    """A control plane where Treadle's kinds take any content: for tests of the engine alone."""
    name = f"it-engine-{os.getpid()}"
    cluster = up(name, "control-plane", keep=False)
    try:
        kinds = {"AnnotationProject": "annotationprojects", "TrainingRun": "trainingruns", "ModelDeployment": "modeldeployments"}
        cluster.apply(*(permissive_crd(kind, plural) for kind, plural in kinds.items()))
        yield cluster
    finally:
        down(name)


@pytest.fixture
def place(control_plane: Cluster) -> Place:
    """A namespace of its own where Treadle's kinds are real."""
    return place_in(control_plane)


@pytest.fixture
def toys(toy_control_plane: Cluster) -> Place:
    """A namespace of its own for the engine's toy kind."""
    return place_in(toy_control_plane)


def place_in(cluster: Cluster) -> Place:
    """A namespace of its own in a cluster."""
    namespace = f"t-{uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", namespace)
    return Place(cluster, namespace)
