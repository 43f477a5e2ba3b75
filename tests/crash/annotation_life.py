"""The life of an AnnotationProject: items are brought to people, answered, measured, released as a version, and a TrainingRun is made of it.

The Jobs are real processes; the test plays the kubelet that runs them, the people, and the training program.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from manifests.demo.data.digits import items
from tests.crash.calls import LABEL_STUDIO
from tests.crash.evidence import Remembers
from tests.crash.facts import deleted, made, nameless_status
from tests.crash.life import Outcome
from tests.crash.programs import run_job
from tests.crash.room import Room, now
from tests.integration.labelling_people import Person
from treadle.jobs.__main__ import TERMINATION_LOG_VARIABLE
from treadle.plan import Object

NAME = "digits"
RUN = "digits-v1"
COUNT = 2
JOBS_IMAGE = "registry.example/jobs:1"


class AnnotationLife:
    """Implements `Life`."""

    name = kind = "AnnotationProject"
    story = "Items are synced into a labelling project, answered, measured and released as a version; a TrainingRun is made of it and ends well."

    def __init__(self, deletion_policy: str = "Delete") -> None:
        self._deletion_policy = deletion_policy

    async def begin(self, room: Room) -> None:
        """See `Life.begin`. Label Studio becomes slow with many projects."""
        room.leaving.push_async_callback(forget, room)
        spec = spec_in(await asyncio.to_thread(bucket, room))
        await room.make("AnnotationProject", NAME, {**spec, "deletionPolicy": self._deletion_policy})

    async def help(self, room: Room) -> None:
        """See `Course.help`."""
        async with asyncio.TaskGroup() as group:
            group.create_task(run_pods(room))
            group.create_task(answer(room))

    async def over(self, room: Room) -> None:
        """See `Course.over`."""
        while not (released(room.get("AnnotationProject", NAME)) and _phase(room.get("TrainingRun", RUN)) == "Succeeded"):
            await room.news()

    async def outcome(self, room: Room) -> Outcome:
        """See `Course.outcome`."""
        this, run = room.get("AnnotationProject", NAME), room.get("TrainingRun", RUN)
        assert this
        assert run
        return {
            "made": await made(room),
            "deleted": await deleted(room),
            "labelling projects, each with its tasks' answers": str(await asyncio.to_thread(answers, room)),
            "dataset versions": ", ".join(dataset_versions(room)),
            "trains on": json.dumps(run["spec"]["dataset"], sort_keys=True),
            "status": nameless_status(this, room),
            "status of the run": nameless_status(run, room),
        }

    @property
    def remembers(self) -> Remembers:
        """See `Life.remembers`."""
        return {
            "create Job digits-release-*-1": lambda status: bool(status.get("quality")),
            "create TrainingRun digits-v1": lambda status: bool(status.get("dataset")),
        }


def bucket(room: Room) -> str:
    """The room's bucket, with items in it."""
    folder = room.servers.s3.folder / room.servers.s3.make_bucket(room.namespace)
    (folder / "items").mkdir(exist_ok=True)
    for path, png in list(items())[:COUNT]:
        (folder / "items" / path).write_bytes(png)
    return room.namespace


def spec_in(bucket: str) -> Mapping[str, Any]:
    """A project over a bucket."""
    return {
        "task": {"type": "ImageClassification", "labels": [{"name": str(digit)} for digit in range(10)]},
        "source": {"uri": f"s3://{bucket}/items/"},
        "dataset": {"destination": f"s3://{bucket}/sets/"},
        "resync": "1h",
        "train": {"template": {"spec": {"image": "registry.example/train:1", "tracking": {"type": "None"}}}},
    }


def released(this: Object | None) -> bool:
    """Whether a version is released, and its run is remembered."""
    status = (this or {}).get("status") or {}
    conditions = {c["type"]: c["status"] for c in status.get("conditions") or ()}
    return "trained" in status and conditions.get("DatasetReleased") == conditions.get("LabelingComplete") == "True"


