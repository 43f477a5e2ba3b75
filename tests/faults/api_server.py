"""The cases of the API server."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from tests.faults.cases import HTML, LOGIN_PAGE
from tests.faults.children import Deleted, Drifted, Foreign, names_taken
from tests.faults.drill import Breakdown, Case
from tests.faults.misdeeds import Fault, answers, delays, drops, hangs
from tests.faults.scenes import Runs, Scene
from tests.faults.world import System, World
from tests.integration.engine_toy import eventually
from treadle.engine._wire import Refused
from treadle.plan import Trouble

BURST = 8.0
LONG = 30.0
OUTAGE = 60.0
LEASE = 15.0
"""Seconds; longer than the Lease lasts."""
JUMP = 2 * 3600.0
WATCHES = "watch="
API_SERVER = "kube-apiserver"
GATEWAY = '{"error": {"code": 7, "message": "no route"}}'


def api_server() -> Sequence[Case]:
    """All of them."""
    away: Mapping[str, Any] = {"shared": True, "silence": "nothing can be written", "lasts": BURST}
    return [
        _case("cut", "every watch is cut twice a second", again_and_again(0.5, _cut_watches), lasts=BURST),
        _case(
            "gone",
            "watches are silent; what is deleted meanwhile they never tell, since their place in the stream is gone (410)",
            silent_until_gone,
            Deleted(),
            shared=True,
            silence="nothing: nobody hears of it",
        ),
        _case("storm", "409: somebody else writes to the objects 20 times a second", again_and_again(0.05, _touch), lasts=BURST),
        _case("busy", "429 with Retry-After to everything", proxied(_refusing(429, "TooManyRequests", 2)), **away),
        _case("burst", "503 to everything", proxied(_refusing(503, "ServiceUnavailable")), **{**away, "lasts": LONG}),
        _case(
            "jobs",
            "500 to the making of Jobs",
            proxied(_refusing(500, "InternalError", of=("POST", "/jobs"))),
            Runs(tracked=False, late=False),
            reason="Unreachable",
            shared=True,
        ),
        _case("down", f"down for {OUTAGE:.0f} s: connections are refused", refused, **{**away, "lasts": OUTAGE}),
        _case("drops", "drops connections", proxied(Fault(drops)), **away),
        _case("hangs", "takes requests and never answers; watches are silent", hanging, **{**away, "lasts": LEASE}),
        _case("slow", "slow: every answer takes a second", proxied(Fault(delays(1.0))), lasts=BURST),
        _case("slower", "slow: every answer takes 4 s, too long for the Lease", proxied(Fault(delays(4.0))), **{**away, "lasts": LEASE}),
        _case("login", "answers a page to log in, to watches too", proxied(Fault(answers(200, LOGIN_PAGE, HTML))), **away),
        _case("types", "answers JSON of another form, to watches too", proxied(Fault(answers(200, GATEWAY))), **away),
        _case("token", "the operator's token is revoked; later its file holds a new one", token_revoked, **away),
        _case("ahead", "the operator's clock jumps two hours ahead, and back", clock_jumps(JUMP), lasts=BURST),
        _case("behind", "the operator's clock jumps two hours back, and ahead again", clock_jumps(-JUMP), lasts=BURST),
        _case("drift", "a Deployment is edited, a Service and the Job of a live run are deleted", nothing_else, Drifted(), reason="RetryPending"),
        _case("foreign", "a Job and a Service of somebody else have our names", names_taken, Foreign(), reason="NameConflict"),
    ]


def _case(name: str, words: str, fault: Breakdown, scene: Scene | None = None, **more: Any) -> Case:
    return Case(system=System.API_SERVER, name=f"api-{name}", words=words, fault=fault, scene=scene or Runs(tracked=False), **more)


def proxied(*faults: Fault) -> Breakdown:
    """The proxy before the API server fails in this way."""

    @asynccontextmanager
    async def broken(world: World, name: str) -> AsyncIterator[None]:
        standing = world.proxies[System.API_SERVER]
        standing.set(*faults)
        standing.cut(WATCHES)  # or those under way would be honest
        try:
            yield
            assert standing.happened(), "nobody met the fault"
        finally:
            standing.set()

    return broken


def _refusing(status: int, reason: str, retry_after: int = 0, of: tuple[str, str] = (".*", ".*")) -> Fault:
    """As the API server words it."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": f"{reason}, for a test", "code": status}
    return Fault(answers(status, json.dumps(body), {"retry-after": str(retry_after)} if retry_after else {}), *of)


