"""The server of the page: on loopback, behind a secret path, with the user's own rights, and only as long as somebody looks."""

import asyncio
import hashlib
import json
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources
from typing import Any

from aiohttp import web

from treadle.cli.ui._history import History
from treadle.cli.ui._view import View, identity, samples_of, view_of
from treadle.plan import Object, Trouble

HOST = "127.0.0.1"
FRESH = 2.0
"""Seconds that a look at the cluster is good for, however many pages ask."""
SAMPLES = 500
"""Points of a curve; older ones are forgotten."""
FILES = {"": ("page.html", "text/html"), "page.css": ("page.css", "text/css"), "page.js": ("page.js", "text/javascript")}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

Read = Callable[[], Awaitable[Sequence[Object]]]


class Page:
    """What pages are told, and who may ask.

    Whatever runs on this machine can reach loopback, other users too: the path holds a secret. A web site that points its own name at loopback is
    refused by the Host header.

    Args:
        read: reads the objects.
        history: knows the whole course of runs' metrics, where the user named an MLflow.
        clock: seconds that never go back.
        now: seconds since 1970, for the curves.
    """

    def __init__(
        self, read: Read, history: History | None = None, *, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time
    ) -> None:
        self.secret = secrets.token_urlsafe(16)
        self._read, self._history, self._clock, self._now = read, history, clock, now
        self._runs: set[str] = set()
        self._one_look = asyncio.Lock()
        self._told: tuple[float, bytes, str] | None = None
        self._curves: dict[str, dict[str, deque[tuple[float, float]]]] = {}

    def application(self) -> web.Application:
        """The routes: the page with its files, and what it shows."""
        application = web.Application(middlewares=[_guarded])
        for path, (name, kind) in FILES.items():
            application.router.add_get(f"/{self.secret}/{path}", _file(name, kind))
        application.router.add_get(f"/{self.secret}/loop.json", self._loop)
        application.router.add_get(f"/{self.secret}/history.json", self._course)
        return application

    async def _course(self, request: web.Request) -> web.Response:
        """The curves of a run that the page shows; it asks once somebody looks at it."""
        run = request.query.get("run", "")
        if self._history is None or run not in self._runs:
            return web.json_response({"curves": {}})
        try:
            return web.json_response({"curves": await self._history.of(run)})
        except Trouble as trouble:
            return web.json_response({"curves": {}, "error": str(trouble)})

    async def _loop(self, request: web.Request) -> web.Response:
        try:
            body, tag = await self._look()
        except Trouble as trouble:
            return web.json_response({"error": str(trouble)}, status=502)
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        response = web.Response(body=body, content_type="application/json", headers={"ETag": tag})
        response.enable_compression()
        return response

    async def _look(self) -> tuple[bytes, str]:
        async with self._one_look:
            if self._told is None or self._clock() - self._told[0] > FRESH:
                body = json.dumps(self._with_curves(await self._read()), separators=(",", ":")).encode()
                self._told = (self._clock(), body, f'"{hashlib.sha256(body).hexdigest()[:16]}"')
            return self._told[1], self._told[2]

    def _with_curves(self, objects: Sequence[Object]) -> View:
        """The view, each node with the points seen since this server runs. What MLflow knows is asked for apart, by `_course`."""
        view = view_of(objects)
        self._runs = {node["tracked"] for node in view["nodes"] if node["tracked"]}
        seen = {identity(this) for this in objects}
        self._curves = {name: curves for name, curves in self._curves.items() if name in seen}
        for this in objects:
            curves = self._curves.setdefault(identity(this), {})
            for name, value in samples_of(this).items():
                points = curves.setdefault(name, deque(maxlen=SAMPLES))
                if not points or points[-1][1] != value:
                    points.append((round(self._now(), 1), value))
        for node in view["nodes"]:
            node["curves"] = {name: list(points) for name, points in self._curves[node["id"]].items() if points}
        return view


async def serve(page: Page, port: int, ready: Callable[[str], None]) -> None:
    """Serve until cancelled. `ready` is told the address, which is worth a secret.

    Raises:
        OSError: if the port is taken.
    """
    runner = web.AppRunner(page.application(), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port)
        await site.start()
        bound: Any = runner.addresses[0]
        ready(f"http://{HOST}:{bound[1]}/{page.secret}/")
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


@web.middleware
async def _guarded(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    if request.host.rpartition(":")[0] not in (HOST, "localhost"):
        raise web.HTTPForbidden(text="this page is asked for by the name of loopback only")
    response = await handler(request)
    response.headers.update(HEADERS)
    return response


def _file(name: str, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    body = resources.files(__package__).joinpath(name).read_bytes()

    async def send(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8")

    return send
