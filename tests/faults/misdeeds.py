"""What a proxy can do with a request instead of passing it on."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web

LONGEST_HANG = 600.0
"""Seconds after which even a hanging request is dropped."""

Upstream = Callable[[], Awaitable[web.StreamResponse]]
Misdeed = Callable[[web.Request, Upstream], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Fault:
    """What goes wrong with which requests.

    Attributes:
        misdeed: what is done instead of passing the request on.
        method, path: regular expressions; the path has its query with it.
        times: how often; None means until the fault is taken away.
    """

    misdeed: Misdeed
    method: str = ".*"
    path: str = ".*"
    times: int | None = None

    def matches(self, request: web.Request) -> bool:
        """Whether it concerns this request."""
        return bool(re.fullmatch(self.method, request.method) and re.search(self.path, request.raw_path))


def answers(status: int, body: bytes | str = b"", headers: Mapping[str, str] | None = None) -> Misdeed:
    """Another answer than the server's, which never hears of the request."""

    async def misdeed(request: web.Request, upstream: Upstream) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers={"content-type": "application/json", **(headers or {})})

    return misdeed


def floods(megabytes: int) -> Misdeed:
    """A JSON answer that does not end before so many megabytes."""

    async def misdeed(request: web.Request, upstream: Upstream) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "application/json"})
        await response.prepare(request)
        with suppress(ConnectionError):
            await response.write(b'{"results": "')
            for _ in range(megabytes):
                await response.write(b"x" * (1 << 20))
            await response.write(b'"}')
        return response

    return misdeed


async def hangs(request: web.Request, upstream: Upstream) -> web.StreamResponse:
    """Accept the request and say nothing."""
    await asyncio.sleep(LONGEST_HANG)
    return await drops(request, upstream)


async def drops(request: web.Request, upstream: Upstream) -> web.StreamResponse:
    """Close the connection without an answer, as a server that is down behind a load balancer."""
    cut(request)
    return web.Response()


async def loses_the_answer(request: web.Request, upstream: Upstream) -> web.StreamResponse:
    """Let the server carry out the request, and close the connection before the answer."""
    await upstream()
    cut(request)
    return web.Response()


async def breaks_off(request: web.Request, upstream: Upstream) -> web.StreamResponse:
    """Begin an answer, and close the connection in the middle of it."""
    response = web.StreamResponse(headers={"content-type": "application/json", "content-length": "4096"})
    await response.prepare(request)
    with suppress(ConnectionError):
        await response.write(b'{"experiment": {"ex')
    cut(request)
    return response


async def drips(request: web.Request, upstream: Upstream) -> web.StreamResponse:
    """Begin an answer, and send a byte a second."""
    response = web.StreamResponse(headers={"content-type": "application/json"})
    await response.prepare(request)
    with suppress(ConnectionError):
        for _ in range(int(LONGEST_HANG)):
            await response.write(b" ")
            await asyncio.sleep(1)
    return response


async def repeats_the_credentials(request: web.Request, upstream: Upstream) -> web.StreamResponse:
    """Refuse the credentials, and say them."""
    return web.json_response({"error": f"wrong: {request.headers.get('authorization')}"}, status=401)


def delays(seconds: float) -> Misdeed:
    """Pass the request on later."""

    async def misdeed(request: web.Request, upstream: Upstream) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await upstream()

    return misdeed


def cut(request: web.Request) -> None:
    """Break the connection of a request."""
    if request.transport is not None:
        request.transport.abort()
