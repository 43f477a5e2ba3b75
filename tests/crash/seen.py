"""The objects of the cluster as the API server tells of them: many lives look on, and none of them asks."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from treadle.engine import Access
from treadle.engine._wire import path_of
from treadle.plan import Object, Ref, ref_of

KINDS = ("AnnotationProject", "TrainingRun", "ModelDeployment", "Job", "Pod", "Deployment", "Service", "PodDisruptionBudget")
AGAIN = 0.5
"""Seconds until a watch that broke is begun again."""


class Seen:
    """Everything of these kinds, in all namespaces; as new as the watches are, and as whatever was `put`."""

    def __init__(self) -> None:
        self._objects: dict[Ref, Object] = {}
        self._news: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def get(self, ref: Ref) -> Object | None:
        """One object."""
        return self._objects.get(ref)

    def all(self, kind: str, namespace: str, selector: str) -> list[Object]:
        """The objects of a kind in a namespace that have a label, or a label with a value (`name=value`)."""
        name, _, value = selector.partition("=")
        found = [this for ref, this in self._objects.items() if (ref.kind, ref.namespace) == (kind, namespace)]
        labels = [(this, this["metadata"].get("labels") or {}) for this in found]
        return [this for this, own in labels if not name or (own.get(name) == value if value else name in own)]

    def put(self, this: Object) -> None:
        """What an answer of the API server shows, unless something newer is known."""
        ref = ref_of(this)
        if ref not in self._objects or _version(self._objects[ref]) < _version(this):
            self._objects[ref] = this
            self._tell(ref.namespace)

    async def news(self, namespace: str) -> None:
        """Return once something changes in a namespace."""
        await self._news[namespace].wait()

    @asynccontextmanager
    async def following(self, access: Access) -> AsyncIterator[None]:
        """Look on while the block runs."""
        entrance = await access.load()
        async with entrance.session() as session:
            following = [asyncio.create_task(self._follow(session, entrance.server, kind)) for kind in KINDS]
            try:
                yield
            finally:
                for task in following:
                    task.cancel()
                await asyncio.wait(following)

    async def _follow(self, session: aiohttp.ClientSession, server: str, kind: str) -> None:
        url = server + path_of(kind)
        while True:
            try:
                async with session.get(url) as answer:
                    listed = await answer.json()
                self._listed(kind, [{**item, "kind": kind} for item in listed["items"]])
                query = {"watch": "1", "resourceVersion": listed["metadata"]["resourceVersion"]}
                async with session.get(url, params=query, timeout=aiohttp.ClientTimeout(total=None)) as answer:
                    async for event in _events(answer.content):
                        self._happened(event)
            except (aiohttp.ClientError, KeyError):
                await asyncio.sleep(AGAIN)

    def _listed(self, kind: str, items: Iterable[Object]) -> None:
        there = {ref_of(item): item for item in items}
        for ref in [ref for ref in self._objects if ref.kind == kind and ref not in there]:
            self._gone(self._objects[ref])
        for item in there.values():
            self.put(item)

    def _happened(self, event: Any) -> None:
        if event["type"] == "DELETED":
            self._gone(event["object"])
        elif event["type"] in ("ADDED", "MODIFIED"):
            self.put(event["object"])

    def _gone(self, this: Object) -> None:
        """Another one of the same name may be there already."""
        ref = ref_of(this)
        if ref in self._objects and self._objects[ref]["metadata"]["uid"] == this["metadata"]["uid"]:
            del self._objects[ref]
            self._tell(ref.namespace)

    def _tell(self, namespace: str) -> None:
        if namespace in self._news:
            self._news.pop(namespace).set()


async def _events(lines: aiohttp.StreamReader) -> AsyncIterator[Any]:
    rest = b""
    async for chunk in lines.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield json.loads(line)


def _version(this: Object) -> int:
    return int(this["metadata"]["resourceVersion"])
