"""The operator in a process of its own, with its three kinds and all its connections, as it is shipped but for less patience, and for a clock that a
test can set: python -m tests.faults.operator KUBECONFIG CONFIG NAMESPACE PORT CLOCK
"""

import asyncio
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.integration import loopback
from tests.integration.processes import free_port
from treadle.annotation import stages
from treadle.connections import _http
from treadle.connections.installation import Installation, connection_key, parse_installation
from treadle.engine import Access, KubernetesCluster, LeaseName, Settings, Wire, run
from treadle.main import connections_of, kinds_of

ROOT = Path(__file__).parents[2]
CADENCE = 2.0
CALL_SECONDS = 5.0
STAGE_PAUSE = timedelta(seconds=3)
"""Less than what is shipped (10 s, 15 s, 10 s), so that a fault is noticed sooner. All else is as shipped, re-LISTs every 10 min for instance."""
PATIENCE = 20.0
START = 60.0
UNEXPECTED = ("Traceback", "never awaited", "never retrieved")


@dataclass(frozen=True)
class OperatorProcess:
    """A running operator."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    @property
    def log(self) -> str:
        """What it said."""
        return (self.folder / "operator.log").read_text()

    def wait_for_lead(self) -> None:
        """Return once it works."""
        deadline = time.monotonic() + START
        while "leading:" not in self.log:
            assert time.monotonic() < deadline, self.log
            assert self.process.poll() is None, self.log
            time.sleep(0.1)

    def set_clock(self, ahead: float) -> None:
        """Let its clock be so many seconds ahead of the true time, or behind it."""
        new = self.folder / "clock.new"
        new.write_text(str(ahead))
        new.rename(self.folder / "clock")

    def figure(self, name: str) -> float:
        """The sum of one of its figures over all labels."""
        text = loopback.get(f"http://127.0.0.1:{self.port}/metrics", timeout=10, trust_env=False).text
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} ")))

    def complaints(self, since: int) -> list[str]:
        """What it met that it did not expect, as its log tells from that length on; and its death."""
        if self.process.poll() is not None:
            return [f"it ended with {self.process.returncode}: {self.log[-2000:]}"]
        return [line for line in self.log[since:].splitlines() if any(word in line for word in UNEXPECTED)]


@contextmanager
def operator_process(kubeconfig: Path, config: Path, namespace: str, folder: Path) -> Iterator[OperatorProcess]:
    """Run an operator while the block runs."""
    port, clock = free_port(), folder / "clock"
    clock.write_text("0")
    command = [sys.executable, "-m", "tests.faults.operator", str(kubeconfig), str(config), namespace, str(port), str(clock)]
    with (folder / "operator.log").open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield OperatorProcess(process, port, folder)
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE)


async def operate(kubeconfig: str, installation: Installation, namespace: str, port: int, clock: Path) -> None:
    """Run until SIGTERM."""
    settings = Settings(
        lease=LeaseName(namespace, "treadle", "faults"),
        namespaces=(namespace,),
        host="127.0.0.1",
        port=port,
        cadence=CADENCE,
        installation=installation.id,
        tracking=tuple(connection_key("mlflow", name) for name in installation.connections.mlflow),
    )

    def now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(clock.read_text()))

    cluster = KubernetesCluster(Wire(Access(kubeconfig)))
    running = run(kinds_of(installation), cluster=cluster, connections=connections_of(installation), settings=settings, clock=now)
    task = asyncio.ensure_future(running)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("kopf").setLevel(logging.ERROR)
    _http.CALL_SECONDS = CALL_SECONDS
    stages.FIRST_PAUSE = STAGE_PAUSE
    asyncio.run(operate(sys.argv[1], parse_installation(Path(sys.argv[2]).read_text()), sys.argv[3], int(sys.argv[4]), Path(sys.argv[5])))
