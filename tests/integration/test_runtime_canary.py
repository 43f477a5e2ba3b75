"""A stable pod and a canary as real processes: who answers, what is counted, and that no caller ever sees a canary fail."""

import asyncio
import contextlib
import socket
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.integration import loopback
from tests.integration.runtime_process import Runtime, forked_as, free_port
from tests.unit.predictors.models import PIXELS, png_text, save_digits
from tests.unit.runtime.test_orders import key
from treadle.connections.serving_pods import ControlKey, ServingPods
from treadle.connections.traffic import SERVING_PODS, NoAnswer, OrderTraffic, PodDrift, PodTraffic, StablePods
from treadle.contracts.drift import DriftReport
from treadle.contracts.serving import RuntimeLimits, RuntimeSpec
from treadle.contracts.sketch import Reference, Sketch
from treadle.contracts.traffic import TrafficState
from treadle.predictors import feature_columns, load_model
from treadle.statistics.sketches import sketch_of

STABLE = StablePods(namespace="ml", deployment="digits", revision="aaaaaa")
DEADLINE = 20.0
BODY = {"inputs": [{"name": "item", "shape": [1], "datatype": "BYTES", "data": [png_text(3)]}]}


@dataclass
class Pair:
    """Both processes, and the operator's connection to them."""

    stable: Runtime
    canary: Runtime
    key: ControlKey
    instead: str = ""
    """What stands in the canary's place, by its URL."""

    async def order(self, sequence: int, **share: float) -> TrafficState | NoAnswer:
        """Divide the traffic as the operator would; what the stable pod says then."""
        pods = self._pods()
        wish = OrderTraffic(
            connection=SERVING_PODS,
            pods=STABLE,
            addresses=("127.0.0.1",),
            sequence=sequence,
            expires=time.time() + 300,
            canary=self.instead or self.canary.url,
            weight=share.get("weight", 0),
            shadow=share.get("shadow", 0),
        )
        (said,) = (await pods.carry_out(wish)).values()
        await pods.close()
        assert isinstance(said, TrafficState | NoAnswer)
        return said

    async def drift(self, since: int) -> Sketch | None:
        """What the stable pod has counted after this window."""
        pods = self._pods()
        (said,) = (await pods.answer([PodDrift(connection=SERVING_PODS, pods=STABLE, address="127.0.0.1", since=since)])).values()
        await pods.close()
        assert isinstance(said, DriftReport), said
        return said.window

    async def state(self) -> TrafficState:
        pods = self._pods()
        (said,) = (await pods.answer([PodTraffic(connection=SERVING_PODS, pods=STABLE, address="127.0.0.1")])).values()
        await pods.close()
        assert isinstance(said, TrafficState), said
        return said

    def ask(self, times: int, path: str = "/v2/models/digits/infer") -> Counter[str]:
        """Which version answered how often; anything but 200 fails the test."""
        versions: Counter[str] = Counter()
        with loopback.Client(base_url=self.stable.url, timeout=30) as client:
            for _ in range(times):
                answer = client.post(path, json=BODY)
                assert answer.status_code == 200, answer.text
                versions[answer.json()["model_version"]] += 1
        return versions

    def send(self, method: str, url: str, content: bytes = b"{}") -> int:
        """The status of a single request."""
        return loopback.request(method, url, content=content, headers={"content-type": "application/json"}, timeout=30).status_code

    def metrics(self) -> str:
        """What the stable pod tells Prometheus."""
        return loopback.get(f"{self.stable.url}/metrics", timeout=10).text

    def _pods(self) -> ServingPods:
        return ServingPods(self.key, lambda address: f"http://{address}:{self.stable.spec.control_port}")


def save_reference(model: Path, path: Path) -> Path:
    """What an evaluation would store with the model."""
    loaded = load_model(model)
    known = loaded.infer({"input-0": PIXELS[:100]})
    path.write_text(Reference(split="test", sketch=sketch_of(100, feature_columns(known.given), loaded.answer_columns(known))).to_json())
    return path


