"""A toy kind, after HEART: tracked outside, launched once, watched to its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from treadle.api import names
from treadle.api.reasons import Reason
from treadle.plan import Create, Delete, Effect, Kind, Plan, Question, Ref, Unavailable, World, do, say


@dataclass(frozen=True, kw_only=True)
class FindTrack(Question[str | None]):
    uid: str


@dataclass(frozen=True, kw_only=True)
class EnsureTrack(Effect):
    experiment: str
    uid: str

    def assumed(self) -> Mapping[Question[Any], object]:
        return {FindTrack(connection=self.connection, uid=self.uid): "track-1"}


class ToyStatus(BaseModel):
    job: str | None = None
    track: str | None = None
    result: str | None = None


@dataclass(frozen=True)
class Toy:
    this: Mapping[str, Any]
    job: Mapping[str, Any] | None
    track: str | Unavailable | None
    result: str | None

    @property
    def name(self) -> Ref:
        metadata = self.this["metadata"]
        return Ref("Job", metadata["namespace"], f"{metadata['name']}-1")


def observe(this: Mapping[str, Any], world: World) -> Toy:
    result = (this.get("status") or {}).get("result")
    job = next(iter(world.owned(this["metadata"]["uid"], "Job")), None)
    return Toy(this, job, None if result else find_track(this, world), result)


def find_track(this: Mapping[str, Any], world: World) -> str | Unavailable | None:
    question: Question[str | None] = FindTrack(connection="default", uid=this["metadata"]["uid"])
    return world.ask(question)


def plan(toy: Toy, now: datetime) -> Plan:
    if result := toy.result or ended(toy):
        stop = do(Delete(toy.name, toy.job["metadata"]["uid"])) if toy.result and toy.job and not ended(toy) else Plan()
        return Plan.all(say("Succeeded", result == "Succeeded", Reason.JobFailed, result), stop, status=ToyStatus(result=result))
    if isinstance(toy.track, Unavailable):
        return say("Running", False, Reason.Unreachable, toy.track.reason, wake_at=now + timedelta(minutes=1))
    if toy.track is None:
        return do(EnsureTrack(connection="default", experiment="toys", uid=toy.this["metadata"]["uid"]))
    if toy.job is None:
        return do(Create(build(toy)))
    return Plan.all(say("Running", True, Reason.JobRunning, "its Job runs"), status=ToyStatus(job=toy.name.name, track=toy.track))


def ended(toy: Toy) -> str | None:
    conditions = ((toy.job or {}).get("status") or {}).get("conditions") or ()
    return next(({"Complete": "Succeeded", "Failed": "Failed"}[c["type"]] for c in conditions), None)


def build(toy: Toy) -> dict[str, Any]:
    owner = {**toy.this, "apiVersion": "treadle.dev/v1alpha1", "kind": "TrainingRun"}
    metadata = {"name": toy.name.name, "namespace": toy.name.namespace, "ownerReferences": [names.controller_reference(owner)]}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {**metadata, "labels": {names.MANAGED_BY: names.MANAGED_BY_VALUE}}}


TOY = Kind(
    name="TrainingRun",
    observe=observe,
    plan=plan,
    ready=("Succeeded",),
    phases=(("Succeeded", True, "Succeeded"), ("Succeeded", False, "Failed"), ("Running", True, "Running")),
)


def make_toy(name: str = "toy", **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "treadle.dev/v1alpha1", "kind": "TrainingRun", "metadata": {"name": name, "namespace": "ml", **metadata}, "spec": {}}
