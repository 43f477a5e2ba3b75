"""A kubelet for a control plane without nodes: our Jobs run as processes, users' programs are pretended, serving pods get ready."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.crash import programs
from tests.faults.grounds import Grounds, now
from treadle.api import names
from treadle.contracts import JOB_VARIABLE
from treadle.engine._wire import Refused
from treadle.jobs import _buckets, _label_studio
from treadle.jobs.__main__ import TERMINATION_LOG_VARIABLE, main
from treadle.plan import Object, Trouble

PAUSE = 0.3
JOB_SECONDS = 60.0
PATIENCE = timedelta(seconds=2)
"""Of our Jobs, with stores and Label Studio; a minute and two when shipped."""

Secrets = Callable[[str, str], str]
"""What a Secret holds, by its name and key."""


@dataclass(frozen=True)
class Kubelet:
    """Runs the pods of a namespace.

    Attributes:
        secrets: looked into when a pod starts.
        held: names of TrainingRuns whose program does not end until they are taken out.
    """

    grounds: Grounds
    folder: Path
    secrets: Secrets
    held: set[str] = field(default_factory=set)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run pods while the block runs."""
        task = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _keep(self) -> None:
        busy: dict[str, asyncio.Task[None]] = {}
        while True:
            with suppress(Trouble, Refused):  # the API server may be away
                for pod in await self.grounds.all("Pod"):
                    uid, phase = pod["metadata"]["uid"], pod["status"].get("phase")
                    if phase in ("Pending", "Running") and "deletionTimestamp" not in pod["metadata"] and (uid not in busy or busy[uid].done()):
                        busy[uid] = asyncio.create_task(self._run(pod))
            await asyncio.sleep(PAUSE)

    async def _run(self, pod: Object) -> None:
        with suppress(Trouble, Refused):  # tried again at the next look
            container, *_ = pod["spec"]["containers"]
            labels, running = pod["metadata"].get("labels") or {}, pod["status"]["phase"] == "Running"
            if any(variable["name"] == JOB_VARIABLE for variable in container.get("env") or ()):
                await self._run_job(pod, container)
            elif names.RUN not in labels and not running:
                await self.grounds.pod_is(pod, "Running", {"running": {"startedAt": now()}}, ready=True)
            elif names.RUN in labels and labels[names.RUN] not in self.held:
                await self.grounds.pod_is(pod, "Succeeded", {"terminated": {"exitCode": 0, "startedAt": now(), "finishedAt": now()}})
            elif names.RUN in labels and not running:
                await self.grounds.pod_is(pod, "Running", {"running": {"startedAt": now()}})

    async def _run_job(self, pod: Object, container: Mapping[str, Any]) -> None:
        started, log = now(), self.folder / f"{pod['metadata']['name']}.termination"
        environment = {variable["name"]: self._value(variable) for variable in container["env"]} | {TERMINATION_LOG_VARIABLE: str(log)}
        async with asyncio.timeout(JOB_SECONDS):
            code = await programs.ended(programs.started(_job, environment, self.folder / "jobs.log"))
        message = log.read_text() if log.exists() else ""
        ended = {"exitCode": code, "message": message, "startedAt": started, "finishedAt": now()}
        await self.grounds.pod_is(pod, "Failed" if code else "Succeeded", {"terminated": ended})

    def _value(self, variable: Mapping[str, Any]) -> str:
        if "value" in variable:
            return str(variable["value"])
        reference = variable["valueFrom"]["secretKeyRef"]
        return self.secrets(reference["name"], reference["key"])


def _job(environment: dict[str, str], log: Path) -> None:
    """One of our Jobs, with little patience."""
    programs.write_to(log)
    os.environ.update(environment)
    _buckets.REQUEST_TIMEOUT = _buckets.PATIENCE = PATIENCE
    _label_studio.TIMEOUT = httpx.Timeout(5 * PATIENCE.total_seconds(), connect=PATIENCE.total_seconds())
    sys.exit(main())