@pytest.fixture
def pair(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Two versions of one model; the name by which the canary's is served may be another one."""
    other = getattr(request, "param", "digits")
    ours, model = key(tmp_path), save_digits(tmp_path / "model")
    reference = save_reference(model, tmp_path / "reference.json")
    with ExitStack() as stack:
        stable, canary = (
            stack.enter_context(
                forked_as(
                    RuntimeSpec(
                        namespace="ml",
                        deployment="digits",
                        revision=revision,
                        model_name=name,
                        model_version=version,
                        model_directory=str(model),
                        port=free_port(),
                        control_port=free_port(),
                        control_key=ours.public,
                        limits=RuntimeLimits(linger_seconds=0.2),
                        drift_seconds=1,
                        reference_file=str(reference),
                    ),
                    tmp_path / f"{revision}.log",
                )
            )
            for revision, version, name in (("aaaaaa", "1", "digits"), ("bbbbbb", "2", other))
        )
        yield Pair(stable, canary, ours)


@pytest.fixture
def alone(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Only a stable pod, whose requests have so many seconds; a test puts something in the canary's place."""
    ours = key(tmp_path)
    spec = RuntimeSpec(
        namespace="ml",
        deployment="digits",
        revision="aaaaaa",
        model_name="digits",
        model_version="1",
        model_directory=str(save_digits(tmp_path / "model")),
        port=free_port(),
        control_port=free_port(),
        control_key=ours.public,
        limits=RuntimeLimits(linger_seconds=0.2, request_seconds=getattr(request, "param", 2.0)),
    )
    with forked_as(spec, tmp_path / "stable.log") as stable:
        yield Pair(stable, stable, ours)


class Strange(socketserver.ThreadingTCPServer):
    """Takes each request whole and then does something strange with the connection. `most`: requests that it had at the same time."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, act: Callable[[socket.socket], None]) -> None:
        super().__init__(("127.0.0.1", 0), _Taken)
        self.act, self.lock, self.now, self.most = act, threading.Lock(), 0, 0


class _Taken(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        length = 0
        while (line := self.rfile.readline().strip().lower()) != b"":
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        self.rfile.read(length)
        server = self.server
        assert isinstance(server, Strange)
        with server.lock:
            server.now += 1
            server.most = max(server.most, server.now)
        server.act(self.request)
        with server.lock:
            server.now -= 1


def never_answers(connection: socket.socket) -> None:
    connection.settimeout(30)
    with contextlib.suppress(OSError):
        connection.recv(1)


def hangs_up(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def breaks_off(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"model_version": "2"')


def is_slow(connection: socket.socket) -> None:
    time.sleep(2)
    answer = b'{"model_version": "2"}'
    connection.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(answer), answer))


@contextlib.contextmanager
def strange(act: Callable[[socket.socket], None]) -> Iterator[tuple[str, Strange]]:
    """Its URL, and the server itself."""
    with Strange(act) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", server
        server.shutdown()


async def test_a_canary_that_never_answers_fails_and_callers_get_their_answer_in_time(alone: Pair) -> None:
    with strange(never_answers) as (alone.instead, _):
        await alone.order(1, weight=50)
        began = time.monotonic()
        assert alone.ask(4) == {"1": 4}
        assert time.monotonic() - began < 4, "none of the two that it got waited for the whole time that a request has"
    state = await alone.state()
    assert (state.canary.requests, state.canary.errors, state.unreached, state.stable.errors) == (2, 2, 0, 0)


@pytest.mark.parametrize("act", [hangs_up, breaks_off])
async def test_a_canary_that_dies_of_a_request_has_failed_it(alone: Pair, act: Callable[[socket.socket], None]) -> None:
    with strange(act) as (alone.instead, _):
        await alone.order(1, weight=50)
        assert alone.ask(20) == {"1": 20}
        state = await alone.state()
        assert (state.canary.errors, state.unreached, state.stable.requests) == (10, 0, 10)
        await alone.order(2, shadow=100)
        assert alone.ask(5) == {"1": 5}
        deadline = time.monotonic() + DEADLINE
        while (state := await alone.state()).canary.requests < 5:
            assert time.monotonic() < deadline, state
    assert (state.canary.errors, state.unreached, state.compared) == (5, 0, 0)


@pytest.mark.parametrize("alone", [30.0], indirect=True)
async def test_a_slow_canary_fills_no_stable_pod_and_nobody_is_turned_away(alone: Pair) -> None:
    with strange(is_slow) as (alone.instead, server):
        await alone.order(1, weight=50)
        connections = httpx.Limits(max_connections=100)
        with loopback.Client(base_url=alone.stable.url, timeout=30, limits=connections) as client, ThreadPoolExecutor(90) as callers:
            answers = list(callers.map(lambda _: client.post("/v2/models/digits/infer", json=BODY), range(90)))
    assert {answer.status_code for answer in answers} == {200}
    limits = alone.stable.spec.limits
    assert server.most <= (limits.concurrency + limits.queue) // 2
    state = await alone.state()
    assert state.dropped > 0
    assert (state.stable.requests + state.canary.requests, state.canary.errors) == (90, 0)


async def test_a_caller_who_hangs_up_is_no_error_of_either_version(alone: Pair) -> None:
    with strange(is_slow) as (alone.instead, _):
        await alone.order(1, weight=50)
        for _ in range(4):
            with socket.create_connection(("127.0.0.1", alone.stable.spec.port)) as caller:
                caller.sendall(b"POST /v2/models/digits/infer HTTP/1.1\r\nhost: here\r\ncontent-length: 1000\r\n\r\n{")
        deadline = time.monotonic() + DEADLINE
        while 'code="499",deployment="digits",model_version="1",namespace="ml",revision="aaaaaa"} 4.0' not in alone.metrics():
            assert time.monotonic() < deadline, alone.metrics()
    state = await alone.state()
    assert (state.stable.requests, state.canary.requests, state.unreached) == (0, 0, 0)


async def test_what_the_stable_pod_counts_for_drift_is_told_window_by_window(pair: Pair) -> None:
    assert pair.ask(20) == {"1": 20}
    deadline = time.monotonic() + DEADLINE
    while (window := await pair.drift(since=0)) is None or window.items < 20:
        assert time.monotonic() < deadline, f"{window.items if window else 0} of 20 requests were counted"
        await asyncio.sleep(0.2)
    assert sum(window.predictions["label"].all_counts()) == 20


async def test_the_canary_answers_its_share_and_both_are_counted(pair: Pair) -> None:
    assert pair.ask(5) == {"1": 5}
    await pair.order(1, weight=25)
    assert pair.ask(40) == {"1": 30, "2": 10}
    state = await pair.state()
    assert (state.stable.requests, state.canary.requests, state.canary.errors, state.weight) == (30, 10, 0, 25)
    assert sum(state.canary.latencies.values()) == 10
    assert pair.ask(3, "/v2/models/digits/versions/1/infer") == {"1": 3}, "who names a version gets it"


async def test_copies_are_compared_and_nobody_waits_for_them(pair: Pair) -> None:
    await pair.order(1, shadow=100)
    assert pair.ask(20) == {"1": 20}
    deadline = time.monotonic() + DEADLINE
    while (state := await pair.state()).compared < 20:
        assert time.monotonic() < deadline, state
    assert (state.agreed, state.canary.requests, state.dropped) == (20, 20, 0)


async def test_a_canary_that_dies_is_no_callers_concern(pair: Pair) -> None:
    await pair.order(1, weight=50)
    pair.canary.process.kill()
    pair.canary.process.wait(10)
    assert pair.ask(20) == {"1": 20}
    state = await pair.state()
    assert (state.unreached, state.canary.errors, state.stable.requests) == (10, 0, 10)


async def test_what_is_the_callers_fault_is_nobodys_error(pair: Pair) -> None:
    await pair.order(1, weight=100)
    assert pair.send("POST", f"{pair.stable.url}/v2/models/digits/infer") == 400
    assert (await pair.state()).canary.requests == 0


@pytest.mark.parametrize("pair", ["numbers"], indirect=True)
async def test_what_only_the_canary_refuses_is_its_own_error_and_is_answered_all_the_same(pair: Pair) -> None:
    await pair.order(1, weight=50, shadow=100)
    assert pair.ask(20) == {"1": 20}
    deadline = time.monotonic() + DEADLINE
    while (state := await pair.state()).canary.requests < 20:
        assert time.monotonic() < deadline, state
    assert (state.canary.errors, state.unreached, state.stable.errors) == (20, 0, 0)


async def test_orders_that_are_not_the_operators_change_nothing(pair: Pair, tmp_path: Path) -> None:
    await pair.order(5, weight=50)
    stranger = Pair(pair.stable, pair.canary, key(tmp_path))
    refused = await stranger.order(6, weight=100)
    assert isinstance(refused, NoAnswer)
    assert "403" in refused.why
    late = await pair.order(4, weight=100)
    assert isinstance(late, TrafficState)
    assert (late.sequence, late.weight) == (5, 50)
    assert pair.send("PUT", f"{pair.stable.control_url}/control/state") == 400


async def test_a_pod_that_is_gone_or_another_one_is_an_answer(pair: Pair) -> None:
    pods = ServingPods(pair.key, lambda address: f"http://{address}:{pair.canary.spec.control_port}")
    nobody = ServingPods(pair.key, lambda address: f"http://{address}:{free_port()}")
    question = PodTraffic(connection=SERVING_PODS, pods=STABLE, address="127.0.0.1")
    assert await pods.answer([question]) == {question: NoAnswer(why="at 127.0.0.1 is another pod by now")}
    assert await nobody.answer([question]) == {question: NoAnswer(why="pod 127.0.0.1 does not answer: ConnectError")}
    await pods.close()
    await nobody.close()
