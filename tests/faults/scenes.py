"""What users have and do while something is broken: a scene per system. Each tells who must say that it waits, and when all is well again."""

import asyncio
from collections.abc import Sequence
from typing import Any

from manifests.demo.data.digits import items
from tests.faults.world import World, labelling_projects, tracked_runs
from treadle.plan import Object

SET_UP = 40.0
RECOVERED = 90.0
"""Seconds on a busy machine."""
ITEMS = 2
STANDING = "standing"
DERIVED = ("Ready", "Reconciling", "Stalled")
Waiting = Sequence[tuple[str, str]]
"""Kind and name of objects."""


class Scene:
    """One case's objects; their names begin with the case's name."""

    async def before(self, world: World, name: str) -> None:
        """What is there when the fault begins."""

    async def meanwhile(self, world: World, name: str) -> None:
        """What users and programs do while it lasts."""

    def waiting(self, name: str) -> Waiting:
        """Who must say what it waits for."""
        return ()

    async def recovered(self, world: World, name: str) -> None:
        """Return when all is as it would be without the fault.

        Raises:
            AssertionError: it was not in time.
        """

    async def mistakes(self, world: World, name: str) -> Sequence[str]:
        """What is lost or there twice in the end, in words."""
        return ()


class Runs(Scene):
    """Two TrainingRuns: the program of one ends meanwhile, the other one is applied meanwhile.

    Args:
        tracked: in MLflow.
        late: whether the one whose program ends has to say what it waits for, too.
    """

    def __init__(self, *, tracked: bool, late: bool = True) -> None:
        self._spec: dict[str, Any] = {} if tracked else {"tracking": {"type": "None"}}
        self._tracked = tracked
        self._late = late

    async def before(self, world: World, name: str) -> None:
        """See `Scene`."""
        world.kubelet.held.add(f"{name}-ending")
        await world.make("TrainingRun", f"{name}-ending", run(**self._spec))
        await world.until("runs", "TrainingRun", f"{name}-ending", lambda this: phase(this) == "Running", SET_UP)

    async def meanwhile(self, world: World, name: str) -> None:
        """See `Scene`."""
        await world.make("TrainingRun", f"{name}-new", run(**self._spec))
        world.kubelet.held.discard(f"{name}-ending")

    def waiting(self, name: str) -> Waiting:
        """See `Scene`."""
        return [("TrainingRun", f"{name}-{which}") for which in ("new", *(["ending"] if self._late else []))]

    async def recovered(self, world: World, name: str) -> None:
        """See `Scene`."""
        for which in ("new", "ending"):
            await world.until("ended well", "TrainingRun", f"{name}-{which}", self._is_over, RECOVERED)

    async def mistakes(self, world: World, name: str) -> Sequence[str]:
        """See `Scene`."""
        states = await asyncio.to_thread(tracked_runs, world) if self._tracked else {}
        found = []
        for run_name in (f"{name}-new", f"{name}-ending"):
            if len(jobs := [job for job in await world.all("Job") if job["metadata"]["ownerReferences"][0]["name"] == run_name]) != 1:
                found.append(f"{run_name} has {len(jobs)} Jobs")
            live = [state for state in states.get(run_name, ()) if state != "KILLED"]
            if self._tracked and live != ["FINISHED"]:
                found.append(f"{run_name} is tracked as {states.get(run_name)}")
        return found

    def _is_over(self, this: Object) -> bool:
        closed = not self._tracked or ((this.get("status") or {}).get("tracking") or {}).get("closed")
        return phase(this) == "Succeeded" and bool(closed) and not told(this)


class Projects(Scene):
    """A new AnnotationProject, beside one that people annotate in already.

    Args:
        waits: whether the new one has to say what it waits for.
        standing: whether the old one has to, too.
    """

    def __init__(self, *, waits: bool = True, standing: bool = True) -> None:
        self._waiting = [which for which, has_to in (("new", waits), (STANDING, standing)) if has_to]

    async def before(self, world: World, name: str) -> None:
        """See `Scene`."""
        if STANDING not in world.standing:
            await world.make("AnnotationProject", STANDING, project(world, STANDING))
            await world.until("is set up", "AnnotationProject", STANDING, is_ready, SET_UP)
            world.standing.add(STANDING)

    async def meanwhile(self, world: World, name: str) -> None:
        """See `Scene`."""
        await world.make("AnnotationProject", f"{name}-new", project(world, f"{name}-new"))

    def waiting(self, name: str) -> Waiting:
        """See `Scene`."""
        return [("AnnotationProject", which if which == STANDING else f"{name}-{which}") for which in self._waiting]

    async def recovered(self, world: World, name: str) -> None:
        """See `Scene`."""
        for which in (f"{name}-new", STANDING):
            await world.until("is set up", "AnnotationProject", which, lambda this: is_ready(this) and is_synced(this), RECOVERED)

    async def mistakes(self, world: World, name: str) -> Sequence[str]:
        """See `Scene`."""
        found = await asyncio.to_thread(labelling_projects, world)
        return [
            f"{which} has labelling projects with {found.get(which, [])} tasks" for which in (f"{name}-new", STANDING) if found.get(which) != [ITEMS]
        ]


def run(**spec: Any) -> dict[str, Any]:
    """The spec of a TrainingRun."""
    return {"image": "registry.example/train:1", **spec}


def project(world: World, name: str) -> dict[str, Any]:
    """The spec of an AnnotationProject with items in a folder of its own."""
    bucket = world.s3.make_bucket(world.namespace)
    folder = world.s3.folder / bucket / name
    folder.mkdir()
    for path, png in list(items())[:ITEMS]:
        (folder / path).write_bytes(png)
    return {
        "task": {"type": "ImageClassification", "labels": [{"name": "can"}, {"name": "bottle"}]},
        "source": {"uri": f"s3://{bucket}/{name}/"},
        "dataset": {"destination": f"s3://{bucket}/sets-{name}/"},
    }


def phase(this: Object) -> str:
    """The phase in its status."""
    return str((this.get("status") or {}).get("phase", ""))


def conditions(this: Object) -> list[dict[str, Any]]:
    """As they stand in its status."""
    return list((this.get("status") or {}).get("conditions") or ())


def is_ready(this: Object) -> bool:
    """Whether it says Ready=True."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions(this))


def is_synced(this: Object) -> bool:
    """Whether a project says that its items are known."""
    return any(c["type"] == "SourceSynced" and c["status"] == "True" for c in conditions(this))


def told(this: Object) -> list[tuple[str, str, str]]:
    """Type, reason and message of each condition that does not hold, but for those that only repeat others."""
    return [
        (c["type"], c["reason"], c["message"])
        for c in conditions(this)
        if c["status"] != "True" and c["type"] not in ("Ready", "Reconciling", "Stalled")
    ]
