"""The life of a TrainingRun with tracking, a gate and registration: its first attempt is stopped by its user, the second one ends well.

The test plays kubelet, user, and the user's program.
"""

import json
from typing import Any

from tests.crash.evidence import Remembers
from tests.crash.facts import deleted, made, nameless_status
from tests.crash.life import Outcome
from tests.crash.room import Room, now, owners
from treadle.api import names
from treadle.plan import Object

NAME = "digits"
SPEC: dict[str, Any] = {
    "image": "registry.example/train:1",
    "parameters": [{"name": "epochs", "value": "3"}],
    "gates": [{"name": "floor", "metric": "f1", "min": "0.90"}],
    "register": {"model": "digits"},
}


class TrainingLife:
    """Implements `Life`. `more` is added to the spec."""

    name = kind = "TrainingRun"
    story = "Its first attempt is stopped by its user; the second one logs a metric and a model, passes the gate, and its model is registered."

    def __init__(self, **more: Any) -> None:
        self._spec = SPEC | more

    async def begin(self, room: Room) -> None:
        """See `Life.begin`."""
        await room.make("TrainingRun", NAME, self._spec)

    async def help(self, room: Room) -> None:
        """See `Course.help`."""
        await self._runs(room, 1)
        await room.patch("TrainingRun", NAME, {"spec": {"suspend": True}})
        await phase(room, "Suspended")
        while own_job(room, 1):
            await room.news()
        await room.patch("TrainingRun", NAME, {"spec": {"suspend": False}})
        pod = await self._runs(room, 2)
        await logs(room, pod, f1=0.93)
        await room.pod_is(pod, "Succeeded", {"terminated": {"exitCode": 0, "startedAt": now(), "finishedAt": now()}})

    async def over(self, room: Room) -> None:
        """See `Course.over`."""
        while not (await phase(room, "Succeeded"))["status"]["tracking"].get("closed"):
            await room.news()

    async def outcome(self, room: Room) -> Outcome:
        """See `Course.outcome`."""
        this = room.get("TrainingRun", NAME)
        assert this
        return {
            "made": await made(room),
            "deleted": await deleted(room),
            "pods": str(len(room.all("Pod", "job-name"))),
            "tracking runs": ", ".join(run["info"]["status"] for run in await tracked(room)),
            "model versions": await versions(room),
            "status": nameless_status(this, room),
        }

    @property
    def remembers(self) -> Remembers:
        """See `Life.remembers`."""
        return {
            "delete Job digits-1": lambda status: bool(status.get("attempts")),
            "MLflow POST registered-models/alias": lambda status: bool(status.get("registered")),
            "MLflow POST runs/update": lambda status: bool(status.get("result")),
        }

    async def _runs(self, room: Room, attempt: int) -> Object:
        """The kubelet starts the program of an attempt, and the operator says so."""
        while not (job := own_job(room, attempt)) or not (pods := room.all("Pod", f"controller-uid={job['metadata']['uid']}")):
            await room.news()
        await room.pod_is(pods[0], "Running", {"running": {"startedAt": now()}})
        await phase(room, "Running")
        return pods[0]


def own_job(room: Room, attempt: int) -> Object | None:
    """The Job of an attempt, if it belongs to the run that is there now."""
    this, job = room.get("TrainingRun", NAME), room.get("Job", f"{NAME}-{attempt}")
    return job if this and job and this["metadata"]["uid"] in owners(job) else None


async def phase(room: Room, wanted: str) -> Object:
    """Wait until the run is in this phase."""
    while True:
        this = room.get("TrainingRun", NAME)
        if this and (this.get("status") or {}).get("phase") == wanted:
            return this
        await room.news()


async def logs(room: Room, pod: Object, **metrics: float) -> None:
    """The program logs metrics and one model to the run that it finds in its environment."""
    env = {v["name"]: v.get("value") for v in pod["spec"]["containers"][0]["env"]}
    for key, value in metrics.items():
        await room.asks_mlflow("POST", "runs/log-metric", run_id=env["MLFLOW_RUN_ID"], key=key, value=value, timestamp=1)
    model = {"experiment_id": env["MLFLOW_EXPERIMENT_ID"], "name": "model", "source_run_id": env["MLFLOW_RUN_ID"]}
    id_ = (await room.asks_mlflow("POST", "logged-models", **model))["model"]["info"]["model_id"]
    await room.asks_mlflow("PATCH", f"logged-models/{id_}", model_id=id_, status=2)


async def tracked(room: Room) -> list[Any]:
    """All tracking runs of the room, oldest first."""
    found = (await room.asks_mlflow("GET", "experiments/get-by-name", experiment_name=f"{room.namespace}.digits")).get("experiment")
    if found is None:
        return []
    runs = await room.asks_mlflow("POST", "runs/search", experiment_ids=[found["experiment_id"]], max_results=100)
    return sorted(runs.get("runs", []), key=lambda run: int(run["info"]["start_time"]))


async def made_with(room: Room) -> list[int]:
    """The dataset versions that Jobs were made with, in order."""
    made = [event["requestObject"]["metadata"] for event in room.audited() if event["verb"] == "create" and event["objectRef"]["resource"] == "jobs"]
    return [json.loads(job["annotations"][names.RESOLVED])["dataset"]["version"] for job in made]


async def versions(room: Room) -> str:
    """The model's versions, each with its aliases."""
    model = f"{room.namespace}.digits"
    found = (await room.asks_mlflow("GET", "registered-models/get", name=model)).get("registered_model", {})
    aliases = {alias["version"]: alias["alias"] for alias in found.get("aliases", ())}
    listed = (await room.asks_mlflow("GET", "model-versions/search", filter=f"name = '{model}'")).get("model_versions", ())
    return ", ".join(sorted(f"{version['version']} {aliases.get(version['version'], '')}".strip() for version in listed))
