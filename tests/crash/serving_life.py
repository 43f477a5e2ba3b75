"""The life of a ModelDeployment: its first version serves and becomes the champion, the next one takes over when a person promotes it.

The registry is a real MLflow; the test plays the kubelet that makes pods ready, the training that registers versions, and the person.
"""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from tests.crash.evidence import Remembers
from tests.crash.facts import deleted, made, nameless_status
from tests.crash.life import Outcome
from tests.crash.room import Room, now
from treadle.api import names
from treadle.connections.registry import GATES_TAG
from treadle.plan import Object

NAME = "digits"
SPEC: dict[str, Any] = {"model": {"name": "digits"}, "replicas": 2, "rollout": {"keepRevisions": 0}}


class ServingLife:
    """Implements `Life`."""

    name = kind = "ModelDeployment"
    story = "Its first version serves and becomes the champion; the next one takes over when a person promotes it, and the former is removed."

    async def begin(self, room: Room) -> None:
        """See `Life.begin`."""
        await room.asks_mlflow("POST", "registered-models/create", name=model(room))
        await register(room)
        await room.make("ModelDeployment", NAME, SPEC)

    async def help(self, room: Room) -> None:
        """See `Course.help`."""
        async with asyncio.TaskGroup() as group:
            group.create_task(make_pods_ready(room))
            group.create_task(self._next_version(room))

    async def over(self, room: Room) -> None:
        """See `Course.over`."""
        while not settled(room.get("ModelDeployment", NAME), "2") or len(room.all("Deployment")) > 1:
            await room.news()

    async def outcome(self, room: Room) -> Outcome:
        """See `Course.outcome`."""
        this = room.get("ModelDeployment", NAME)
        assert this
        return {
            "made": await made(room),
            "deleted": await deleted(room),
            "aliases": str(await aliases(room)),
            "promoted": ", ".join([number for number in ("1", "2") if await promoted(room, number)]),
            "status": nameless_status(this, room),
        }

    @property
    def remembers(self) -> Remembers:
        """See `Life.remembers`."""
        return {
            "MLflow POST registered-models/alias": lambda status: bool(status.get("promotion")),
            "delete Deployment digits-*": lambda status: (status.get("stable") or {}).get("version") == "2",
        }

    async def _next_version(self, room: Room) -> None:
        while not settled(room.get("ModelDeployment", NAME), "1"):
            await room.news()
        await register(room)
        while "version 2" not in condition(room.get("ModelDeployment", NAME), "ModelResolved").get("message", ""):
            await room.news()
        await room.patch("ModelDeployment", NAME, {"metadata": {"annotations": {names.PROMOTE: "2"}}})


def model(room: Room) -> str:
    """The registered model's full name."""
    return f"{room.namespace}.digits"


async def register(room: Room, alias: str = "candidate") -> str:
    """What training does: a version whose gates passed, and an alias on it, if one is named; returns its number."""
    tags = [{"key": GATES_TAG, "value": "Passed"}]
    made = await room.asks_mlflow("POST", "model-versions/create", name=model(room), source=f"s3://mlflow/{uuid4().hex}", tags=tags)
    number = str(made["model_version"]["version"])
    if alias:
        await room.asks_mlflow("POST", "registered-models/alias", name=model(room), alias=alias, version=number)
    return number


async def aliases(room: Room) -> dict[str, str]:
    """Which version each alias names."""
    found = (await room.asks_mlflow("GET", "registered-models/get", name=model(room)))["registered_model"]
    return {alias["alias"]: alias["version"] for alias in sorted(found.get("aliases", ()), key=lambda alias: str(alias["alias"]))}


async def promoted(room: Room, number: str) -> bool:
    """Whether the version is tagged as promoted by this deployment."""
    found = (await room.asks_mlflow("GET", "model-versions/get", name=model(room), version=number))["model_version"]
    tags = {tag["key"]: tag["value"] for tag in found.get("tags", ())}
    return tags.get("treadle.promoter") == f"{room.namespace}/{room.namespace}/{NAME}" and tags.get("treadle.rollout") == "Promoted"


async def make_pods_ready(room: Room) -> None:
    """A kubelet whose pods come up at once."""
    begun: set[str] = set()
    while True:
        for pod in room.all("Pod", names.REVISION):
            if pod["metadata"]["uid"] not in begun and "deletionTimestamp" not in pod["metadata"]:
                begun.add(pod["metadata"]["uid"])
                await room.pod_is(pod, "Running", {"running": {"startedAt": now()}}, ready=True)
        await room.news()


def settled(this: Object | None, version: str) -> bool:
    """Whether a version serves alone and is the champion, and all of it is remembered."""
    status = (this or {}).get("status") or {}
    promotion = status.get("promotion") or {}
    stable = (status.get("stable") or {}).get("version") == promotion.get("version") == version
    told = {kind: condition(this, kind).get("status") for kind in ("Ready", "Promoted", "RolloutProgressing")}
    return stable and bool(promotion.get("moved")) and told == {"Ready": "True", "Promoted": "True", "RolloutProgressing": "False"}


def condition(this: Object | None, kind: str) -> Mapping[str, Any]:
    """One condition, {} without."""
    return next((c for c in ((this or {}).get("status") or {}).get("conditions") or () if c["type"] == kind), {})
