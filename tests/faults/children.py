"""Scenes about what the operator makes in the cluster: children that somebody changes or deletes, and objects of others under the same names."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.faults.scenes import RECOVERED, SET_UP, Scene, Waiting, is_ready, phase, run, told
from tests.faults.world import World
from treadle.api import names
from treadle.plan import Object

FOREIGN_IMAGE = "registry.example/drifted:1"
UNTRACKED = {"tracking": {"type": "None"}}
UNLABELLED = {"metadata": {"labels": {names.MANAGED_BY: None}}}
"""What takes the label away by which the operator watches its children."""


class Drifted(Scene):
    """A serving Deployment is edited by somebody and loses our label, its Service and the Job of a live run are deleted; the run goes on with its
    next attempt. The Job of another run loses our label: that run stays with its Job.
    """

    async def before(self, world: World, name: str) -> None:
        """See `Scene`."""
        await serving(world, f"{name}-served")
        await running(world, f"{name}-kept")
        await running(world, f"{name}-astray")

    async def meanwhile(self, world: World, name: str) -> None:
        """See `Scene`."""
        deployment = await one_deployment(world, name)
        container = {"name": deployment["spec"]["template"]["spec"]["containers"][0]["name"], "image": FOREIGN_IMAGE}
        change = {"spec": {"template": {"spec": {"containers": [container]}}}}
        await asyncio.to_thread(world.place.kubectl, "patch", "deployment", deployment["metadata"]["name"], f"--patch={json.dumps(change)}")
        await world.patch("Deployment", deployment["metadata"]["name"], UNLABELLED)
        await world.patch("Job", f"{name}-astray-1", UNLABELLED)
        await world.delete("Service", f"{name}-served")
        await world.delete("Job", f"{name}-kept-1")

    def waiting(self, name: str) -> Waiting:
        """See `Scene`."""
        return [("TrainingRun", f"{name}-kept")]

    async def recovered(self, world: World, name: str) -> None:
        """See `Scene`."""
        deployment = await one_deployment(world, name)
        await world.until("is corrected", "Deployment", deployment["metadata"]["name"], is_corrected, RECOVERED)
        await world.until("is back", "Service", f"{name}-served", bool, RECOVERED)
        await world.until("serves", "ModelDeployment", f"{name}-served", is_ready, RECOVERED)
        await world.until("is made", "Job", f"{name}-kept-2", bool, RECOVERED)
        await ends_well(world, f"{name}-kept")
        await ends_well(world, f"{name}-astray")

    async def mistakes(self, world: World, name: str) -> Sequence[str]:
        """See `Scene`."""
        if await world.get("Job", f"{name}-astray-2"):
            return ["a second attempt ran beside a Job that had only lost our label"]
        events = json.loads(await asyncio.to_thread(world.place.kubectl, "get", "events", "--output=json"))["items"]
        said = {event["reason"] for event in events if event["involvedObject"]["name"] == f"{name}-served"}
        return [] if "DriftCorrected" in said else [f"no Event says that something was corrected: {sorted(said)}"]


class Deleted(Scene):
    """A run is deleted while nobody can see it, with its Job, and so is a Service that is needed."""

    async def before(self, world: World, name: str) -> None:
        """See `Scene`."""
        await serving(world, f"{name}-served")
        await running(world, f"{name}-kept")
        await running(world, f"{name}-gone")

    async def meanwhile(self, world: World, name: str) -> None:
        """See `Scene`."""
        await world.delete("TrainingRun", f"{name}-gone")
        await world.delete("Service", f"{name}-served")

    async def recovered(self, world: World, name: str) -> None:
        """See `Scene`."""
        await world.until("is back", "Service", f"{name}-served", bool, RECOVERED)
        await ends_well(world, f"{name}-kept")

    async def mistakes(self, world: World, name: str) -> Sequence[str]:
        """See `Scene`."""
        left = await world.get("Job", f"{name}-gone-1")
        return ["a Job of the deleted run is there"] if left and "deletionTimestamp" not in left["metadata"] else []


class Foreign(Scene):
    """A new run and a new deployment whose children's names are taken."""

    async def meanwhile(self, world: World, name: str) -> None:
        """See `Scene`."""
        await world.make("TrainingRun", f"{name}-new", run(**UNTRACKED))
        await world.make("ModelDeployment", f"{name}-served", model(f"{name}-served"))

    def waiting(self, name: str) -> Waiting:
        """See `Scene`."""
        return [("TrainingRun", f"{name}-new"), ("ModelDeployment", f"{name}-served")]

    async def recovered(self, world: World, name: str) -> None:
        """See `Scene`."""
        await world.until("ended well", "TrainingRun", f"{name}-new", lambda this: phase(this) == "Succeeded" and not told(this), RECOVERED)
        await world.until("serves", "ModelDeployment", f"{name}-served", is_ready, RECOVERED)


@asynccontextmanager
async def names_taken(world: World, name: str) -> AsyncIterator[None]:
    """Objects of somebody else have the names that our children would have; in the end they must be as they were."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "registry.example/foreign:1"}]}
    taken: dict[tuple[str, str], dict[str, Any]] = {
        ("Job", f"{name}-new-1"): {"suspend": True, "template": {"spec": pod}},
        ("Service", f"{name}-served"): {"ports": [{"port": 80}]},
    }
    made = {ref: await world.make(*ref, spec) for ref, spec in taken.items()}
    try:
        yield
    finally:
        now = {ref: await world.get(*ref) for ref in taken}
        for ref in taken:
            await world.delete(*ref)
    assert [_own(this) for this in now.values()] == [_own(this) for this in made.values()], "what is not ours was changed"


async def serving(world: World, name: str) -> None:
    """A ModelDeployment that serves."""
    await world.make("ModelDeployment", name, model(name))
    await world.until("serves", "ModelDeployment", name, is_ready, SET_UP)


async def running(world: World, name: str) -> None:
    """A TrainingRun whose program runs."""
    world.kubelet.held.add(name)
    await world.make("TrainingRun", name, run(**UNTRACKED))
    await world.until("runs", "TrainingRun", name, lambda this: phase(this) == "Running", SET_UP)


async def ends_well(world: World, name: str) -> None:
    """Its program ends, and it says so."""
    world.kubelet.held.discard(name)
    await world.until("ended well", "TrainingRun", name, lambda this: phase(this) == "Succeeded" and not told(this), RECOVERED)


async def one_deployment(world: World, name: str) -> Object:
    """The Deployment of the case."""
    (deployment,) = [this for this in await world.all("Deployment") if this["metadata"]["name"].startswith(f"{name}-served")]
    return deployment


def is_corrected(deployment: Object) -> bool:
    """Whether it is again as it was made, with our label."""
    labelled = (deployment["metadata"].get("labels") or {}).get(names.MANAGED_BY) == names.MANAGED_BY_VALUE
    return labelled and FOREIGN_IMAGE not in json.dumps(deployment)


def model(name: str) -> dict[str, Any]:
    """The spec of a ModelDeployment with a model that is named by URI."""
    return {"model": {"uri": f"s3://models/{name}"}}


def _own(this: Object | None) -> object:
    """What of an object the operator could have changed; its status is its controller's."""
    assert this
    metadata = this["metadata"]
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key.startswith(names.GROUP)}
    return metadata["uid"], labels, metadata.get("ownerReferences"), this["spec"]
