"""Cutting an operator off before or after any one of its calls, at the doors of the servers that it calls.

A door stands in front of each server. The operator knows only the doors; they pass every call on, count it, and at one call end the operator:
before the call reaches the server, or after the server has carried it out and before the answer is told. From then on nothing comes through, until
the next operator is let in.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from tests.crash.calls import Call, told
from tests.crash.turns import Turns

HOPS = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})
"""Headers that belong to one connection, not to the message."""
BODY_LIMIT = 64 * 1024 * 1024


@dataclass
class Cut:
    """Where an operator is ended; never, when `at` is empty.

    Attributes:
        at: the name of the call.
        after: whether it is carried out first, and only its answer is lost.
        kill: ends the operator.
        calls: every call so far by its name: a write by its number too, a read only when it is made for the first time.
        met: whether that call was made.
        carried_out: the calls that came through with success, in order; reads that do not count too.
        dead: set once the operator is ended.
    """

    at: str = ""
    after: bool = False
    kill: Callable[[], None] = lambda: None
    calls: list[str] = field(default_factory=list)
    met: bool = False
    carried_out: list[Call] = field(default_factory=list)
    dead: asyncio.Event = field(default_factory=asyncio.Event)
    _made: Counter[str] = field(default_factory=Counter)

    def meets(self, call: Call) -> bool:
        """Count a call; whether it is the one."""
        if self.dead.is_set() or (said := told(call)) is None:
            return False
        self._made[said.name] += 1
        if said.reads and self._made[said.name] > 1:
            return False
        name = said.name if self._made[said.name] == 1 else f"{said.name} ({self._made[said.name]})"
        self.calls.append(name)
        self.met = self.met or name == self.at
        return name == self.at

    def fall(self) -> None:
        """End the operator."""
        self.dead.set()
        self.kill()


@dataclass
class Door:
    """A door in front of one server.

    Attributes:
        server: its name in the table.
        upstream: its URL.
        trust: how to be sure of it, and who we are there; None for plain HTTP.
        cut: of the operator that is let in at present.
        turns: in which the server saves and deletes; None where it may do both at once.
        host, port: where it is; silent: any free port of this machine.
    """

    server: str
    upstream: str
    trust: ssl.SSLContext | None
    cut: Cut
    turns: Turns | None = None
    url: str = ""
    host: str = "127.0.0.1"
    port: int = 0

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Let calls through while the block runs; sets `url`."""
        # Servers close idle connections; one per call keeps a door from meeting that by chance. TLS costs too much for it, and that server waits.
        connector = aiohttp.TCPConnector(limit=0, ssl=self.trust or True, force_close=self.trust is None)
        self._session = aiohttp.ClientSession(auto_decompress=False, connector=connector, timeout=aiohttp.ClientTimeout(total=None))
        application = web.Application(client_max_size=BODY_LIMIT)
        application.router.add_route("*", "/{path:.*}", self._pass)
        runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, self.host, self.port)
        await site.start()
        self.url = f"http://{self.host}:{runner.addresses[0][1]}"
        try:
            yield
        finally:
            await runner.cleanup()
            await self._session.close()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        cut = self.cut
        call = Call(self.server, request.method, request.path, await request.read())
        here = cut.meets(call)
        if here and not cut.after:
            cut.fall()
        if cut.dead.is_set():
            return _silence(request)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOPS}
        sending = self._session.request(
            request.method, self.upstream + request.raw_path, data=call.body or None, headers=headers, allow_redirects=False
        )
        if "watch" in request.query:
            async with sending as answer:
                return await self._stream(request, answer, cut)
        # A server carries on, whether or not somebody still listens.
        return await asyncio.shield(asyncio.ensure_future(self._carried_out(request, call, sending, cut, here=here)))

    async def _carried_out(
        self, request: web.Request, call: Call, sending: AbstractAsyncContextManager[aiohttp.ClientResponse], cut: Cut, *, here: bool
    ) -> web.Response:
        async with self._turn(call), sending as answer:
            body = await answer.read()
        if answer.status < 400 and told(call):
            cut.carried_out.append(call)
        if here:
            cut.fall()
        if cut.dead.is_set():
            return _silence(request)
        return web.Response(status=answer.status, body=body, headers=_told_on(answer))

    def _turn(self, call: Call) -> AbstractAsyncContextManager[None]:
        if self.turns is None or call.method == "GET":
            return nullcontext()
        return self.turns.deleting() if call.method == "DELETE" else self.turns.saving()

    async def _stream(self, request: web.Request, answer: aiohttp.ClientResponse, cut: Cut) -> web.StreamResponse:
        """Pass a watch on, event by event, until one side ends it or the operator is dead."""
        response = web.StreamResponse(status=answer.status, headers=_told_on(answer))
        await response.prepare(request)
        end = asyncio.create_task(_close_once(cut.dead, answer))
        try:
            while chunk := await answer.content.readany():
                await response.write(chunk)
            await response.write_eof()
        except (ConnectionError, aiohttp.ClientError):
            _silence(request)
        finally:
            end.cancel()
        return response


async def _close_once(dead: asyncio.Event, answer: aiohttp.ClientResponse) -> None:
    await dead.wait()
    answer.close()


def _silence(request: web.Request) -> web.Response:
    """Tell nothing: break the connection off."""
    with suppress(AttributeError):  # the other side did that already
        request.transport.abort()  # type: ignore[union-attr]
    return web.Response()


def _told_on(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.lower() not in HOPS}
