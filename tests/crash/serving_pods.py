"""Serving pods without a model: their control port takes orders as the shipped one does, and callers who do not exist are counted under each."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.crash.calls import SERVING_PODS
from tests.crash.cutting import Door
from tests.crash.room import Room
from treadle.contracts.serving import CONTROL_PATH, CONTROL_PORT, RuntimeSpec
from treadle.plan import Object
from treadle.runtime._errors import Refused
from treadle.runtime._orders import verified
from treadle.runtime._traffic import Traffic

CALLERS = 300
"""Under each order, on each side."""
QUICK = 0.002
"""Seconds."""
_NUMBERS = itertools.count(1)


@dataclass
class ServingPods:
    """The control ports of the pods of one life.

    Attributes:
        bad: the canary answers nobody well.
    """

    bad: bool = False
    _pods: dict[str, Traffic] = field(default_factory=dict)
    _specs: dict[str, RuntimeSpec] = field(default_factory=dict)
    _url: str = ""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Answer while the block runs."""
        application = web.Application()
        application.router.add_route("*", f"/{{address}}{CONTROL_PATH}", self._answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield
        finally:
            await runner.cleanup()

    async def begin(self, room: Room, pod: Object) -> str:
        """A pod starts: it knows what its template says. Returns its address, which has a door of its own."""
        address = loopback()
        (told,) = [each["value"] for container in pod["spec"]["containers"] for each in container.get("env", ()) if each["name"] == "TREADLE_RUNTIME"]
        self._specs[address] = RuntimeSpec.model_validate_json(told)
        self._pods[address] = Traffic(self._specs[address])
        await room.open(Door(SERVING_PODS, f"{self._url}/{address}", None, room.doors[0].cut, host=address, port=CONTROL_PORT))
        return address

    async def _answer(self, request: web.Request) -> web.Response:
        address = request.match_info["address"]
        pod, code = self._pods[address], 200
        if request.method == "PUT":
            try:
                order = verified(await request.read(), self._specs[address])
            except Refused as refused:
                return web.json_response({"error": str(refused)}, status=refused.code)
            fresh = order.sequence > pod.state().sequence
            code = 200 if pod.apply(order) else 409
            if fresh and pod.canary:
                self._call(pod)
        return web.Response(text=pod.state().to_json(), status=code, content_type="application/json")

    def _call(self, pod: Traffic) -> None:
        for _ in range(CALLERS):
            pod.counts.stable.succeeded(QUICK)
            pod.counts.canary.failed() if self.bad else pod.counts.canary.succeeded(QUICK)


def loopback() -> str:
    """An address of this machine that no other pod of any test has."""
    process, number = os.getpid() % 100, next(_NUMBERS)
    return f"127.{100 + process}.{number // 250 % 250}.{number % 250 + 1}"
