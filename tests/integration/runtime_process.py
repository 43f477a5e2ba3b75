"""A serving runtime as a process of its own, as in a pod."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import httpx

from tests.crash.programs import start_runtime
from tests.integration import loopback
from treadle.contracts.serving import ENVIRONMENT, RuntimeLimits, RuntimeSpec

READY = "/v2/health/ready"


@dataclass(frozen=True)
class Forked:
    """A process that begins with the runtime's modules read, with the words of `Popen`; `log` is what it says."""

    process: BaseProcess
    log: Path

    def poll(self) -> int | None:
        return self.process.exitcode

    def kill(self) -> None:
        self.process.kill()

    def wait(self, timeout: float) -> int | None:
        self.process.join(timeout)
        return self.process.exitcode


@dataclass
class Runtime:
    """The running process and how to reach it."""

    process: subprocess.Popen[str] | Forked
    spec: RuntimeSpec

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.spec.port}"

    @property
    def control_url(self) -> str:
        return f"http://127.0.0.1:{self.spec.control_port}"

    @property
    def said(self) -> str:
        """What it wrote until its end."""
        if isinstance(self.process, Forked):
            return self.process.log.read_text()
        return self.process.stderr.read() if self.process.stderr else ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(directory: Path, *, wait: bool = True, model_name: str = "digits", **limits: float) -> Iterator[Runtime]:
    """Start it over a model directory, on free ports."""
    spec = RuntimeSpec(
        namespace="ml",
        deployment="digits",
        revision="abc123",
        model_name=model_name,
        model_version="7",
        model_directory=str(directory),
        port=free_port(),
        control_port=free_port(),
        limits=RuntimeLimits.model_validate({"linger_seconds": 0.2, **limits}),
    )
    with running_as(spec, wait=wait) as runtime:
        yield runtime


@contextlib.contextmanager
def running_as(spec: RuntimeSpec, *, wait: bool = True) -> Iterator[Runtime]:
    """Start it as told; ready when entered, unless `wait` is False. Ended at the exit, whatever happened."""
    environment = os.environ | {ENVIRONMENT: spec.to_json()}
    process = subprocess.Popen([sys.executable, "-m", "treadle.runtime"], env=environment, stderr=subprocess.PIPE, text=True)
    runtime = Runtime(process, spec)
    try:
        if wait:
            wait_ready(runtime)
        yield runtime
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=10)
        if process.stderr:
            process.stderr.close()


@contextlib.contextmanager
def forked_as(spec: RuntimeSpec, log: Path, ready: str = READY) -> Iterator[Runtime]:
    """The same in a fraction of the time, for tests that want many: forked instead of started."""
    process = start_runtime({ENVIRONMENT: spec.to_json()}, log)
    runtime = Runtime(Forked(process, log), spec)
    try:
        wait_ready(runtime, ready)
        yield runtime
    finally:
        process.kill()
        process.join(10)


def wait_ready(runtime: Runtime, path: str = READY, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert runtime.process.poll() is None, runtime.said
        with contextlib.suppress(httpx.TransportError):
            if loopback.get(f"{runtime.url}{path}", timeout=2).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"not ready within {seconds} s")
