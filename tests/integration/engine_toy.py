"""A toy kind that uses all of the engine: a record, an object that converges, a question and an effect; and a replica that runs it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from treadle.api import names
from treadle.api.reasons import Reason
from treadle.engine import Access, KubernetesCluster, LeaseName, Settings, Wire, run
from treadle.plan import Apply, Create, Effect, Kind, Object, Plan, Question, Ref, Trouble, Unavailable, World, do, ref_of, say

Found = TypeVar("Found")

CONNECTION = "outside/default"
PATIENCE = 60.0
"""Seconds that a test waits for something at most."""


@dataclass(frozen=True, kw_only=True)
class FindTrack(Question[str | None]):
    uid: str


@dataclass(frozen=True, kw_only=True)
class EnsureTrack(Effect):
    uid: str

    def deed(self) -> tuple[str, str]:
        return "TrackMade", f"there is a track of {self.uid}"


class ToyStatus(BaseModel):
    job: str | None = None
    track: str | None = None


@dataclass(frozen=True)
class Toy:
    this: Object
    jobs: Collection[Object]
    services: Collection[Object]
    track: str | Unavailable | None

    @property
    def wants(self) -> Collection[str]:
        found: Collection[str] = self.this.get("spec", {}).get("wants") or ["job"]
        return found


def observe(this: Object, world: World) -> Toy:
    uid = this["metadata"]["uid"]
    return Toy(this, world.owned(uid, "Job"), world.owned(uid, "Service"), find_track(this, world))


def find_track(this: Object, world: World) -> str | Unavailable | None:
    if "track" not in (this["spec"].get("wants") or ()):
        return None
    question: Question[str | None] = FindTrack(connection=CONNECTION, uid=this["metadata"]["uid"])
    return world.ask(question)


def plan(toy: Toy, now: datetime) -> Plan:
    if "deletionTimestamp" in toy.this["metadata"]:
        return Plan()
    return Plan.all(follow(toy), launch(toy), serve(toy), status=report(toy))


def follow(toy: Toy) -> Plan:
    if "track" not in toy.wants:
        return Plan()
    match toy.track:
        case Unavailable(since, reason):
            return say("Tracked", None, Reason.Unreachable, f"{reason} since {since:%H:%M}")
        case None:
            return do(EnsureTrack(connection=CONNECTION, uid=toy.this["metadata"]["uid"]))
        case track:
            return say("Tracked", True, Reason.Progressing, f"tracked as {track}")


def launch(toy: Toy) -> Plan:
    if "job" not in toy.wants:
        return Plan()
    if not toy.jobs:
        return Plan.all(do(Create(build_job(toy))), say("Running", False, Reason.Progressing, "its Job is not there yet"))
    return say("Running", True, Reason.JobRunning, "its Job runs")


def serve(toy: Toy) -> Plan:
    return do(Apply(build_service(toy))) if "service" in toy.wants else Plan()


def report(toy: Toy) -> ToyStatus:
    return ToyStatus(job=next((o["metadata"]["name"] for o in toy.jobs), None), track=toy.track if isinstance(toy.track, str) else None)


def build_job(toy: Toy) -> dict[str, Any]:
    container = {"name": "main", "image": "registry.example/toy:1"}
    template = {"metadata": {"labels": LABELS}, "spec": {"restartPolicy": "Never", "containers": [container]}}
    return child(toy, "batch/v1", "Job", "-1") | {"spec": {"backoffLimit": 0, "template": template}}


def build_service(toy: Toy) -> dict[str, Any]:
    port = {"name": "http", "port": toy.this["spec"].get("port", 80), "targetPort": 8080, "protocol": "TCP"}
    return child(toy, "v1", "Service", "") | {"spec": {"selector": {"toy": toy.this["metadata"]["name"]}, "ports": [port]}}


def child(toy: Toy, api_version: str, kind: str, suffix: str) -> dict[str, Any]:
    metadata = toy.this["metadata"]
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": metadata["name"] + suffix,
            "namespace": metadata["namespace"],
            "labels": LABELS,
            "ownerReferences": [names.controller_reference(toy.this)],
        },
    }


LABELS = {names.MANAGED_BY: names.MANAGED_BY_VALUE}
TOY = Kind(name="TrainingRun", observe=observe, plan=plan, ready=("Running",), phases=(("Running", True, "Running"),))


def make_toy(name: str, namespace: str, *wants: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": names.API_VERSION, "kind": "TrainingRun", "metadata": metadata, "spec": {"wants": list(wants), **spec}}


def permissive_crd(kind: str, plural: str, *, group: str = names.GROUP, version: str = names.VERSION) -> dict[str, Any]:
    """A definition under the real name that takes any content."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": anything, "status": anything}}
    served = {"name": version, "served": True, "storage": True, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": {"kind": kind, "plural": plural}, "versions": [served]},
    }


@dataclass
class Outside:
    """An outside system in memory that can be switched off; implements `Connection`."""

    tracks: dict[str, str] = field(default_factory=dict)
    made: int = 0
    down: bool = False

    async def answer(self, questions: Collection[Question[Any]]) -> Mapping[Question[Any], object]:
        self._check()
        return {question: self.tracks.get(question.uid) for question in questions if isinstance(question, FindTrack)}

    async def carry_out(self, effect: Effect) -> Mapping[Question[Any], object]:
        self._check()
        assert isinstance(effect, EnsureTrack)
        if effect.uid not in self.tracks:
            self.made += 1
            self.tracks[effect.uid] = f"track-{self.made}"
        return {FindTrack(connection=effect.connection, uid=effect.uid): self.tracks[effect.uid]}

    async def close(self) -> None:
        pass

    def _check(self) -> None:
        if self.down:
            raise Trouble(Reason.Unreachable, "the outside does not answer")


@dataclass
class Replica:
    """One running operator."""

    cluster: KubernetesCluster
    task: asyncio.Task[None]

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task}, timeout=PATIENCE)

    async def get(self, this: Object) -> Object | None:
        return await self.cluster.get(ref_of(this))


@asynccontextmanager
async def replica(kubeconfig: Path, namespace: str, *, holder: str = "a", outside: Outside | None = None) -> AsyncIterator[Replica]:
    """Run an operator in this process while the block runs."""
    cluster = KubernetesCluster(Wire(Access(str(kubeconfig))))
    settings = Settings(lease=LeaseName(namespace, "toy", holder), namespaces=(namespace,), host="127.0.0.1", port=0, cadence=0.5)
    engine = run([TOY], cluster=cluster, connections={CONNECTION: outside or Outside()}, settings=settings, clock=lambda: datetime.now(UTC))
    running = Replica(cluster, asyncio.create_task(engine))
    try:
        yield running
    finally:
        await running.stop()


async def eventually(what: str, look: Callable[[], Awaitable[Found | None]], *, timeout: float = PATIENCE) -> Found:  # noqa: ASYNC109  (a deadline, told in the failure)
    """The first answer of `look` that counts as true; fails when none came in time."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if found := await look():
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {timeout:.0f} s")


def condition(this: Object | None, kind: str) -> Mapping[str, Any]:
    conditions = ((this or {}).get("status") or {}).get("conditions") or ()
    return next((c for c in conditions if c["type"] == kind), {})


def service(namespace: str, name: str) -> Ref:
    return Ref("Service", namespace, name)


def job(namespace: str, name: str) -> Ref:
    return Ref("Job", namespace, name)
