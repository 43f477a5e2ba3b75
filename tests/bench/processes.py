"""A controller in a process of its own, and what the kernel says of it."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 180.0
TICKS = os.sysconf("SC_CLK_TCK")
REST = 1.0
CALM = 0.2
"""A share of the machine's CPU: as long as others use no more, nothing counts as disturbed."""
PRIORITY = -15
"""As `nice` has it."""
RESTING = 0.06
"""A process rests that has used less than so many seconds of CPU for `REST` seconds: renewing a lease is allowed."""


@dataclass
class Controller:
    """A running controller.

    Attributes:
        process: exactly this process.
        began: when it was started, on the monotonic clock.
        log: what it says.
        works: whether it has begun to work, by its own word.
        rested: seconds from its start until it first had nothing left to do.
    """

    process: subprocess.Popen[bytes]
    began: float
    log: Path
    works: Callable[["Controller"], bool]
    rested: float = 0.0

    def cpu(self) -> float:
        """Seconds of CPU used so far, all threads."""
        return cpu_of(self.process.pid)

    def memory(self) -> float:
        """Resident memory now, in MiB."""
        return self._status("VmRSS")

    def peak_memory(self) -> float:
        """The most resident memory so far, in MiB."""
        return self._status("VmHWM")

    async def until_rest(self) -> float:
        """Wait until it works and then has nothing to do; returns the seconds from its start to the beginning of that rest."""
        end = time.monotonic() + PATIENCE
        while not self.works(self):
            self._assert_alive(end)
            await asyncio.sleep(0.1)
        since, used = time.monotonic(), self.cpu()
        while time.monotonic() < since + REST:
            self._assert_alive(end)
            await asyncio.sleep(0.05)
            if (now := self.cpu()) - used > RESTING:
                since, used = time.monotonic(), now
        return since - self.began

    def end(self) -> None:
        """Ask it to end, and wait until it has; what it says then is nobody's business here."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def _assert_alive(self, end: float) -> None:
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        assert time.monotonic() < end, f"no rest within {PATIENCE:.0f} s:\n{self.log.read_text()[-3000:]}"

    def _status(self, name: str) -> float:
        (line,) = (line for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines() if line.startswith(name))
        return int(line.split()[1]) / 1024


@asynccontextmanager
async def controller(command: Sequence[str | Path], log: Path, works: Callable[[Controller], bool]) -> AsyncIterator[Controller]:
    """Run a controller while the block runs; entered once it rests."""
    running = _started(command, log, works)
    try:
        preferred(running.process.pid)
        running.rested = await running.until_rest()
        yield running
        running.end()
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait(30)


def _started(command: Sequence[str | Path], log: Path, works: Callable[[Controller], bool]) -> Controller:
    began = time.monotonic()
    with log.open("wb") as output:
        return Controller(subprocess.Popen([*map(str, command)], stdout=output, stderr=subprocess.STDOUT), began, log, works)


def preferred(*pids: int) -> None:
    """Let the sessions of these processes go before others, where the kernel groups processes by session and we may say so."""
    for pid in pids:
        with suppress(OSError):
            Path(f"/proc/{pid}/autogroup").write_text(str(PRIORITY))


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used so far, all threads."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / TICKS


def cpu_of_all() -> float:
    """Seconds of CPU that this machine has used so far, all processes together, and what was taken from it by other machines on the same host."""
    user, nice, system, _, _, interrupts, soft_interrupts, stolen = map(int, Path("/proc/stat").read_text().split(maxsplit=9)[1:9])
    return (user + nice + system + interrupts + soft_interrupts + stolen) / TICKS


class Others:
    """How much of the machine is used by processes that have nothing to do with what is measured.

    Args:
        ours: seconds of CPU that those have used so far which are measured or measure.
    """

    def __init__(self, ours: Callable[[], float]) -> None:
        self._ours = ours
        self._since, self._used = time.monotonic(), self._foreign()

    def share(self) -> float:
        """Of all cores, since this was made; 0 to 1."""
        seconds = (time.monotonic() - self._since) * len(os.sched_getaffinity(0))
        return round(max(0.0, self._foreign() - self._used) / seconds, 3)

    async def until_calm(self, patience: float = 10.0) -> None:
        """Wait until they use little, but not for ever: how much they used is part of what is measured."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            now = Others(self._ours)
            await asyncio.sleep(REST)
            if now.share() <= CALM:
                return

    def _foreign(self) -> float:
        return cpu_of_all() - cpu_of(os.getpid()) - self._ours()
