"""The watch: kopf, and kopf only here. It keeps the streams open, from where they ended or from anew; nothing of it writes.

kopf runs in a thread with an event loop of its own, because on its way out it cancels every task of the loop it ran in, and because it takes the
process's signal handlers when it can. What comes through its streams is handed to the engine's loop.

What it would do with an object itself is left out, since it costs more than all of ours: a task, loggers and a record per object. Both its LIST and
what its watches bring pass our HTTP session, so there its LIST is made to find nothing (ours follows), and events are taken out of its streams; of
each it is told no more than how far it brought the stream. The first watch request that follows a list request of the same path means LISTED.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, repeat

import aiohttp
import kopf

from treadle.api import names
from treadle.engine._access import Access
from treadle.engine._json import decode, encode
from treadle.engine._selection import selector_of
from treadle.engine._wire import path_of
from treadle.plan import KINDS, Object

log = logging.getLogger(__name__)

SERVER_TIMEOUT = 240
"""Seconds after which the server ends a watch; it is begun again where it ended."""
BACKOFFS = (0.2, 0.5, 1.0)
LONGEST_BACKOFF = 2.0
"""Seconds before a request that failed is tried again. With kopf's own, an outage of a minute is followed by up to 21 s in which nothing is heard."""
FAREWELL = 5.0
"""Seconds in which kopf may end when it is told to; its thread is a daemon."""
NOTHING = f"{names.MANAGED_BY},!{names.MANAGED_BY}"
"""A selector that no object meets: what kopf's LIST finds, whose resourceVersion is all that matters of it."""
CHANGES = ("ADDED", "MODIFIED", "DELETED")


@dataclass(frozen=True, kw_only=True)
class Ears:
    """Who is told what the watch hears; called in the engine's loop.

    Attributes:
        changed: (kind, changes), each a type (ADDED, MODIFIED, DELETED) and the object.
        listed: (kind, namespace) whenever a watch begins anew: what happened before is not told.
        alive: (kind) whenever the server answered a watch.
    """

    changed: Callable[[str, Sequence[tuple[str, Object]]], None]
    listed: Callable[[str, str | None], None]
    alive: Callable[[str], None]


class Watch:
    """Watches kinds in one kopf operator, until it is stopped or fails.

    Args:
        access: where the API server is.
        kinds: kinds that the cluster serves.
        namespaces: where; none means the whole cluster.
        ears: who is told.
    """

    def __init__(self, access: Access, kinds: Collection[str], namespaces: Collection[str], ears: Ears) -> None:
        self._access = access
        self._kinds = sorted(kinds)
        self._namespaces = sorted(namespaces)
        self._ears = ears
        self._loop = asyncio.get_running_loop()
        self._paths = {
            path_of(kind, namespace): (kind, namespace)
            for kind in self._kinds
            for namespace in (*self._namespaces, *(() if self._namespaces else (None,)))
        }
        self._listing: set[str] = set()

    async def run(self) -> None:
        """Watch until cancelled.

        Raises:
            RuntimeError: when kopf ended by itself.
        """
        stop, ended = threading.Event(), asyncio.Event()
        thread = threading.Thread(target=self._in_thread, args=(stop, ended), name="watch", daemon=True)
        thread.start()
        try:
            await ended.wait()
        finally:
            stop.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL):
                    await ended.wait()
        raise RuntimeError("the watch ended")

    def _in_thread(self, stop: threading.Event, ended: asyncio.Event) -> None:
        try:
            asyncio.run(self._operate(stop))
        except Exception:
            log.exception("the watch failed")
        finally:
            self._tell(ended.set)

    async def _operate(self, stop: threading.Event) -> None:
        entrance = await self._access.load()
        registry = kopf.OperatorRegistry()

        @kopf.on.login(registry=registry)  # type: ignore[untyped-decorator]
        async def login(**_: object) -> kopf.AiohttpSession:
            return kopf.AiohttpSession(server=entrance.server, default_namespace="default", aiohttp_session=entrance.session(self._overhear))

        for kind in self._kinds:
            resource = KINDS[kind]
            kopf.on.event(resource.group, resource.version, resource.plural, registry=registry, id=kind)(_idle)
        await kopf.operator(
            registry=registry,
            settings=_settings(self._kinds),
            clusterwide=not self._namespaces,
            namespaces=self._namespaces,
            standalone=True,
            identity=names.MANAGED_BY_VALUE,  # kopf would ask for the user's name, which a container's UID has not
            stop_flag=stop,
        )

    async def _overhear(self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        """Stand between kopf and the server."""
        path = request.url.path
        if (watched := self._paths.get(path)) is None:
            return await handler(request)
        watches = "watch" in request.url.query
        if not watches:
            request.url = request.url.update_query(labelSelector=NOTHING)
        response = await handler(request)
        if response.status == 200 and not watches:
            self._listing.add(path)
        elif response.status == 200:
            kind, namespace = watched
            response.content = Tapped(response.content, lambda changes: self._tell(self._ears.changed, kind, changes))  # type: ignore[assignment]
            self._tell(self._ears.alive, kind)
            if path in self._listing:
                self._listing.discard(path)
                self._tell(self._ears.listed, kind, namespace)
        return response

    def _tell(self, ear: Callable[..., object], *heard: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(ear, *heard)


class Tapped:
    """The content of a watch's answer, as kopf reads it. Changes are taken out of it and told; in their place stands how far the last one came.

    Args:
        stream: the content.
        changed: told the changes that came at once.
    """

    def __init__(self, stream: aiohttp.StreamReader, changed: Callable[[Sequence[tuple[str, Object]]], None]) -> None:
        self._stream = stream
        self._changed = changed

    def __getattr__(self, name: str) -> object:
        """In all else it is the content: aiohttp asks it how it ended."""
        return getattr(self._stream, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """What is left of the content; see `aiohttp.StreamReader.iter_chunked`."""
        rest = b""
        async for chunk in self._stream.iter_chunked(size):
            *lines, rest = (rest + chunk).split(b"\n")
            if lines:
                yield b"".join(self._left(lines))

    def _left(self, lines: Sequence[bytes]) -> list[bytes]:
        left: list[bytes] = []
        changes: list[tuple[str, Object]] = []
        for line in filter(None, lines):
            event = decode(line)
            if changed := event["type"] in CHANGES:
                changes.append((event["type"], event["object"]))
            else:
                left.append(line + b"\n")
        if changes:
            self._changed(changes)
            if changed:  # else a bookmark of the server's own, or an error, came after them
                reached = {"metadata": {"resourceVersion": changes[-1][1]["metadata"]["resourceVersion"]}}
                left.append(encode({"type": "BOOKMARK", "object": reached}) + b"\n")
        return left


class Backoffs:
    """Pauses without end, the same for every request: kopf gives up when there are no more, and a watch that is given up begins anew, with a LIST."""

    def __iter__(self) -> Iterator[float]:
        return chain(BACKOFFS, repeat(LONGEST_BACKOFF))


async def _idle(**_: object) -> None:
    """That there is a handler makes kopf watch; no event reaches it."""


def _settings(kinds: Collection[str]) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.process.ultimate_exiting_timeout = None
    settings.posting.enabled = False
    settings.posting.loggers = False
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    settings.networking.error_backoffs = Backoffs()
    settings.watching.server_timeout = SERVER_TIMEOUT
    settings.watching.client_timeout = SERVER_TIMEOUT + 10
    for kind in kinds:
        if selector := selector_of(kind):
            resource = KINDS[kind]
            settings.watching.label_selectors[resource.group, resource.version, resource.plural] = selector
    return settings
