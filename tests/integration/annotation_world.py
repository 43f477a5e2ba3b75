"""What surrounds an AnnotationProject on a control plane without nodes: an operator, and a kubelet that runs our Jobs as local processes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from e2e.cluster import Problem
from tests.integration.control_plane import Place
from tests.integration.engine_toy import eventually
from tests.integration.servers import LabelStudioServer, S3Server
from treadle.annotation import annotation_project
from treadle.connections.installation import Installation, parse_installation
from treadle.connections.label_studio import LabelStudio
from treadle.engine import Access, KubernetesCluster, LeaseName, Settings, Wire, run
from treadle.jobs.__main__ import TERMINATION_LOG_VARIABLE
from treadle.plan import Object, Ref

PATIENCE = 20.0
JOB_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class World:
    """One namespace, an object store, a Label Studio, and the secrets that the tenant has."""

    place: Place
    admin: KubernetesCluster
    s3: S3Server
    label_studio: LabelStudioServer
    folder: Path

    @property
    def installation(self) -> Installation:
        """How the operator is configured."""
        (self.folder / "token").write_text(self.label_studio.token)
        return parse_installation(
            f"""
            id: it-{self.place.namespace}
            images: {{jobs: "registry.example/jobs:1", runtime: "registry.example/runtime:1"}}
            namespaces: [{self.place.namespace}]
            connections:
              store: {{default: {{endpoint: "{self.s3.endpoint}"}}}}
              labelStudio: {{default: {{url: "{self.label_studio.url}", tokenFile: "{self.folder / "token"}"}}}}
            """
        )

    @asynccontextmanager
    async def operator(self) -> AsyncIterator[None]:
        """Run an operator with the kind AnnotationProject in this process while the block runs."""
        cluster = KubernetesCluster(Wire(Access(str(self.place.operator()))))
        settings = Settings(
            lease=LeaseName(self.place.namespace, "annotation", "a"), namespaces=(self.place.namespace,), host="127.0.0.1", port=0, cadence=0.5
        )
        connections = {"labelStudio/default": LabelStudio(self.installation.connections.label_studio["default"])}
        kind = annotation_project(self.installation)
        engine = run([kind], cluster=cluster, connections=connections, settings=settings, clock=lambda: datetime.now(UTC))
        task = asyncio.create_task(engine)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=PATIENCE)

    @asynccontextmanager
    async def kubelet(self) -> AsyncIterator[None]:
        """Run the pods of our Jobs as local processes while the block runs."""
        task = asyncio.create_task(self._run_pods())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=PATIENCE)

    async def get(self, kind: str, name: str = "digits") -> Object | None:
        """A live read, as the administrator."""
        return await self.admin.get(Ref(kind, self.place.namespace, name))

    async def until(self, what: str, true: Any, kind: str = "AnnotationProject", name: str = "digits", seconds: float = 90) -> Object:
        """Wait until the object is as wanted; returns it."""

        async def look() -> Object | None:
            this = await self.get(kind, name)
            return this if this is not None and true(this) else None

        return await eventually(what, look, timeout=seconds)

    def jobs(self) -> list[str]:
        """Names of all Jobs in the namespace."""
        return sorted(job["metadata"]["name"] for job in json.loads(self.place.kubectl("get", "jobs", "--output=json"))["items"])

    async def _run_pods(self) -> None:
        while True:
            pods, _ = await self.admin.list("Pod", namespace=self.place.namespace)
            waiting = [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Pending" and "deletionTimestamp" not in pod["metadata"]]
            await asyncio.gather(*(self._run_pod(pod) for pod in waiting))
            await asyncio.sleep(0.2)

    async def _run_pod(self, pod: Object) -> None:
        (container,) = pod["spec"]["containers"]
        started, log = now(), self.folder / f"{pod['metadata']['name']}.log"
        env = {**os.environ, **{v["name"]: self._value(v) for v in container["env"]}, TERMINATION_LOG_VARIABLE: str(log)}
        command = [sys.executable, *container["command"][1:]]
        done = await asyncio.to_thread(subprocess.run, command, env=env, timeout=JOB_SECONDS, check=False, capture_output=True)
        message = log.read_text() if log.exists() else ""
        ended = {"exitCode": done.returncode, "message": message, "startedAt": started, "finishedAt": now()}
        statuses = [{"name": container["name"], "state": {"terminated": ended}, "ready": False, "restartCount": 0, "image": "x", "imageID": "x"}]
        status = {"phase": "Failed" if done.returncode else "Succeeded", "startTime": started, "containerStatuses": statuses}
        patch = f"--patch={json.dumps({'status': status})}"
        with suppress(Problem):  # the pod may be gone with its owner
            await asyncio.to_thread(self.place.kubectl, "patch", "pod", pod["metadata"]["name"], "--subresource=status", "--type=merge", patch)

    def _value(self, variable: Mapping[str, Any]) -> str:
        if "value" in variable:
            return str(variable["value"])
        secrets = {
            ("treadle-store", "AWS_ACCESS_KEY_ID"): self.s3.access_key,
            ("treadle-store", "AWS_SECRET_ACCESS_KEY"): self.s3.secret_key,
            ("treadle-label-studio", "token"): self.label_studio.token,
        }
        reference = variable["valueFrom"]["secretKeyRef"]
        return secrets[reference["name"], reference["key"]]


def now() -> str:
    """As the kubelet writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def conditions(this: Object) -> dict[str, tuple[str, str]]:
    """Status and reason by type."""
    return {c["type"]: (c["status"], c["reason"]) for c in (this.get("status") or {}).get("conditions") or ()}
