"""Run a real server as a local process for the time of a test session: started, awaited, ended with everything it started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path

import httpx

from tests.integration import loopback

# Where the answer to a wait is looked for again; short, because a server that is up should not cost a test anything.
PAUSE = 0.1
SECRETS_OF_THE_HOST = ("AWS_", "MLFLOW_", "LABEL_STUDIO_", "PORT", "HOST", "USERNAME", "PASSWORD", "DEBUG", "CI")
"""Variables a server must not pick up from whoever runs the tests; Label Studio reads even a bare PORT."""


def free_port() -> int:
    """Return a loopback port that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def server(
    command: Sequence[str],
    *,
    ready: str,
    folder: Path,
    environment: Mapping[str, str],
    deadline: float = 120,
    statuses: Container[int] = (200,),
) -> Iterator[None]:
    """Run a server until the block ends; entered once `ready` (a URL) answers 200, or another of `statuses`.

    Its output goes to `folder/log`. `deadline` is in seconds.

    Raises:
        AssertionError: the server ended or was not ready in time; the message holds its last lines.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith(SECRETS_OF_THE_HOST)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env={**own, **environment}, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _await(process, ready, folder / "log", deadline, statuses)
        yield
    finally:
        _end(process)


def _await(process: subprocess.Popen[bytes], url: str, log: Path, deadline: float, statuses: Container[int]) -> None:
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        if process.poll() is not None:
            raise AssertionError(f"{process.args!r} ended with {process.returncode} before it was ready:\n{_last_lines(log)}")
        with contextlib.suppress(httpx.TransportError):
            if loopback.get(url, timeout=5, trust_env=False).status_code in statuses:
                return
        time.sleep(PAUSE)
    raise AssertionError(f"{url} did not answer {statuses} in {deadline:.0f} s:\n{_last_lines(log)}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server's whole process group: MLflow leaves workers behind when only its first process ends."""
    for sign, patience in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=patience)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-30:])
