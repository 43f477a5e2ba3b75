"""One real cluster for all end-to-end tests, with Treadle installed from its chart; each test has a namespace of its own."""

import json
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from e2e.cluster import Cluster, find
from e2e.cluster.progress import printed
from e2e.dashboards.reading import Reading
from e2e.environment import OPERATOR_NAMESPACE, Embedded, install_operator, install_services, prepare, tenant_secrets
from e2e.environment.target import get, kubectl
from e2e.support.prometheus import prometheus
from e2e.support.waiting import until

if TYPE_CHECKING:
    from e2e.support.turning import RestingLoop

NAME = "treadle-e2e"
OPERATOR_USER = f"system:serviceaccount:{OPERATOR_NAMESPACE}:treadle"


@dataclass(frozen=True)
class Environment:
    """What the tests run in."""

    target: Embedded
    images: dict[str, str]

    @property
    def cluster(self) -> Cluster:
        """The cluster itself, with its audit log."""
        return find(NAME)

    def kubectl(self, *words: str, stdin: str | None = None, timeout: float = 60) -> str:
        """`kubectl words...` as the administrator."""
        return kubectl(self.target, *words, stdin=stdin, timeout=timeout)

    def get(self, *words: str) -> dict[str, Any]:
        """`kubectl get words... -o json`."""
        return get(self.target, *words)

    def operator_requests(self, offset: int = 0) -> list[dict[str, Any]]:
        """What the operator asked of the API server, from the audit log."""
        return list(self.cluster.audit_events(user=OPERATOR_USER, offset=offset))

    def operator_writes(self, offset: int = 0) -> list[str]:
        """Its mutating requests, its own Lease apart: verb, resource and name."""
        writes = [e for e in self.operator_requests(offset) if e["verb"] in ("create", "update", "patch", "delete", "deletecollection")]
        return [_said(e) for e in writes if "objectRef" in e and e["objectRef"]["resource"] != "leases"]

    def restart_operator(self) -> None:
        """Kill the operator's pod without grace and wait for its successor to be ready."""
        self.kill_operator()
        self.kubectl("rollout", "status", "deployment/treadle", f"--namespace={OPERATOR_NAMESPACE}", "--timeout=90s", timeout=100)

    def kill_operator(self) -> None:
        """Kill the operator's pod without grace; its successor comes by itself."""
        self.kubectl(
            "delete", "pod", f"--namespace={OPERATOR_NAMESPACE}", "--selector=app.kubernetes.io/component=operator", "--grace-period=0", "--force"
        )


def _said(event: dict[str, Any]) -> str:
    ref = event["objectRef"]
    return f"{event['verb']} {ref['resource']}{'/' + ref['subresource'] if 'subresource' in ref else ''} {ref.get('namespace')}/{ref.get('name')}"


@pytest.fixture(scope="session")
def environment() -> Iterator[Environment]:
    """The cluster, the outside systems and the operator. It stays up between runs when TREADLE_E2E_KEEP is set."""
    target = Embedded(NAME)
    images = dict(prepare(target, printed))
    install_services(target, images, printed)
    install_operator(target, images, printed, installation="e2e")
    yield Environment(target, images)
    if not os.environ.get("TREADLE_E2E_KEEP"):
        target.down(printed)


@pytest.fixture(scope="session")
def reading(environment: Environment) -> Iterator[Reading]:
    """What a real Prometheus has read of the operator and of serving pods, from the first test on that asks for it."""
    with prometheus(environment.cluster) as reading:
        yield reading


@pytest.fixture(scope="session")
def loop(environment: Environment, reading: Reading) -> Iterator["RestingLoop"]:
    """The loop of the demo, turned once while the operator is killed at every station. Prometheus reads from the beginning."""
    from e2e.support.turning import NAMESPACE, turned

    yield turned(environment)
    environment.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture
def namespace(environment: Environment) -> Iterator[str]:
    """A tenant's namespace: restricted, with the Secrets of the connections."""
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    make_namespace(environment, name)
    yield name
    environment.kubectl("delete", "namespace", name, "--wait=false")


def make_namespace(environment: Environment, name: str) -> None:
    """Make a tenant's namespace as a platform team would."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    environment.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}))
    tenant_secrets(environment.target, name)


@pytest.fixture
def apply(environment: Environment, namespace: str) -> Callable[..., None]:
    """Apply objects into the test's namespace."""

    def apply_objects(*objects: dict[str, Any]) -> None:
        environment.kubectl(
            "apply", f"--namespace={namespace}", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        )

    return apply_objects


@pytest.fixture
def condition(environment: Environment, namespace: str) -> Callable[..., dict[str, Any]]:
    """Wait until a condition of an object has a status and reason; returns the condition."""

    def wait(kind: str, name: str, type_: str, status: str, reason: str | None = None, *, timeout: float = 60) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found = environment.get(kind, name, f"--namespace={namespace}").get("status", {}).get("conditions", ())
            return next((c for c in found if c["type"] == type_ and c["status"] == status and reason in (None, c["reason"])), None)

        return until(
            f"{kind} {name} {type_}={status} {reason or ''}",
            look,
            timeout=timeout,
            describe=lambda: environment.get(kind, name, f"--namespace={namespace}").get("status"),
        )

    return wait
