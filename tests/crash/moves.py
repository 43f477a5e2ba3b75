"""What may move in the world while no operator lives: an alias, a dataset version, what the cluster offers."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from tests.bench.peers import jobset_crd
from tests.crash import serving_life, training_life
from tests.crash.all_places import Place
from tests.crash.changes import NAME, quiet
from tests.crash.life import Outcome
from tests.crash.room import Room, now
from tests.crash.serving_life import condition, model
from tests.crash.training_life import TrainingLife

SHELF = "shelf"


class AliasMovedFromTraining:
    """Somebody registers a version by hand and makes it the candidate. Implements `Change`."""

    name = "alias `candidate` moved by hand"
    anew = False
    holds = "one version of the run; the alias is never moved back, and status says whether it moved"

    def __init__(self, life: TrainingLife) -> None:
        self._life = life

    async def happen(self, room: Room) -> None:
        """See `Change.happen`."""
        if not await room.asks_mlflow("GET", "registered-models/get", name=model(room)):
            await room.asks_mlflow("POST", "registered-models/create", name=model(room))
        room.notes["moved before"] = "candidate" in await serving_life.aliases(room)
        room.notes["by hand"] = await serving_life.register(room)

    async def help(self, room: Room) -> None:
        """See `Course.help`."""
        await self._life.help(room)

    async def over(self, room: Room) -> None:
        """See `Course.over`."""
        await self._life.over(room)

    async def outcome(self, room: Room) -> Outcome:
        """See `Course.outcome`."""
        this = room.get("TrainingRun", NAME) or {}
        ours, candidate = this["status"]["registered"], (await serving_life.aliases(room))["candidate"]
        listed = (await room.asks_mlflow("GET", "model-versions/search", filter=f"name = '{model(room)}'"))["model_versions"]
        wrong = {}
        if len(listed) != 2:
            wrong["versions"] = str(len(listed))
        if int(candidate) != max(int(ours["version"]), int(room.notes["by hand"])):
            wrong["candidate"] = f"{candidate}; by hand: {room.notes['by hand']}, ours: {ours['version']}"
        if not room.notes["moved before"] and bool(ours.get("aliasMoved")) is not (candidate == ours["version"]):
            wrong["status"] = f"says {ours}, the candidate is {candidate}"
        return wrong


class AliasMovedFromServing:
    """Somebody makes a newer version the champion. Implements `Change`."""

    name = "alias `champion` moved by hand"
    anew = True
    holds = "the alias stays where the person put it; the deployment says so and serves"

    async def happen(self, room: Room) -> None:
        """See `Change.happen`."""
        while int(number := await serving_life.register(room, alias="")) < 3:
            pass
        await room.asks_mlflow("POST", "registered-models/alias", name=model(room), alias="champion", version=number)
        room.notes["champion"] = number

    async def help(self, room: Room) -> None:
        """See `Course.help`."""
        await serving_life.make_pods_ready(room)

    async def over(self, room: Room) -> None:
        """See `Course.over`."""
        wanted = f"champion is version {room.notes['champion']}"
        while wanted not in condition(this := room.get("ModelDeployment", NAME), "Promoted").get("message", "") or not _ready(this):
            await room.news()
        await quiet(room)

    async def outcome(self, room: Room) -> Outcome:
        """See `Course.outcome`."""
        champion = (await serving_life.aliases(room))["champion"]
        return {} if champion == room.notes["champion"] else {"champion": champion}


class DatasetReleased:
    """The project whose latest version the run trains on releases another one. Implements `Change`."""

    name = "new dataset version"
    anew = False
    holds = "every attempt, and the status, have the version that the first Job was made with"

    def __init__(self, life: TrainingLife) -> None:
        self._life = life

    async def happen(self, room: Room) -> None:
        """See `Change.happen`."""
        room.notes["decided"] = await training_life.made_with(room)
        await release(room, 2)

    async def help(self, room: Room) -> None:
        """See `Course.help`."""
        await self._life.help(room)

    async def over(self, room: Room) -> None:
        """See `Course.over`."""
        await self._life.over(room)

    async def outcome(self, room: Room) -> Outcome:
        """See `Course.outcome`."""
        this = room.get("TrainingRun", NAME) or {}
        said = [*await training_life.made_with(room), this["status"]["dataset"]["version"]]
        wanted = (room.notes["decided"] or said)[0]
        return {} if said == [wanted] * 3 else {"dataset versions": f"{said} instead of {wanted}"}


class LatestDatasetLife(TrainingLife):
    """A run on the latest version of a project."""

    story = "Like the life of a TrainingRun above, on the latest dataset version of a project."

    def __init__(self) -> None:
        super().__init__(dataset={"project": SHELF})

    async def begin(self, room: Room) -> None:
        """See `Life.begin`. The project is suspended: Treadle does nothing about it."""
        task = {"type": "ImageClassification", "labels": [{"name": "can"}]}
        source = {"name": "shelf", "uri": "s3://raw/shelf/", "labels": {"format": "Coco", "uri": "s3://raw/shelf.json"}}
        destination, backend = {"destination": "s3://datasets/shelf/"}, {"type": "Files"}
        spec = {"task": task, "sources": [source], "dataset": destination, "backend": backend, "suspend": True}
        await room.make("AnnotationProject", SHELF, spec)
        await release(room, 1)
        await super().begin(room)


class JobSetInstalled:
    """JobSet is installed, once every life that is lived at the same time has come here. Implements `Change`."""

    name = "JobSet installed"
    anew = False
    holds = "the same end, with Jobs"

    def __init__(self, life: TrainingLife) -> None:
        self._life = life

    def expect(self, outcome: Outcome, lives: int) -> None:
        """So many lives are lived at the same time, and each shall come to this."""
        self._expected, self._here = outcome, asyncio.Barrier(lives)

    async def happen(self, room: Room) -> None:
        """See `Change.happen`."""
        if await self._here.wait() == 0:
            await asyncio.to_thread(room.servers.cluster.apply, jobset_crd())
            await asyncio.to_thread(
                room.servers.cluster.kubectl, "wait", "--for=condition=Established", "crd/jobsets.jobset.x-k8s.io", "--timeout=30s"
            )
        await self._here.wait()

    async def help(self, room: Room) -> None:
        """See `Course.help`."""
        await self._life.help(room)

    async def over(self, room: Room) -> None:
        """See `Course.over`."""
        await self._life.over(room)

    async def outcome(self, room: Room) -> Outcome:
        """See `Course.outcome`."""
        found = await self._life.outcome(room)
        return {what: value for what, value in found.items() if self._expected[what] != value}


def around_jobs(calls: Sequence[str]) -> list[Place]:
    """Where it matters to a run what the cluster offers: before and after its Jobs are made."""
    return [Place(call, True, "cancelled") for call in calls if " Job digits" in call or call.endswith(("runs/create", "runs/log-batch"))]


async def release(room: Room, version: int) -> None:
    """The project has another dataset version."""
    known: list[Mapping[str, Any]] = [
        {"version": each, "digest": f"{each}" * 64, "uri": f"s3://datasets/shelf/v{each:04}/", "items": 10, "excluded": 0, "releasedAt": now()}
        for each in range(1, version + 1)
    ]
    await room.patch("AnnotationProject", SHELF, {"status": {"dataset": known[-1], "releases": known}}, subresource="status")


def _ready(this: Any) -> bool:
    return bool(condition(this, "Ready").get("status") == "True")
