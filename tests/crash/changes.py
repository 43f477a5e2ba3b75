"""What may happen to the world while no operator lives: the object is deleted, or deleted and created again."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from tests.crash import annotation_life, serving_life
from tests.crash.annotation_life import AnnotationLife
from tests.crash.life import Life, Outcome
from tests.crash.room import Room, owners
from tests.crash.serving_life import ServingLife, condition
from tests.crash.training_life import TrainingLife, tracked
from treadle.api import names

NAME = "digits"
QUIET = 1.5
"""Seconds without a call that counts, after which nothing more is to be expected."""
CHILDREN = ("Job", "Deployment", "Service", "PodDisruptionBudget")


class Deleted:
    """The object is deleted. Implements `Change`."""

    name = "deleted"
    anew = True

    def __init__(self, life: Life, holds: str) -> None:
        self._life, self.holds = life, holds

    async def happen(self, room: Room) -> None:
        """See `Change.happen`."""
        await remember(room, self._life.kind)
        await room.delete(self._life.kind, NAME)

    async def help(self, room: Room) -> None:
        """See `Course.help`. Kubelets work on, people do not."""
        await (serving_life.make_pods_ready(room) if isinstance(self._life, ServingLife) else annotation_life.run_pods(room))

    async def over(self, room: Room) -> None:
        """See `Course.over`."""
        while room.get(self._life.kind, NAME) or await something_is_left(room):
            await room.news()
        await quiet(room)

    async def outcome(self, room: Room) -> Outcome:
        """See `Course.outcome`."""
        wrong = {}
        if await something_is_left(room):
            wrong["left"] = "children of the deleted object, or a running tracking run"
        if again := [event for event in room.audited() if event["verb"] == "create" and _controller(event) == room.notes["uid"]]:
            before = room.notes["made"]
            wrong |= {"made after the deletion": str(len(again) - before)} if len(again) > before else {}
        if isinstance(self._life, AnnotationLife):
            projects = await asyncio.to_thread(annotation_life.answers, room)
            wrong |= {"labelling projects": str(projects)} if len(projects) != int(room.notes["answered"]) else {}
        return wrong


class Recreated:
    """The object is deleted, and created again under the same name at once. Implements `Change`."""

    name = "deleted and created again"
    anew = True

    def __init__(self, life: Life, holds: str) -> None:
        self._life, self.holds = life, holds

    async def happen(self, room: Room) -> None:
        """See `Change.happen`."""
        this = room.get(self._life.kind, NAME)
        assert this
        await remember(room, self._life.kind)
        await room.delete(self._life.kind, NAME)
        made = await room.make(self._life.kind, NAME, {name: value for name, value in this["spec"].items() if name != "suspend"})
        room.notes["new uid"] = made["metadata"]["uid"]

    async def help(self, room: Room) -> None:
        """See `Course.help`."""
        await (serving_life.make_pods_ready(room) if isinstance(self._life, ServingLife) else self._life.help(room))

    async def over(self, room: Room) -> None:
        """See `Course.over`."""
        await (_serves(room) if isinstance(self._life, ServingLife) else self._life.over(room))
        while await something_is_left(room):
            await room.news()
        await quiet(room)

    async def outcome(self, room: Room) -> Outcome:
        """See `Course.outcome`."""
        facts = {TrainingLife: _recreated_run, AnnotationLife: _recreated_project, ServingLife: _recreated_deployment}
        found, wanted = await facts[type(self._life)](room)
        return {what: f"{found[what]} instead of {value}" for what, value in wanted.items() if found[what] != value}


async def remember(room: Room, kind: str) -> None:
    """Note how things are before the object goes."""
    this = room.get(kind, NAME)
    assert this
    room.notes["uid"] = this["metadata"]["uid"]
    room.notes["made"] = sum(event["verb"] == "create" and _controller(event) == this["metadata"]["uid"] for event in room.audited())
    room.notes["answered"] = any(map(any, await asyncio.to_thread(annotation_life.answers, room)))
    room.notes["ended"] = [run for run in await tracked(room) if "treadle.ending" in _tags(run)]


async def something_is_left(room: Room) -> bool:
    """Whether children of the deleted object are there, or a tracking run runs."""
    for kind in CHILDREN:
        if any(room.notes["uid"] in owners(child) for child in room.all(kind)):
            return True
    return any(run["info"]["status"] == "RUNNING" for run in await tracked(room))


async def quiet(room: Room) -> None:
    """Wait until the operator has made no call that counts for a while."""
    cut, before = room.notes["cuts"][-1], -1
    while before != len(cut.calls):
        before = len(cut.calls)
        await asyncio.sleep(QUIET)


Facts = tuple[Mapping[str, object], Mapping[str, object]]
"""What is found, and what of it is wanted."""


async def _recreated_run(room: Room) -> Facts:
    """A run that had ended is taken up as ended from MLflow; any other is run anew, with Jobs and a tracking run of its own."""
    runs = await tracked(room)
    by_uid = {uid: [run for run in runs if _tags(run).get("treadle.claim") == uid] for uid in (room.notes["uid"], room.notes["new uid"])}
    jobs = [event for event in room.audited() if _is_made(event, "jobs") and _controller(event) == room.notes["new uid"]]
    own = {run["info"]["run_id"] for run in by_uid[room.notes["new uid"]]}
    shared = [job for job in jobs if _resolved(job)["tracking"]["id"] not in own]
    adopted = bool(room.notes["ended"])
    registered = await room.asks_mlflow("GET", "model-versions/search", filter=f"name = '{room.namespace}.{NAME}'")
    sources = [version["run_id"] for version in registered.get("model_versions", ())]
    found = {
        "own Jobs": len(jobs),
        "Jobs with another's tracking run": len(shared),
        "own tracking runs": [run["info"]["status"] for run in by_uid[room.notes["new uid"]]],
        "tracking runs taken up": [run["info"]["status"] for run in runs if adopted and "treadle.ending" in _tags(run)],
        "several tracking runs of the deleted one": len(by_uid[room.notes["uid"]]) > 1,
        "versions of one tracking run": max(map(sources.count, sources), default=0),
    }
    wanted = {
        "own Jobs": 0 if adopted else 2,
        "Jobs with another's tracking run": 0,
        "own tracking runs": [] if adopted else ["FINISHED"],
        "tracking runs taken up": ["FINISHED"] if adopted else [],
        "several tracking runs of the deleted one": False,
        "versions of one tracking run": 1,
    }
    return found, wanted


async def _recreated_project(room: Room) -> Facts:
    """It takes up the labelling project with the answers, the versions and the run that it made."""
    this = room.get("AnnotationProject", NAME) or {}
    found = {
        "answers": await asyncio.to_thread(annotation_life.answers, room),
        "versions": annotation_life.dataset_versions(room),
        "version": this["status"]["dataset"]["version"],
        "runs made": sum(_is_made(event, "trainingruns") for event in room.audited()),
        "phase": this["status"]["phase"],
    }
    return found, {"answers": [[1, 1]], "versions": ["v0001"], "version": 1, "runs made": 1, "phase": "Released"}


async def _recreated_deployment(room: Room) -> Facts:
    """The champion serves, from Deployments of its own."""
    this = room.get("ModelDeployment", NAME) or {}
    champion = (await serving_life.aliases(room)).get("champion")
    children = [child for kind in ("Deployment", "Service", "PodDisruptionBudget") for child in room.all(kind)]
    found = {
        "serves": this["status"]["stable"]["version"],
        "owners": sorted({uid for child in children for uid in owners(child)}),
        "children": len(children),
    }
    return found, {"serves": champion, "owners": [room.notes["new uid"]], "children": 3}


async def _serves(room: Room) -> None:
    while True:
        this = room.get("ModelDeployment", NAME)
        if [condition(this, kind).get("status") for kind in ("Ready", "Promoted", "RolloutProgressing")] == ["True", "True", "False"]:
            return
        await room.news()


def _is_made(event: Mapping[str, Any], resource: str) -> bool:
    ref = event["objectRef"]
    return event["verb"] == "create" and ref["resource"] == resource and "subresource" not in ref and event["responseStatus"]["code"] == 201


def _controller(event: Mapping[str, Any]) -> str:
    metadata = (event.get("requestObject") or {}).get("metadata") or {}
    return next(iter(owners({"metadata": metadata})), "") if event["responseStatus"]["code"] == 201 else ""


def _resolved(event: Mapping[str, Any]) -> Any:
    return json.loads(event["requestObject"]["metadata"]["annotations"][names.RESOLVED])


def _tags(run: Mapping[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["data"].get("tags") or ()}
