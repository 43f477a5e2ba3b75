"""The raw limit: in the controller's place a bare client that makes only the writes which cannot be spared."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.bench.bare_client import HANDS, JSON_PATCH, BareClient, spread
from tests.bench.systems import TRAINING_RUNS, Necessary, jobs_path


class Replacement:
    """In a controller's place. This one does nothing, because a controller is there."""

    def applied(self, it: dict[str, Any]) -> None:
        """An object was made."""

    def completed(self, name: str) -> None:
        """The object's Job is complete."""

    async def run(self) -> None:
        """Work until cancelled."""


class RawLimit(Replacement):
    """A bare client that makes nothing but the necessary writes. It never looks: the load tells it what happened."""

    def __init__(self, client: BareClient, namespace: str, writes: Necessary) -> None:
        self._client, self._namespace, self._writes = client, namespace, writes
        self._runs: dict[str, dict[str, Any]] = {}
        self._work: asyncio.Queue[Callable[[], Awaitable[object]]] = asyncio.Queue()

    def applied(self, it: dict[str, Any]) -> None:
        metadata = it["metadata"]
        self._runs[metadata["name"]] = metadata
        job = self._writes.job_for(metadata["name"], metadata["uid"], self._namespace)
        self._work.put_nowait(lambda: self._client.post(jobs_path(self._namespace), job))

    def completed(self, name: str) -> None:
        metadata = self._runs[name]
        patch = self._writes.status_for(name, metadata["uid"], self._namespace)
        patch[0]["value"] = metadata["resourceVersion"]
        path = f"{TRAINING_RUNS.path(self._namespace)}/{name}/status"
        self._work.put_nowait(lambda: self._client.patch(path, patch, JSON_PATCH))

    async def run(self) -> None:
        async def carry(call: Callable[[], Awaitable[object]]) -> None:
            await call()

        await spread(HANDS, self._work, carry)
