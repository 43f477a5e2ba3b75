"""A real runtime process that gets too much, or is told to leave, or cannot load its model."""

import json
import re
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.integration import loopback
from tests.integration.runtime_process import Runtime, running
from tests.unit.predictors.models import png_text, save_digits
from treadle.contracts import ExitCode, Failure

SLOW = 5_000
"""So many images keep one prediction busy for some tenths of a second."""


def slow_body(images: int = SLOW) -> bytes:
    return json.dumps({"inputs": [{"name": "item", "shape": [images], "datatype": "BYTES", "data": [png_text(0)] * images}]}).encode()


def post(runtime: Runtime, body: bytes) -> httpx.Response:
    return loopback.post(f"{runtime.url}/v2/models/digits/infer", content=body, headers={"content-type": "application/json"}, timeout=60)


def counted(runtime: Runtime) -> dict[str, float]:
    """Requests by the code of their answer, as Prometheus is told."""
    told = loopback.get(f"{runtime.url}/metrics", timeout=10).text
    return {code: float(number) for code, number in re.findall(r'treadle_serving_requests_total\{code="(\d+)",.*\} (.*)', told)}


def test_overload_is_refused_at_once_and_passes(tmp_path: Path) -> None:
    with running(save_digits(tmp_path), queue=1, request_bytes=1 << 28) as runtime, ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda body: post(runtime, body), [slow_body()] * 8))
        codes = [answer.status_code for answer in answers]
        assert set(codes) == {200, 429}
        assert 1 <= codes.count(200) <= 7
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.headers["retry-after"] == "1"
        assert post(runtime, slow_body(1)).status_code == 200


def test_a_caller_who_hangs_up_while_it_sends_is_no_error_of_the_server(tmp_path: Path) -> None:
    with running(save_digits(tmp_path)) as runtime:
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", runtime.spec.port)) as caller:
                caller.sendall(b"POST /v2/models/digits/infer HTTP/1.1\r\nhost: here\r\ncontent-length: 1000\r\n\r\n{")
        deadline = time.monotonic() + 20
        while (told := counted(runtime)).get("499") != 3:
            assert time.monotonic() < deadline, told
        assert post(runtime, slow_body(1)).status_code == 200
        assert {code: number for code, number in counted(runtime).items() if number} == {"200": 1, "499": 3}


def test_a_request_that_takes_too_long_is_answered_and_health_goes_on(tmp_path: Path) -> None:
    with running(save_digits(tmp_path), request_bytes=1 << 28, request_seconds=0.2) as runtime:
        answer = post(runtime, slow_body(20_000))
        assert answer.status_code == 504
        assert "0.2 s" in answer.json()["error"]
        assert loopback.get(f"{runtime.url}/v2/health/live", timeout=10).status_code == 200


def test_no_request_is_lost_when_the_pod_leaves(tmp_path: Path) -> None:
    with running(save_digits(tmp_path), linger_seconds=6.0, request_bytes=1 << 28) as runtime:
        codes: list[int] = []
        begun = threading.Event()

        def call() -> None:
            body = slow_body()
            begun.set()
            codes.append(post(runtime, body).status_code)

        caller = threading.Thread(target=call)
        caller.start()
        begun.wait(10)
        runtime.process.send_signal(signal.SIGTERM)
        while loopback.get(f"{runtime.url}/v2/health/ready", timeout=10).status_code == 200:
            time.sleep(0.01)
        assert post(runtime, slow_body(1)).headers["connection"] == "close"
        refused = loopback.post(f"{runtime.url}/feedback", json={"id": "of nothing", "labels": ["1"]}, timeout=10)
        assert (refused.status_code, refused.headers["connection"]) == (400, "close"), "whatever is answered, the next request goes elsewhere"
        caller.join(30)
        assert codes == [200]
        assert runtime.process.wait(timeout=40) == 0


def test_a_model_that_cannot_be_served_ends_the_process_with_its_reason(tmp_path: Path) -> None:
    with running(tmp_path, wait=False) as runtime:
        assert runtime.process.wait(timeout=30) == ExitCode.BAD_INPUT
        assert runtime.process.stderr
        words = Failure.from_message(runtime.process.stderr.read().strip().splitlines()[-1])
        assert words.reason == "ModelNotReadable"
        assert "MLmodel" in words.message
