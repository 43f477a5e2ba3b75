"""The world around the replicas: people who apply TrainingRuns, and the kubelet and the programs, who do not care which operator lives."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from tests.bench.bare_client import MERGE_PATCH, BareClient, bare_client
from tests.integration.control_plane import Place
from treadle.api import names
from treadle.plan import Object

PATIENCE = 180.0


class World:
    """The TrainingRuns and pods of one namespace as they are now, and what is done to them."""

    def __init__(self, client: BareClient, namespace: str) -> None:
        self.client, self.namespace = client, namespace
        self.runs: dict[str, Object] = {}
        self.holder = ""
        """Who holds the Lease."""
        self._pods: dict[str, Object] = {}
        self._over: set[str] = set()
        self._tell = asyncio.Event()
        self._living: asyncio.Task[None] | None = None

    async def apply(self, wanted: Iterable[str], *, tracked: bool = True) -> None:
        """Apply runs, one after the other."""
        tracking = {"experiment": "wave"} if tracked else {"type": "None"}
        for name in wanted:
            spec = {"image": "registry.example/train:1", "tracking": tracking}
            await self.client.post(self.path("treadle.dev/v1alpha1", "trainingruns"), run(name, spec))

    def finish(self, wanted: Collection[str]) -> None:
        """The programs of these runs end well, those that have not begun yet as soon as they have."""
        self._over |= set(wanted)
        self._tell.set()

    def phase(self, name: str) -> str:
        return str((self.runs.get(name, {}).get("status") or {}).get("phase", ""))

    def closed(self, name: str) -> bool:
        """Whether a run has succeeded and is closed in the tracking server."""
        tracking = (self.runs[name].get("status") or {}).get("tracking") or {}
        return self.phase(name) == "Succeeded" and bool(tracking.get("closed"))

    async def until(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait until it is so.

        Raises:
            AssertionError: it was not in time.
        """
        deadline = time.monotonic() + PATIENCE
        while not holds():
            if self._living and self._living.done():
                self._living.result()
            assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE:.0f} s: {[(n, self.phase(n)) for n in sorted(self.runs)]}"
            await asyncio.sleep(0.05)

    def path(self, api: str, plural: str, name: str = "") -> str:
        root = f"/apis/{api}" if "/" in api else f"/api/{api}"
        return f"{root}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    @asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Look on, and play the kubelet, while the block runs."""
        self._living = asyncio.create_task(self._live())
        try:
            yield
        finally:
            self._living.cancel()
            await asyncio.wait({self._living})

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as group:
            for part in (self._follow_runs(), self._follow_pods(), self._follow_lease(), self._play_kubelet()):
                group.create_task(part)

    async def _follow_runs(self) -> None:
        async for this in self.client.follow(self.path("treadle.dev/v1alpha1", "trainingruns")):
            self.runs[this["metadata"]["name"]] = this

    async def _follow_pods(self) -> None:
        async for pod in self.client.follow(self.path("v1", "pods")):
            self._pods[pod["metadata"]["name"]] = pod
            self._tell.set()

    async def _follow_lease(self) -> None:
        async for lease in self.client.follow(self.path("coordination.k8s.io/v1", "leases")):
            self.holder = str(lease["spec"].get("holderIdentity") or "")

    async def _play_kubelet(self) -> None:
        told: dict[str, str] = {}
        while True:
            await self._tell.wait()
            self._tell.clear()
            for name, pod in tuple(self._pods.items()):
                over = pod["metadata"]["labels"].get(names.RUN) in self._over
                wanted = "Succeeded" if over and told.get(name) == "Running" else "Running"
                if told.get(name) not in (wanted, "Succeeded"):
                    await self.client.patch(self.path("v1", "pods", f"{name}/status"), {"status": pod_status(wanted)}, MERGE_PATCH)
                    told[name] = wanted
                    self._tell.set()


def run(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "treadle.dev/v1alpha1", "kind": "TrainingRun", "metadata": {"name": name}, "spec": spec}


def pod_status(phase: str) -> dict[str, Any]:
    """What a kubelet says of a pod of one container."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    state = {"running": {"startedAt": now}} if phase == "Running" else {"terminated": {"exitCode": 0, "startedAt": now, "finishedAt": now}}
    container = {"name": "main", "image": "x", "imageID": "registry.example/train@sha256:abc", "ready": False, "restartCount": 0}
    return {"phase": phase, "containerStatuses": [container | {"state": state}]}


@asynccontextmanager
async def world(place: Place) -> AsyncIterator[World]:
    """The world of one namespace while the block runs."""
    await asyncio.to_thread(place.kubectl, "get", "trainingruns")  # waits until a definition that was just made is served
    async with bare_client(place.cluster.kubeconfig) as client:
        seen = World(client, place.namespace)
        async with seen.living():
            yield seen
