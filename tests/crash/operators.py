"""An operator that can be ended at any moment: in this process, where it is cancelled, or in its own, where it is killed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from tests.crash import programs
from treadle.connections.installation import connection_key, parse_installation
from treadle.connections.serving_pods import ControlKey
from treadle.engine import Access, KubernetesCluster, LeaseName, Settings, Wire, run
from treadle.main import connections_of, kinds_of

CADENCE = 3.0
RELIST = 6.0
SWEEP = 4.0
"""The pace of an operator in this process, in seconds; one of its own has the shipped pace."""


@dataclass(frozen=True)
class Configuration:
    """What an operator is started with.

    Attributes:
        folder: where the configuration file, the kubeconfig and the log are.
        namespace: of its Lease. Each operator takes another Lease: that a dead leader's runs out after 10 s is shown elsewhere.
    """

    folder: Path
    namespace: str

    @property
    def file(self) -> Path:
        """The installation's configuration."""
        return self.folder / "installation.yaml"

    @property
    def kubeconfig(self) -> Path:
        """The way to the API server: through its door."""
        return self.folder / "kubeconfig"

    @property
    def log(self) -> Path:
        """What the operator said."""
        return self.folder / "operator.log"


class Operator(Protocol):
    """A running operator."""

    def kill(self) -> None:
        """End it now, without a farewell."""

    async def ended(self) -> None:
        """Wait until nothing of it is left."""


Start = Callable[[Configuration], Operator]


class InProcess:
    """An operator in this process; to be killed is to be cancelled behind closed doors, so that its farewell is not heard."""

    def __init__(self, configuration: Configuration) -> None:
        installation = parse_installation(configuration.file.read_text())
        key = ControlKey(installation.control.private_key_file) if installation.control.private_key_file else None
        installation = installation.with_public_key(key.public) if key else installation
        settings = Settings(
            lease=LeaseName(configuration.namespace, _lease(), "a"),
            namespaces=tuple(installation.namespaces),
            host="127.0.0.1",
            port=0,
            cadence=CADENCE,
            relist=RELIST,
            sweep=SWEEP,
            installation=installation.id,
            tracking=tuple(connection_key("mlflow", name) for name in installation.connections.mlflow),
        )
        self._task = asyncio.create_task(
            run(
                kinds_of(installation),
                cluster=KubernetesCluster(Wire(Access(str(configuration.kubeconfig)))),
                connections=connections_of(installation, key),
                settings=settings,
                clock=lambda: datetime.now(UTC),
            )
        )

    def kill(self) -> None:
        """See `Operator.kill`."""
        self._task.cancel()

    async def ended(self) -> None:
        """See `Operator.ended`."""
        await asyncio.wait({self._task})
        if not self._task.cancelled() and (error := self._task.exception()) is not None:
            raise error


class OwnProcess:
    """The shipped process; to be killed is SIGKILL."""

    def __init__(self, configuration: Configuration) -> None:
        arguments = [
            f"--config={configuration.file}",
            f"--kubeconfig={configuration.kubeconfig}",
            f"--lease-namespace={configuration.namespace}",
            f"--lease={_lease()}",
            "--port=0",
        ]
        self._process = programs.start_operator(arguments, configuration.log)

    def kill(self) -> None:
        """See `Operator.kill`."""
        self._process.kill()

    async def ended(self) -> None:
        """See `Operator.ended`."""
        await programs.ended(self._process)


def _lease() -> str:
    return f"crash-{uuid4().hex[:8]}"
