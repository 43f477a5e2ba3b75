"""One replica of the operator as it is shipped, `python -m treadle.main`, as a user of its own, so that the audit log tells who sent what."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from tests.integration.control_plane import Place
from tests.integration.engine_toy import eventually
from tests.integration.processes import free_port

LEASE = "treadle"
PATIENCE = 180.0


@dataclass
class Replica:
    """A running replica; its name is its identity in the Lease and its user towards the API server."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    async def ready(self) -> None:
        """Returns once it knows everything, whether it leads or waits."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=5, trust_env=False) as http:

            async def look() -> bool:
                assert self.process.poll() is None, self.log.read_text()
                try:
                    return (await http.get("/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(f"{self.name} is ready", look, timeout=PATIENCE)

    async def rests(self) -> None:
        """Returns once it leads and has nothing left to look at."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=5, trust_env=False) as http:

            async def look() -> bool:
                figures = (await http.get("/metrics")).text.splitlines()
                return "treadle_leader 1.0" in figures and "treadle_queue_depth 0.0" in figures

            await eventually(f"{self.name} rests", look, timeout=PATIENCE)

    def mishaps(self) -> list[str]:
        """What it said of errors; a line that is no record was written by something that its logging does not know. What kopf asks again is none: it
        says so of every watch whose server does not answer while the network is cut.
        """
        lines = (line for line in self.log.read_text().splitlines() if not line.startswith("{") or '"severity": "ERROR"' in line)
        return [line for line in lines if '"logger": "kopf._cogs.clients.' not in line or " failed; will retry: " not in line]


@contextmanager
def replica(place: Place, name: str, folder: Path, *, mlflow: str = "", server: str = "") -> Iterator[Replica]:
    """Run a replica while the block runs.

    Args:
        place: its namespace.
        name: its identity and user.
        folder: for its files.
        mlflow: address (host:port) of MLflow, or of the gate before it; empty: tracking is off.
        server: address of the gate before the API server, when there is one.
    """
    config, log, port = folder / f"{name}.yaml", folder / f"{name}.log", free_port()
    tracked = {"url": f"http://{mlflow}", "experimentPrefix": "{namespace}.", "modelPrefix": "{namespace}."}
    images = {"jobs": "registry.example/jobs:1", "runtime": "registry.example/runtime:1"}
    connections = {"mlflow": {"default": tracked}} if mlflow else {}
    config.write_text(yaml.safe_dump({"id": place.namespace, "images": images, "namespaces": [place.namespace], "connections": connections}))
    kubeconfig = place.operator(name)
    if server:
        content = yaml.safe_load(kubeconfig.read_text())
        content["clusters"][0]["cluster"]["server"] = f"https://{server}"
        kubeconfig = folder / f"{name}.kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(content))
    where = [f"--config={config}", f"--kubeconfig={kubeconfig}", f"--lease={LEASE}", f"--lease-namespace={place.namespace}", f"--port={port}"]
    with log.open("wb") as output:
        command = [sys.executable, "-m", "treadle.main", *where, f"--identity={name}", "--log-format=json"]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield Replica(name, process, port, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait(PATIENCE)
