"""What surrounds a ModelDeployment on a control plane without nodes: a registry in memory, and somebody who makes pods ready."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.integration.control_plane import Place
from tests.unit.serving.things import INSTALLATION, version
from treadle.api import names
from treadle.api.reasons import Reason
from treadle.connections.registry import EnsureAlias, ModelAlias, ModelVersion, ModelVersionOf, TagModelVersion
from treadle.engine import Access, KubernetesCluster, LeaseName, Settings, Wire, run
from treadle.plan import Effect, Question, Trouble
from treadle.serving import model_deployment

PATIENCE = 20.0


@dataclass
class Registry:
    """A model registry in memory that can be switched off; implements `Connection`."""

    versions: dict[str, ModelVersion] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    down: bool = False

    def register(self, number: str, gates: str = "Passed") -> None:
        """What training does: a version with its gates' verdict, and the alias `candidate`."""
        self.versions[number] = version(number, gates)
        self.aliases["candidate"] = number

    async def answer(self, questions: Collection[Question[Any]]) -> Mapping[Question[Any], object]:
        self._check()
        return {question: self._one(question) for question in questions}

    async def carry_out(self, effect: Effect) -> Mapping[Question[Any], object]:
        self._check()
        match effect:
            case EnsureAlias(connection=connection, alias=alias, version=wanted, expected=expected):
                if self.aliases.get(alias) == expected:
                    self.aliases[alias] = wanted
                question: Question[Any] = ModelAlias(connection=connection, model=effect.model, alias=alias)
            case TagModelVersion(connection=connection, version=wanted):
                known = self.versions[wanted]
                self.versions[wanted] = replace(known, tags={**known.tags, **dict(effect.tags)})
                question = ModelVersionOf(connection=connection, model=effect.model, version=wanted)
            case _:
                raise AssertionError(effect)
        return {question: self._one(question)}

    async def close(self) -> None:
        pass

    def _one(self, question: Question[Any]) -> ModelVersion | None:
        match question:
            case ModelAlias(alias=alias):
                return self.versions.get(self.aliases.get(alias, ""))
            case ModelVersionOf(version=str() as number):
                return self.versions.get(number)
        raise AssertionError(question)

    def _check(self) -> None:
        if self.down:
            raise Trouble(Reason.Unreachable, "the registry does not answer")


@asynccontextmanager
async def operator(kubeconfig: Path, namespace: str, registry: Registry) -> AsyncIterator[KubernetesCluster]:
    """Run an operator with the kind ModelDeployment in this process while the block runs."""
    cluster = KubernetesCluster(Wire(Access(str(kubeconfig))))
    settings = Settings(lease=LeaseName(namespace, "serving", "a"), namespaces=(namespace,), host="127.0.0.1", port=0, cadence=0.3)
    kind = model_deployment(INSTALLATION.model_copy(update={"namespaces": (namespace,)}))
    engine = run([kind], cluster=cluster, connections={"mlflow/default": registry}, settings=settings, clock=lambda: datetime.now(UTC))
    task = asyncio.create_task(engine)
    try:
        yield cluster
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=PATIENCE)


def make_ready(place: Place, revision: str) -> bool:
    """Do what a kubelet does for the pods of a revision: say that they are ready. Whether as many are there as its Deployment wants."""
    selector = f"--selector={names.REVISION}={revision}"
    pods = json.loads(place.kubectl("get", "pods", selector, "--output=json"))["items"]
    status = {"phase": "Running", "conditions": [{"type": kind, "status": "True"} for kind in ("Initialized", "Ready", "ContainersReady")]}
    for pod in pods:
        name = pod["metadata"]["name"]
        place.kubectl("patch", "pod", name, "--subresource=status", "--type=merge", f"--patch={json.dumps({'status': status})}")
    deployments = json.loads(place.kubectl("get", "deployments", selector, "--output=json"))["items"]
    return bool(pods) and len(pods) >= sum(deployment["spec"]["replicas"] for deployment in deployments)
