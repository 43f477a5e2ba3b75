"""A proxy that fails as it is told to: between the operator (or a Job) and a real server stands one of these.

It runs in a thread with an event loop of its own, so that a test that blocks does not slow it down. Faults are a list that a test may change at any
time; for each request the first that matches decides. What matches none is passed on as it came, byte for byte, streams included.
"""

import asyncio
import re
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from yarl import URL

from tests.faults.misdeeds import Fault, Misdeed, cut
from tests.integration.processes import free_port

HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-authorization", "expect"})


@dataclass(frozen=True)
class Heard:
    """A request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    status: int


@dataclass
class Proxy:
    """A running proxy.

    Attributes:
        url: where it listens.
        heard: every request that was answered, in order.
    """

    url: str
    heard: list[Heard] = field(default_factory=list)
    _faults: list[Fault] = field(default_factory=list)
    _used: dict[int, int] = field(default_factory=dict)
    _streams: dict[int, web.Request] = field(default_factory=dict)
    _misled: set[int] = field(default_factory=set)
    _frozen: list[str] = field(default_factory=list)
    _loop: asyncio.AbstractEventLoop | None = None
    _listen: Callable[[bool], Awaitable[None]] | None = None

    def refuse(self) -> None:
        """Stop listening: connections are refused until `accept`."""
        self._listening(False)

    def accept(self) -> None:
        """Listen again at the same address."""
        self._listening(True)

    def _listening(self, wanted: bool) -> None:
        assert self._loop is not None
        assert self._listen is not None
        if not wanted:
            self.cut()

        async def listen() -> None:
            assert self._listen is not None
            await self._listen(wanted)

        asyncio.run_coroutine_threadsafe(listen(), self._loop).result(10)

    def set(self, *faults: Fault) -> None:
        """Let exactly these faults happen from now on; none: the proxy is honest. Hanging requests of earlier faults are dropped."""
        self._used = {}
        self._faults = list(faults)
        self._frozen = []
        self.cut(hanging_only=True)

    def freeze(self, path: str) -> None:
        """Let nothing more through of the answers that stream for this path (a regular expression), until `set` or `cut`."""
        self._frozen = [*self._frozen, path]

    def cut(self, path: str = ".*", *, hanging_only: bool = False) -> int:
        """Break the requests under way for this path, watches for instance; returns how many."""
        under_way = [request for request in list(self._streams.values()) if re.search(path, request.raw_path)]
        concerned = [request for request in under_way if not hanging_only or id(request) in self._misled]
        for request in concerned:
            assert self._loop is not None
            self._loop.call_soon_threadsafe(cut, request)
        return len(concerned)

    def happened(self) -> int:
        """How many requests met a fault since `set`."""
        return sum(self._used.values())

    def misdeed_for(self, request: web.Request) -> Misdeed | None:
        """The first fault that concerns the request and is not used up."""
        for fault in self._faults:
            used = self._used.get(id(fault), 0)
            if fault.matches(request) and (fault.times is None or used < fault.times):
                self._used[id(fault)] = used + 1
                return fault.misdeed
        return None


@contextmanager
def proxy(
    upstream: str,
    *,
    trust: ssl.SSLContext | None = None,
    serve: ssl.SSLContext | None = None,
    route: Callable[[str], str] = lambda path: path,
) -> Iterator[Proxy]:
    """Run a proxy in front of `upstream` while the block runs.

    Args:
        upstream: URL of the real server.
        trust: how to speak TLS with it, the identity towards it included.
        serve: TLS towards whoever connects.
        route: the server's path for a path that was asked.
    """
    ready, stop = threading.Event(), asyncio.Event()
    running = Proxy("")

    async def serve_until_stopped() -> None:
        running._loop = asyncio.get_running_loop()
        connector = aiohttp.TCPConnector(ssl=trust if trust is not None else True, limit=0)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False, timeout=timeout) as session:

            async def handle(request: web.Request) -> web.StreamResponse:
                return await _handled(running, session, upstream, route, request)

            server = web.Server(handle, access_log=None)  # type: ignore[arg-type]
            runner = web.ServerRunner(server, shutdown_timeout=0.1)
            await runner.setup()
            port = free_port()
            sites: list[web.TCPSite] = []

            async def listen(wanted: bool) -> None:
                while sites and not wanted:
                    await sites.pop().stop()
                    for connection in server.connections:  # idle ones too
                        connection.force_close()
                if wanted and not sites:
                    sites.append(web.TCPSite(runner, "127.0.0.1", port, ssl_context=serve))
                    await sites[0].start()

            await listen(True)
            running._listen = listen
            running.url = f"{'https' if serve else 'http'}://127.0.0.1:{port}"
            ready.set()
            await stop.wait()
            await runner.cleanup()

    thread = threading.Thread(target=asyncio.run, args=(serve_until_stopped(),), name=f"proxy of {upstream}", daemon=True)
    thread.start()
    assert ready.wait(10), "the proxy did not start"
    try:
        yield running
    finally:
        assert running._loop is not None
        running.cut()
        running._loop.call_soon_threadsafe(stop.set)
        thread.join(10)


async def _handled(
    running: Proxy, session: aiohttp.ClientSession, upstream: str, route: Callable[[str], str], request: web.Request
) -> web.StreamResponse:
    try:
        body = await request.read()
    except ConnectionError:
        return web.Response()  # gone before it had asked
    running._streams[id(request)] = request

    async def passed_on() -> web.StreamResponse:
        return await _passed_on(running, session, upstream + route(request.raw_path), request, body)

    response: web.StreamResponse | None = None
    try:
        if (misdeed := running.misdeed_for(request)) is not None:
            running._misled.add(id(request))
            response = await misdeed(request, passed_on)
        else:
            response = await passed_on()
        return response
    finally:
        del running._streams[id(request)]
        running._misled.discard(id(request))
        running.heard.append(Heard(request.method, request.raw_path, dict(request.headers), response.status if response else 0))


async def _passed_on(running: Proxy, session: aiohttp.ClientSession, url: str, request: web.Request, body: bytes) -> web.StreamResponse:
    headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP]
    try:
        async with session.request(
            request.method,
            URL(url, encoded=True),
            headers=headers,
            data=body or None,
            allow_redirects=False,
            skip_auto_headers=("User-Agent", "Accept"),
        ) as answer:
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP]
            response = web.StreamResponse(status=answer.status, headers=dict(kept))
            await response.prepare(request)
            async for chunk in _flowing(running, request, answer):
                await response.write(chunk)
            await response.write_eof()
            return response
    except (aiohttp.ClientError, ConnectionError, TimeoutError):
        cut(request)  # whoever asked sees what we saw: the server went away
        return web.Response()


async def _flowing(running: Proxy, request: web.Request, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async for chunk in answer.content.iter_any():
        if any(re.search(path, request.raw_path) for path in running._frozen):
            continue  # lost on the way
        yield chunk