def answers(room: Room) -> list[list[int]]:
    """For each labelling project of the room: how many answers each of its tasks has."""
    person = Person(room.servers.label_studio.url, room.servers.label_studio.token)
    return [sorted(len(task["annotations"]) for task in person.tasks(project)) for project in labelling_projects(room, person)]


def labelling_projects(room: Room, person: Person) -> list[int]:
    """Those that the room's operators made."""
    listed = person.call("GET", "/api/projects/", params={"page_size": 1000, "include": "id,description"}).json()["results"]
    return [project["id"] for project in listed if f" {room.namespace}/" in (project["description"] or "")]


async def forget(room: Room) -> None:
    """Remove the room's labelling projects."""
    person = Person(room.servers.label_studio.url, room.servers.label_studio.token)
    for project in await asyncio.to_thread(labelling_projects, room, person):
        async with room.servers.turns.deleting():
            await asyncio.to_thread(person.call, "DELETE", f"/api/projects/{project}/")


def dataset_versions(room: Room) -> list[str]:
    """The versions at the destination that are whole."""
    return sorted(manifest.parent.name for manifest in (room.servers.s3.folder / room.namespace / "sets").glob("v*/manifest.json"))


async def answer(room: Room) -> None:
    """Somebody answers every task, once."""
    while (source := ((room.get("AnnotationProject", NAME) or {}).get("status") or {}).get("source") or {}).get("items", 0) < COUNT:
        await room.news()
    person = Person(room.servers.label_studio.url, room.servers.label_studio.token)
    for order, task in enumerate(await asyncio.to_thread(person.tasks, source["project"])):
        if not task["annotations"]:
            async with room.servers.turns.saving():
                await asyncio.to_thread(person.answer, task["id"], str(order % 3))


async def run_pods(room: Room) -> None:
    """A kubelet: our Jobs run as processes, for as long as their pods are there; a training program ends well at once."""
    async with asyncio.TaskGroup() as group:
        running: dict[str, asyncio.Task[None]] = {}
        while True:
            pods = {pod["metadata"]["uid"]: pod for pod in room.all("Pod", "job-name")}
            for uid in pods.keys() - running:
                running[uid] = group.create_task(_run_pod(room, pods[uid]))
            for uid in running.keys() - pods:
                running[uid].cancel()
            await room.news()


async def _run_pod(room: Room, pod: Object) -> None:
    container = pod["spec"]["containers"][0]
    started, message, code = now(), "", 0
    if container["image"] == JOBS_IMAGE:
        log = room.configuration.folder / f"{pod['metadata']['name']}.termination"
        environment = {v["name"]: _value(room, v) for v in container["env"]} | {TERMINATION_LOG_VARIABLE: str(log)}
        async with room.servers.turns.saving():
            code = await run_job(environment, room.configuration.folder / "jobs.log")
        message = log.read_text() if log.exists() else ""
    ended = {"exitCode": code, "message": message, "startedAt": started, "finishedAt": now()}
    await room.pod_is(pod, "Failed" if code else "Succeeded", {"terminated": ended})


def _value(room: Room, variable: Mapping[str, Any]) -> str:
    """The value of a variable. Jobs do not go through the operator's door: they live on when it dies."""
    if "value" in variable:
        door = next(door for door in room.doors if door.server == LABEL_STUDIO)
        return str(variable["value"]).replace(door.url, door.upstream)
    secrets = {
        ("treadle-store", "AWS_ACCESS_KEY_ID"): room.servers.s3.access_key,
        ("treadle-store", "AWS_SECRET_ACCESS_KEY"): room.servers.s3.secret_key,
        ("treadle-label-studio", "token"): room.servers.label_studio.token,
    }
    reference = variable["valueFrom"]["secretKeyRef"]
    return secrets[reference["name"], reference["key"]]


def _phase(this: Object | None) -> str:
    return str(((this or {}).get("status") or {}).get("phase") or "")
