"""One server at a time: how long it takes to begin, what a request costs it, how soon it answers, and how much memory it holds."""

import asyncio
import http.client
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench_serving.client import Answers, load
from tests.bench_serving.servers import ONE_THREAD, Server

TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 120.0
CONNECTIONS = 16
WARM_SECONDS = 1.5
HALF = 0.5
"""Of the requests per second that it can answer."""


@dataclass(frozen=True)
class Measured:
    """One round of one server.

    Attributes:
        start: seconds from its start to the first answer about a row.
        cost: milliseconds of CPU per request, of all its processes.
        rate: requests per second that it can answer, asked over `CONNECTIONS` connections.
        median, p99: milliseconds from when a request was due to its answer, at half that rate.
        memory: MiB, shared pages counted by share, after all that.
        failed: answers that were no 200.
    """

    server: str
    start: float
    cost: float
    rate: float
    median: float
    p99: float
    memory: float
    failed: int


async def measured(server: Server, seconds: float, log: Path) -> Measured:
    """Start it, ask it, end it. The server has the first core for itself, the client the last one, as far as others let them.

    Raises:
        AssertionError: it did not begin to answer; the message has its last words.
    """
    cores = sorted(os.sched_getaffinity(0))
    with _started(server, cores[0], log) as process:
        start = _first_answer(server, process, log)
        os.sched_setaffinity(0, {cores[-1]})
        try:
            await _ask(server, WARM_SECONDS)
            used = _cpu(process.pid)
            full = await _ask(server, seconds)
            cost = (_cpu(process.pid) - used) / len(full.latencies) * 1000
            half = await _ask(server, seconds, rate=full.rate * HALF)
        finally:
            os.sched_setaffinity(0, set(cores))
        return Measured(
            server=server.name,
            start=start,
            cost=cost,
            rate=full.rate,
            median=half.quantile(0.5) * 1000,
            p99=half.quantile(0.99) * 1000,
            memory=_memory(process.pid),
            failed=full.failed + half.failed,
        )


async def _ask(server: Server, seconds: float, rate: float = 0.0) -> Answers:
    return await load(server.url, server.body, connections=2 * CONNECTIONS if rate else CONNECTIONS, seconds=seconds, rate=rate)


@contextmanager
def _started(server: Server, core: int, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Runs on one core, in a session of its own, and is gone afterwards with all that it started."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            server.command,
            cwd=server.folder,
            env=os.environ | ONE_THREAD | dict(server.variables),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
    try:
        yield process
    finally:
        children = _tree(process.pid)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
        process.wait(15)


def _first_answer(server: Server, process: "subprocess.Popen[bytes]", log: Path) -> float:
    began, url = time.perf_counter(), urlsplit(server.url)
    words = ""
    while time.perf_counter() < began + PATIENCE:
        assert process.poll() is None, f"{server.title} ended:\n{log.read_text()[-3000:]}"
        try:
            connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=5)
            connection.request("POST", url.path, server.body, {"content-type": "application/json"})
            answer = connection.getresponse()
            words = f"{answer.status} {answer.read(500).decode('utf-8', 'replace')}"
            if answer.status == 200:
                return time.perf_counter() - began
        except OSError as error:
            words = str(error)
        time.sleep(0.02)
    raise AssertionError(f"{server.title} does not answer ({words}):\n{log.read_text()[-3000:]}")


def _tree(root: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        with suppress(ValueError, OSError, IndexError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _cpu(root: int) -> float:
    """Seconds of CPU that it has used so far, its children included."""
    used = 0
    for pid in _tree(root):
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            used += int(fields[11]) + int(fields[12])
    return used / TICKS


def _memory(root: int) -> float:
    """MiB of all its processes; a page that several share counts for each by its share."""
    total = 0
    for pid in _tree(root):
        with suppress(OSError, StopIteration):
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])
    return total / 1024


def run(server: Server, seconds: float, log: Path) -> Measured:
    """The same, for callers without a loop."""
    return asyncio.run(measured(server, seconds, log))
