"""The life of a ModelDeployment whose versions prove themselves on live traffic: one takes over after its steps, the next one is rolled back.

The registry is a real MLflow, orders are signed, sent and taken as in a cluster; the test plays the kubelet, the training and the callers.
"""

import asyncio
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.crash.evidence import Remembers
from tests.crash.facts import deleted, made, nameless_status
from tests.crash.life import Outcome
from tests.crash.room import Room, now
from tests.crash.serving_life import NAME, aliases, condition, model, register, settled
from tests.crash.serving_pods import ServingPods
from treadle.api import names
from treadle.serving.promise import ROLLOUT_TAG

STEPS = [{"shadow": "1s"}, {"weight": 50, "hold": "1s"}]
SPEC: dict[str, Any] = {"model": {"name": "digits"}, "rollout": {"steps": STEPS, "keepRevisions": 0}}


class ProvingLife:
    """Implements `Life`."""

    name = "ModelDeployment whose versions prove themselves"
    kind = "ModelDeployment"
    story = (
        "Its first version becomes the champion; the next one gets copies, then half of the traffic, and takes over; the third answers nobody well."
    )

    async def begin(self, room: Room) -> None:
        """See `Life.begin`."""
        sign(room)
        room.notes["pods"] = pods = ServingPods()
        await room.leaving.enter_async_context(pods.opened())
        await room.asks_mlflow("POST", "registered-models/create", name=model(room))
        await register(room)
        await room.make("ModelDeployment", NAME, SPEC)

    async def help(self, room: Room) -> None:
        """See `Course.help`."""
        async with asyncio.TaskGroup() as group:
            group.create_task(begin_pods(room))
            group.create_task(self._next_versions(room))

    async def over(self, room: Room) -> None:
        """See `Course.over`."""
        while not rolled_back(room) or len(room.all("Deployment")) > 1 or len(room.all("Service")) > 1:
            await room.news()

    async def outcome(self, room: Room) -> Outcome:
        """See `Course.outcome`."""
        this = room.get("ModelDeployment", NAME)
        assert this
        return {
            "made": await made(room),
            "deleted": await deleted(room),
            "aliases": str(await aliases(room)),
            "rollouts": ", ".join([await rollout(room, number) for number in ("1", "2", "3")]),
            "status": nameless_status(this, room),
        }

    @property
    def remembers(self) -> Remembers:
        """See `Life.remembers`. No order is sent that status does not hold."""
        orders = {f"serving pods PUT order {number}": _remembers_order(number) for number in range(1, 7)}
        return {**orders, "MLflow POST registered-models/alias": lambda status: bool(status.get("promotion"))}

    async def _next_versions(self, room: Room) -> None:
        while not settled(room.get("ModelDeployment", NAME), "1"):
            await room.news()
        await register(room)
        while not settled(room.get("ModelDeployment", NAME), "2"):
            await room.news()
        room.notes["pods"].bad = True
        await register(room)


def _remembers_order(number: int) -> Any:
    return lambda status: (status.get("canary") or {}).get("sequence") == number


async def rollout(room: Room, number: str) -> str:
    """What the registry says became of a version."""
    found = (await room.asks_mlflow("GET", "model-versions/get", name=model(room), version=number))["model_version"]
    return next((str(tag["value"]) for tag in found.get("tags", ()) if tag["key"] == ROLLOUT_TAG), "nothing")


def rolled_back(room: Room) -> bool:
    """Whether the third version was given up, and the second serves alone."""
    status = (room.get("ModelDeployment", NAME) or {}).get("status") or {}
    given_up = [entry["version"] for entry in status.get("refused") or () if entry.get("tagged")]
    told = condition(room.get("ModelDeployment", NAME), "RolloutProgressing")
    return given_up == ["3"] and not status.get("canary") and told.get("status") == "False"


def sign(room: Room) -> None:
    """The operator of this room gets a control key."""
    path = room.configuration.folder / "private.pem"
    path.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with room.configuration.file.open("a") as file:
        file.write(f"control: {{privateKeyFile: {path}}}\n")


async def begin_pods(room: Room) -> None:
    """A kubelet whose pods come up at once, each with an address."""
    begun: set[str] = set()
    while True:
        for pod in room.all("Pod", names.REVISION):
            if pod["metadata"]["uid"] not in begun and "deletionTimestamp" not in pod["metadata"]:
                begun.add(pod["metadata"]["uid"])
                address = await room.notes["pods"].begin(room, pod)
                await room.pod_is(pod, "Running", {"running": {"startedAt": now()}}, ready=True, address=address)
        await room.news()