@asynccontextmanager
async def refused(world: World, name: str) -> AsyncIterator[None]:
    """Nobody listens. The cluster itself goes on: its controllers and kubelets do."""
    standing = world.proxies[System.API_SERVER]
    standing.refuse()
    try:
        yield
    finally:
        standing.accept()


@asynccontextmanager
async def hanging(world: World, name: str) -> AsyncIterator[None]:
    """Nothing comes back any more, and no connection breaks."""
    standing = world.proxies[System.API_SERVER]
    standing.set(Fault(hangs))
    standing.freeze(WATCHES)
    try:
        yield
    finally:
        standing.set()
        standing.cut(WATCHES)


@asynccontextmanager
async def silent_until_gone(world: World, name: str) -> AsyncIterator[None]:
    """Watches tell nothing; then the API server is killed, and the new one remembers nothing of before: their resourceVersions are too old.
    A watch that begins anew does so with a LIST that finds nothing.
    """
    standing = world.proxies[System.API_SERVER]
    since = len(standing.heard)
    standing.freeze(WATCHES)
    try:
        yield
    finally:
        await asyncio.to_thread(world.cluster.stop, API_SERVER, kill=True)
        standing.set()
        await asyncio.to_thread(world.cluster.start, API_SERVER)

    async def begins_anew() -> bool:
        return any("managed-by" in heard.path and ("%21" in heard.path or "!" in heard.path) for heard in standing.heard[since:])

    await eventually("a watch begins anew", begins_anew, timeout=30)


def again_and_again(pause: float, misdeed: Callable[[World, str], Awaitable[object]]) -> Breakdown:
    """Somebody does this all the time."""

    @asynccontextmanager
    async def broken(world: World, name: str) -> AsyncIterator[None]:
        async def keep_on() -> None:
            while True:
                with suppress(Refused, Trouble):
                    await misdeed(world, name)
                await asyncio.sleep(pause)

        task = asyncio.create_task(keep_on())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    return broken


async def _cut_watches(world: World, name: str) -> None:
    world.proxies[System.API_SERVER].cut(WATCHES)


async def _touch(world: World, name: str) -> None:
    """Change an annotation of each object of the case, so that what was read is not up to date."""
    change = {"metadata": {"annotations": {"test.example/touched": str(asyncio.get_running_loop().time())}}}
    await asyncio.gather(*(world.patch("TrainingRun", f"{name}-{which}", change) for which in ("new", "ending")), return_exceptions=True)


@asynccontextmanager
async def token_revoked(world: World, name: str) -> AsyncIterator[None]:
    """The API server refuses the token (401) from the beginning on."""
    standing = world.proxies[System.API_SERVER]
    since = len(standing.heard)

    async def is_refused() -> bool:
        return any(heard.status == 401 for heard in standing.heard[since:])

    await asyncio.to_thread(world.passport.revoke)
    try:
        await eventually("the token is refused", is_refused, timeout=60)
        yield
    finally:
        await asyncio.to_thread(world.passport.issue)


def clock_jumps(seconds: float) -> Breakdown:
    """The operator's clock is wrong."""

    @asynccontextmanager
    async def broken(world: World, name: str) -> AsyncIterator[None]:
        world.operator.set_clock(seconds)
        try:
            yield
        finally:
            world.operator.set_clock(0)

    return broken


@asynccontextmanager
async def nothing_else(world: World, name: str) -> AsyncIterator[None]:
    """What people do meanwhile is all."""
    yield
