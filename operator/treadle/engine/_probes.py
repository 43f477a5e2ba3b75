"""The HTTP port for the kubelet and Prometheus: /livez, /readyz, /metrics."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

from aiohttp import web

from treadle.engine._metrics import Metrics

DEAD_AFTER = 900.0
"""Seconds without an event, an answered watch or a LIST of some kind after which the process is called dead: re-LISTs come every 600."""


class Pulse:
    """Signs of life of what is watched.

    Args:
        clock: seconds on a clock that only moves forward.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._last: dict[str, float] = {}

    def beat(self, source: str) -> None:
        """A sign of life of a source."""
        self._last[source] = self._clock()

    def silent(self) -> str | None:
        """A source that has been silent for too long."""
        now = self._clock()
        return next((source for source, last in sorted(self._last.items()) if now - last > DEAD_AFTER), None)


@asynccontextmanager
async def probes(*, host: str | None, port: int, pulse: Pulse, metrics: Metrics, ready: Callable[[], str | None]) -> AsyncIterator[int]:
    """Serve while the block runs; yields the port (0 asks for a free one).

    Args:
        host: to listen on; None: every address, IPv4 and IPv6.
        port: likewise.
        pulse: decides /livez.
        metrics: shown by /metrics.
        ready: what is still missing, in words, or None; decides /readyz.
    """

    async def livez(request: web.Request) -> web.Response:
        silent = pulse.silent()
        return web.Response(status=500 if silent else 200, text=f"silent: {silent}\n" if silent else "ok\n")

    async def readyz(request: web.Request) -> web.Response:
        missing = ready()
        return web.Response(status=503 if missing else 200, text=f"{missing}\n" if missing else "ok\n")

    async def figures(request: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app = web.Application()
    app.add_routes([web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", figures)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
