"""Our runtime before a server of the user's, as real processes: what callers get, what is counted, and that a canary divides the traffic."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration import loopback
from tests.integration.runtime_process import Runtime, forked_as, free_port
from tests.unit.runtime.test_orders import key
from treadle.connections.serving_pods import ServingPods
from treadle.connections.traffic import SERVING_PODS, OrderTraffic, PodTraffic, StablePods
from treadle.contracts.serving import RuntimeLimits, RuntimeSpec
from treadle.contracts.traffic import TrafficState

PODS = StablePods(namespace="ml", deployment="llm", revision="aaaaaa")


class Server(BaseHTTPRequestHandler):
    """Somebody's server: says who it is and what it was asked, or streams, or fails."""

    protocol_version = "HTTP/1.1"
    version = ""

    def do_GET(self) -> None:
        if self.path != "/stream":
            self._say({"version": self.version, "path": self.path, "token": self.headers.get("authorization")})
            return
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for _ in range(2):
            self.wfile.write(b"3\r\nabc\r\n")
            self.wfile.flush()
            time.sleep(0.5)  # the gap between two pieces is what is tested
        self.wfile.write(b"0\r\n\r\n")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self._say({"version": self.version, "said": body.decode()}, 500 if body == b"fail" else 200)

    def _say(self, told: Any, code: int = 200) -> None:
        content = json.dumps(told).encode()
        self.send_response(code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def served(version: str) -> Iterator[int]:
    """A server of that version; its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Versioned", (Server,), {"version": version}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Runtime, Runtime, ServingPods]]:
    """Two versions of the server, each with our runtime before it, and the operator's connection to the first."""
    ours = key(tmp_path)
    with ExitStack() as stack:
        runtimes = []
        for revision, version in (("aaaaaa", "1"), ("bbbbbb", "2")):
            spec = RuntimeSpec(
                namespace="ml",
                deployment="llm",
                revision=revision,
                model_name="llm",
                model_version=version,
                port=free_port(),
                control_port=free_port(),
                control_key=ours.public,
                behind_port=stack.enter_context(served(version)),
                limits=RuntimeLimits(linger_seconds=0.2),
            )
            runtimes.append(stack.enter_context(forked_as(spec, tmp_path / f"{revision}.log", ready="/treadle/ready")))
        control = runtimes[0].spec.control_port
        yield runtimes[0], runtimes[1], ServingPods(ours, lambda address: f"http://{address}:{control}")


async def ordered(pods: ServingPods, canary: str, sequence: int, **share: float) -> None:
    wish = OrderTraffic(
        connection=SERVING_PODS,
        pods=PODS,
        addresses=("127.0.0.1",),
        sequence=sequence,
        expires=time.time() + 300,
        canary=canary,
        weight=share.get("weight", 0),
        shadow=share.get("shadow", 0),
    )
    (said,) = (await pods.carry_out(wish)).values()
    assert isinstance(said, TrafficState), said


async def counted(pods: ServingPods) -> TrafficState:
    (said,) = (await pods.answer([PodTraffic(connection=SERVING_PODS, pods=PODS, address="127.0.0.1")])).values()
    assert isinstance(said, TrafficState), said
    return said


def asked(runtime: Runtime, times: int, body: bytes = b"hello") -> Counter[str]:
    """Which version answered how often."""
    with loopback.Client(base_url=runtime.url, timeout=30) as client:
        return Counter(client.post("/v1/completions", content=body).json().get("version", "") for _ in range(times))


def test_requests_come_through_as_they_are_and_are_counted(pair: tuple[Runtime, Runtime, ServingPods]) -> None:
    stable, _, _ = pair
    told = loopback.get(f"{stable.url}/v1/models?limit=2", headers={"authorization": "Bearer mine"}, timeout=10).json()
    assert told == {"version": "1", "path": "/v1/models?limit=2", "token": "Bearer mine"}
    assert loopback.post(f"{stable.url}/v1/completions", content=b"fail", timeout=10).status_code == 500
    series = loopback.get(f"{stable.url}/metrics", timeout=10).text
    assert re.search(r'treadle_serving_requests_total\{code="500",.*\} 1\.0', series)
    assert re.search(r'treadle_serving_requests_total\{code="200",.*\} 1\.0', series)


def test_an_answer_comes_piece_by_piece(pair: tuple[Runtime, Runtime, ServingPods]) -> None:
    stable, _, _ = pair
    moments = []
    with httpx.stream("GET", f"{stable.url}/stream", timeout=10) as answer:
        for piece in answer.iter_raw():
            moments.append((time.monotonic(), piece))
    assert b"".join(piece for _, piece in moments) == b"abcabc"
    assert moments[-1][0] - moments[0][0] > 0.3, "the first piece did not wait for the last one"


async def test_a_canary_answers_its_share_and_what_it_fails_to_answer_is_answered_all_the_same(pair: tuple[Runtime, Runtime, ServingPods]) -> None:
    stable, canary, pods = pair
    await ordered(pods, canary.url, 1, weight=25)
    assert asked(stable, 40) == {"1": 30, "2": 10}
    canary.process.kill()
    canary.process.wait(10)
    assert asked(stable, 40) == {"1": 40}
    said = await counted(pods)
    assert (said.stable.requests, said.canary.requests, said.unreached) == (60, 10, 10)
    await pods.close()


async def test_copies_are_compared_byte_by_byte_where_nothing_is_known_of_answers(pair: tuple[Runtime, Runtime, ServingPods]) -> None:
    stable, canary, pods = pair
    await ordered(pods, canary.url, 1, shadow=100)
    assert asked(stable, 10) == {"1": 10}
    deadline = time.monotonic() + 20
    while (said := await counted(pods)).compared < 10 and time.monotonic() < deadline:
        time.sleep(0.05)  # noqa: ASYNC251
    assert (said.compared, said.agreed) == (10, 0), "each says its own version"
    await pods.close()
