"""Who answers a request beside a canary that does not, and whose fault that was. The canary is a real server; only the stable model is invented."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from starlette.responses import Response

from treadle.api.rollout import Analysis
from treadle.contracts.serving import RuntimeLimits, RuntimeSpec
from treadle.contracts.traffic import SERVER_TIMING, TrafficOrder
from treadle.runtime._asked import Asked
from treadle.runtime._bodies import Body
from treadle.runtime._canary import CanaryClient
from treadle.runtime._divide import divide
from treadle.runtime._errors import Refused
from treadle.runtime._service import refusal
from treadle.runtime._traffic import Traffic
from treadle.serving.judgement import Demands, Evidence, Outcome, judge

SPEC = RuntimeSpec(namespace="ml", deployment="digits", revision="aaaaaa", model_name="digits", model_version="1")
SOON = 0.4
"""Seconds that a request has, where something is waited for in vain. Of these a canary gets half."""
Act = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
"""What a canary does with the body of a request."""


async def answers(body: bytes, writer: asyncio.StreamWriter) -> None:
    said = json.dumps({"model_version": "2"}).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(said), said))
    await writer.drain()


async def never_answers(body: bytes, writer: asyncio.StreamWriter) -> None:
    await asyncio.get_running_loop().create_future()


async def hangs_up(body: bytes, writer: asyncio.StreamWriter) -> None:
    """As a process does that dies of it."""


async def breaks_off(body: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"model_version": "2"')
    await writer.drain()


async def dies_of_three_in_ten(body: bytes, writer: asyncio.StreamWriter) -> None:
    await (hangs_up if int(body) % 10 < 3 else answers)(body, writer)


@dataclass
class Pod:
    """A stable pod, as far as dividing goes. `seconds`: what its model says that an answer took."""

    limits: RuntimeLimits
    seconds: float = 0.001
    traffic: Traffic = field(default_factory=lambda: Traffic(SPEC, clock=lambda: 0.0))

    def __post_init__(self) -> None:
        self.canary = CanaryClient(self.limits)

    def order(self, canary: str, **share: float) -> None:
        told = {"namespace": "ml", "deployment": "digits", "revision": "aaaaaa", "sequence": 1, "expires": 60, "canary": canary}
        self.traffic.apply(TrafficOrder.model_validate(told | share))

    async def ask(self, content: bytes = b"7", *, whole: bool = True) -> Response:
        """A caller's request; one that is not whole ends with its caller."""
        messages = [{"type": "http.request", "body": content, "more_body": not whole}, {"type": "http.disconnect"}]

        async def receive() -> dict[str, object]:
            return messages.pop(0)

        asked = Asked({"path": "/v2/models/digits/infer", "headers": []}, receive)  # type: ignore[arg-type]
        body = Body(asked, self.limits)

        async def own() -> Response:
            try:
                await body.read()
                response = Response(b'{"model_version": "1"}')
            except Refused as refused:
                response = refusal(refused)
            response.headers[SERVER_TIMING] = f"app;dur={self.seconds * 1000:.3f}"
            return response

        return await divide(asked, body, self.traffic, self.canary, own, lambda _: None)

    async def versions(self, times: int) -> list[str]:
        """Who answered, one request after the other."""
        return [json.loads((await self.ask(b"%d" % number)).body)["model_version"] for number in range(times)]


@asynccontextmanager
async def beside(act: Act, seconds: float = 30.0, **limits: int) -> AsyncIterator[tuple[Pod, str]]:
    """A stable pod, and the URL of a canary that acts like that."""
    tasks: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        headers = await reader.readuntil(b"\r\n\r\n")
        await act(await reader.readexactly(int(headers.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])), writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    pod = Pod(RuntimeLimits(request_seconds=seconds, **limits))
    try:
        yield pod, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            if task is not None:
                task.cancel()
        await pod.canary.close()


