"""An operator with the toy kind in a process of its own, so that it can be stopped, frozen and killed.

python -m tests.integration.engine_process KUBECONFIG NAMESPACE HOLDER
"""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.engine_toy import PATIENCE, replica

ROOT = Path(__file__).parents[2]


@dataclass
class OperatorProcess:
    """A running operator; `signal` reaches exactly this process."""

    process: subprocess.Popen[bytes]
    log: Path

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def wait_for(self, words: str, *, timeout: float = PATIENCE) -> None:
        """Wait until the log says so."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if words in self.log.read_text():
                return
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(f"{words!r} was not said within {timeout:.0f} s:\n{self.log.read_text()}")


@contextmanager
def operator_process(kubeconfig: Path, namespace: str, holder: str, log: Path) -> Iterator[OperatorProcess]:
    """Run an operator while the block runs."""
    command = [sys.executable, "-m", "tests.integration.engine_process", str(kubeconfig), namespace, holder]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield OperatorProcess(process, log)
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE)


async def operate(kubeconfig: Path, namespace: str, holder: str) -> None:
    async with replica(kubeconfig, namespace, holder=holder) as running:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.task.cancel)
        await asyncio.wait({running.task})


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(relativeCreated)d %(levelname)s %(name)s: %(message)s")
    asyncio.run(operate(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
