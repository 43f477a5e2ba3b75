"""A fresh API server with an empty etcd for each measurement, and nothing else that uses them."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import yaml

from e2e.cluster import Cluster, down, up
from e2e.cluster.waiting import until
from tests.bench.processes import cpu_of, preferred
from tests.integration.control_plane import CRDS, RULES

OPERATOR = "bench-operator"
PEER = "bench-jobset"
"""The users of Treadle and of JobSet: each has the rights that its chart grants, or all of them, and the audit log tells them apart."""
WARM_UP = "warm-up"
MEASURED = "measured"
AUDITED: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Request", "namespaces": [WARM_UP]}, {"level": "Metadata"}],
}
"""Bodies are written down in the warm-up only: what is measured costs every system the same."""
MUTATING = ("create", "update", "patch", "delete", "deletecollection")
BESIDE = ("events", "leases")
"""What a controller tells people, and its own Lease: counted apart."""
RESTING = 0.15
"""Seconds of CPU in one second, below which the API server has nothing left to do."""


def own_crds() -> list[dict[str, Any]]:
    """Treadle's kinds."""
    return [yaml.safe_load(path.read_text()) for path in sorted(CRDS.glob("*.yaml"))]


@asynccontextmanager
async def control_plane(*crds: dict[str, Any], jobs_run: bool = False) -> AsyncIterator[Cluster]:
    """An API server that knows these kinds, and the namespaces `warm-up` and `measured`, once it rests.

    Args:
        crds: what is installed.
        jobs_run: whether the controller manager goes on; without it nothing but the API server and etcd share the machine with what is measured.
    """
    name = f"bench-{os.getpid()}"
    cluster = up(name, "control-plane", keep=False, audited=AUDITED, progress=lambda line: None)
    try:
        preferred(os.getpid(), *(program.pid for program in cluster.programs().values() if program.pid))
        cluster.apply(*crds, *_rights(), *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": it}} for it in (WARM_UP, MEASURED)))
        for crd in crds:
            until(f"Serving {crd['metadata']['name']}", lambda name=crd["metadata"]["name"]: _served(cluster, name), timeout=30)  # type: ignore[misc]
        if not jobs_run:
            cluster.stop("kube-controller-manager", kill=True)
        await until_server_rests(cluster)
        yield cluster
    finally:
        down(name, progress=lambda line: None)


async def until_server_rests(cluster: Cluster, patience: float = 60) -> None:
    """Wait until the API server is idle: it works for seconds after a kind was installed, and cuts its watches then."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        before = server_cpu(cluster)
        await asyncio.sleep(1)
        if server_cpu(cluster) - before < RESTING:
            return
    raise AssertionError(f"the API server does not rest within {patience:.0f} s")


def server_cpu(cluster: Cluster) -> float:
    """Seconds of CPU that the API server and etcd have used so far."""
    programs = cluster.programs()
    return sum(cpu_of(pid) for name in ("kube-apiserver", "etcd") if (pid := programs[name].pid))


def log_size(cluster: Cluster) -> int:
    """Where the audit log ends now."""
    return cluster.audit_log.stat().st_size


def requests(cluster: Cluster, user: str, since: int) -> Counter[str]:
    """The finished requests of a user since then, as `verb resource`; watches are one each."""
    counted: Counter[str] = Counter()
    for event in cluster.audit_events(user=user, offset=since):
        about = event.get("objectRef") or {"resource": "discovery"}
        resource = "/".join(filter(None, (about["resource"], about.get("subresource"))))
        counted[f"{event['verb']} {resource}"] += 1
    return counted


def writes(counted: Counter[str] | dict[str, int], beside: Iterable[str] = BESIDE) -> int:
    """How many of these requests change something; `beside` are resources that are not counted."""
    return sum(count for what, count in counted.items() if (words := what.split())[0] in MUTATING and words[1] not in beside)


def _served(cluster: Cluster, kind: str) -> bool:
    cluster.kubectl("get", kind, "--all-namespaces")
    return True


def _rights() -> list[dict[str, Any]]:
    return [
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": OPERATOR}, "rules": RULES},
        _binding(OPERATOR, OPERATOR),
        _binding(PEER, "cluster-admin"),
    ]


def _binding(user: str, role: str) -> dict[str, Any]:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": user},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