async def test_a_request_that_a_canary_never_answers_is_answered_all_the_same_and_is_its_error() -> None:
    async with beside(never_answers, SOON) as (pod, canary):
        pod.order(canary, weight=50)
        assert await pod.versions(4) == ["1"] * 4
    state = pod.traffic.state()
    assert (state.canary.requests, state.canary.errors, state.unreached, state.stable.requests) == (2, 2, 0, 2)


@pytest.mark.parametrize("act", [hangs_up, breaks_off])
@pytest.mark.parametrize("share", ["weight", "shadow"])
async def test_a_request_that_a_canary_dies_of_is_its_error(act: Act, share: str) -> None:
    async with beside(act) as (pod, canary):
        pod.order(canary, **{share: 100})
        assert await pod.versions(5) == ["1"] * 5
        deadline = time.monotonic() + 10
        while pod.traffic.counts.canary.requests < 5:  # copies are sent beside
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
    state = pod.traffic.state()
    assert (state.canary.errors, state.unreached, state.compared) == (5, 0, 0)


@pytest.mark.parametrize(("act", "outcome"), [(dies_of_three_in_ten, Outcome.FAILED), (answers, Outcome.PASSED)])
async def test_a_version_that_dies_of_three_in_ten_requests_fails_and_a_whole_one_does_not(act: Act, outcome: Outcome) -> None:
    async with beside(act) as (pod, canary):
        pod.order(canary, weight=50)
        await pod.versions(200)
    demands = Demands(Analysis(min_samples=100), shadow=False, alpha=0.001)
    assert judge(Evidence.of([pod.traffic.state()]), demands).outcome is outcome


async def test_a_version_that_is_not_there_is_not_reached() -> None:
    async with beside(answers) as (pod, canary):
        pass
    pod = Pod(pod.limits)
    pod.order(canary, weight=50)
    assert await pod.versions(4) == ["1"] * 4
    await pod.canary.close()
    state = pod.traffic.state()
    assert (state.canary.requests, state.unreached, state.stable.requests) == (0, 2, 2)


async def test_nobody_is_to_blame_where_the_stable_version_takes_longer_than_was_waited_for() -> None:
    async with beside(never_answers, SOON) as (pod, canary):
        pod.seconds = SOON
        pod.order(canary, weight=50)
        assert await pod.versions(2) == ["1"] * 2
    state = pod.traffic.state()
    assert (state.canary.requests, state.unreached, state.stable.requests) == (0, 0, 1)


async def test_a_slow_canary_gets_half_of_the_places_and_nobody_waits_for_one() -> None:
    go, begun = asyncio.Event(), asyncio.Semaphore(0)

    async def waits(body: bytes, writer: asyncio.StreamWriter) -> None:
        begun.release()
        await go.wait()
        await answers(body, writer)

    async with beside(waits, concurrency=1, queue=4) as (pod, canary):
        pod.order(canary, weight=100)
        async with asyncio.timeout(10):
            slow = [asyncio.create_task(pod.ask()) for _ in range(2)]
            for _ in slow:
                await begun.acquire()
            assert await pod.versions(8) == ["1"] * 8
            go.set()
            assert [json.loads((await task).body)["model_version"] for task in slow] == ["2", "2"]
            assert await pod.versions(1) == ["2"]
    state = pod.traffic.state()
    assert (state.dropped, state.stable.requests, state.canary.requests, state.canary.errors) == (8, 8, 3, 0)


@pytest.mark.parametrize("share", ["weight", "shadow"])
async def test_a_caller_who_hangs_up_is_no_error_of_either_version(share: str) -> None:
    async with beside(answers) as (pod, canary):
        pod.order(canary, **{share: 100})
        assert (await pod.ask(whole=False)).status_code == 499
    state = pod.traffic.state()
    assert (state.stable.requests, state.canary.requests, state.unreached, state.dropped) == (0, 0, 0, 0)
