"""The least that a client of the API server can be: it sends, and it follows a watch. No limits, no cache, no retries of what was refused."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from treadle.engine import Access

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
TIMEOUT = aiohttp.ClientTimeout(total=60)
HANDS = 32
"""Calls at once: of whoever applies, of the kubelet, and of the bare client in the operator's place."""


class BareClient:
    """One session as the administrator."""

    def __init__(self, server: str, session: aiohttp.ClientSession) -> None:
        self._server, self._session = server, session

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return await self._send("POST", path, body, "application/json")

    async def patch(self, path: str, body: Any, content_type: str) -> dict[str, Any]:
        return await self._send("PATCH", path, body, content_type)

    async def follow(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """Every state of the objects under a path that the server tells, from now on; begun again when a watch ends."""
        while True:
            listed = await self._send("GET", path, None, "")
            for item in listed["items"]:
                yield item
            query = {"watch": "1", "resourceVersion": listed["metadata"]["resourceVersion"]}
            async with self._session.get(self._server + path, params=query, timeout=aiohttp.ClientTimeout(total=None)) as response:
                rest = b""
                async for chunk in response.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        event = json.loads(line)
                        if event["type"] == "ERROR":
                            break
                        yield event["object"]

    async def _send(self, method: str, path: str, body: Any, content_type: str) -> dict[str, Any]:
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type} if content_type else {}
        async with self._session.request(method, self._server + path, data=data, headers=headers, timeout=TIMEOUT) as response:
            text = await response.read()
            assert response.status < 300, f"{method} {path}: {response.status} {text[:1000]!r}"
            answer: dict[str, Any] = json.loads(text)
            return answer


@asynccontextmanager
async def bare_client(kubeconfig: Path) -> AsyncIterator[BareClient]:
    """A client while the block runs."""
    entrance = await Access(str(kubeconfig)).load()
    async with entrance.session() as session:
        yield BareClient(entrance.server, session)


async def spread(count: int, queue: "asyncio.Queue[Any]", work: Any) -> None:
    """Take from a queue with so many hands, until cancelled."""
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(_take(queue, work))


async def _take(queue: "asyncio.Queue[Any]", work: Any) -> None:
    while True:
        await work(await queue.get())
