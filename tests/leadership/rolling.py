"""A rolling update of the operator: the new replica knows everything already when the old one is told to end and gives the Lease back.

New TrainingRuns are applied all the time, and many finished ones are there. How long does nobody do anything for them?
"""

import asyncio
import json
import signal
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from e2e.cluster import Cluster
from tests.bench.bare_client import MERGE_PATCH, BareClient
from tests.integration.control_plane import Place
from tests.leadership.records import Records, done
from tests.leadership.replicas import Replica, replica
from tests.leadership.world import World, run, world

HANDS = 32
STEADY = 0.1
"""Seconds between two runs that are applied."""
BEFORE, AFTER = 20, 40
"""Writes of the old replica before it is told to end, and of the new one before the update counts as over."""
TEMPLATE = "exemplar"


@dataclass(frozen=True, kw_only=True)
class Rolling:
    """What became of it.

    Attributes:
        present: finished runs that were there.
        pause: seconds from the last write of the old replica about a run to the first of the new one, by the audit log.
        idle: seconds from then until the new one held the Lease.
        waits: seconds that each run waited for its Job, of those applied meanwhile.
        touched: writes about the finished runs.
        jobs: how many Jobs were made for how many runs.
        mishaps: errors that the replicas logged.
    """

    present: int
    pause: float
    idle: float
    waits: Sequence[float]
    touched: int
    jobs: tuple[int, int]
    mishaps: Sequence[str]


async def rolled(cluster: Cluster, present: int, folder: Path, *, with_jobs: bool, times: int = 1) -> Sequence[Rolling]:
    """Roll so many times with so many finished runs present, their finished Jobs too if wanted."""
    place = Place(cluster, f"roll-{uuid4().hex[:8]}")
    await asyncio.to_thread(place.kubectl, "create", "namespace", place.namespace)
    async with world(place) as seen:
        with replica(place, "first", folder) as first:
            await first.ready()
            await seen.apply([TEMPLATE], tracked=False)
            seen.finish([TEMPLATE])
            await seen.until("one run is finished", lambda: seen.phase(TEMPLATE) == "Succeeded")
        await _copies(seen, place, present, with_jobs=with_jobs)  # while no operator is there who would launch them
        with ExitStack() as replicas:
            old, found = replicas.enter_context(replica(place, "a0", folder)), []
            for number in range(1, times + 1):
                await old.ready()
                await old.rests()
                new = replicas.enter_context(replica(place, f"a{number}", folder))
                await new.ready()
                found.append(await _updated(seen, place, old, new, present))
                old = new
            return found


async def _updated(seen: World, place: Place, old: Replica, new: Replica, present: int) -> Rolling:
    """One update: the old replica ends, the new one goes on."""
    since, over = place.now(), asyncio.Event()
    applying = asyncio.create_task(_steadily(seen, new.name, over))
    await seen.until("the old replica is at work", lambda: len(place.writes(since, old.name)) >= BEFORE)
    old.signal(signal.SIGTERM)
    await seen.until("the new replica is at work", lambda: len(place.writes(since, new.name)) >= AFTER)
    over.set()
    fresh = await applying
    await seen.until("all are running", lambda: all(seen.phase(name) == "Running" for name in fresh))
    return _outcome(Records(place, since), old, new, present, len(fresh))


def _outcome(records: Records, old: Replica, new: Replica, present: int, fresh: int) -> Rolling:
    last = max(records.acted(old.name))
    touched = [e for each in (old, new) for e in records.writes(each.name) if done(e) and e["objectRef"].get("name", "").startswith("finished-")]
    return Rolling(
        present=present,
        pause=(records.acted(new.name)[0] - last).total_seconds(),
        idle=(records.taken(new.name) - last).total_seconds(),
        waits=sorted(records.waits().values()),
        touched=len([event for event in touched if event["objectRef"]["resource"] != "events"]),
        jobs=(sum(records.jobs().values()), fresh),
        mishaps=[*old.mishaps(), *new.mishaps()],
    )


async def _steadily(seen: World, batch: str, over: asyncio.Event) -> Sequence[str]:
    """Apply one run after the other until it is over; returns their names."""
    names: list[str] = []
    while not over.is_set():
        names.append(f"fresh-{batch}-{len(names):04}")
        await seen.apply(names[-1:], tracked=False)
        await asyncio.sleep(STEADY)
    return names


async def _copies(seen: World, place: Place, count: int, *, with_jobs: bool) -> None:
    """Finished runs that are like the one that was lived through."""
    status = json.dumps(seen.runs[TEMPLATE]["status"])
    job = json.loads(await asyncio.to_thread(place.kubectl, "get", "job", f"{TEMPLATE}-1", "--output=json"))
    names = iter(f"finished-{number:05}" for number in range(count))

    async def hand() -> None:
        for name in names:
            made = await seen.client.post(seen.path("treadle.dev/v1alpha1", "trainingruns"), run(name, seen.runs[TEMPLATE]["spec"]))
            own = json.loads(status.replace(TEMPLATE, name))
            await seen.client.patch(seen.path("treadle.dev/v1alpha1", "trainingruns", f"{name}/status"), {"status": own}, MERGE_PATCH)
            if with_jobs:
                await _copy_job(seen.client, seen.path("batch/v1", "jobs"), job, name, made["metadata"]["uid"])

    async with asyncio.TaskGroup() as group:
        for _ in range(HANDS):
            group.create_task(hand())


async def _copy_job(client: BareClient, path: str, job: dict[str, Any], name: str, uid: str) -> None:
    """A finished Job for a finished run. It is managed by nobody, so that the Job controller makes no pod for it."""
    metadata, spec = job["metadata"], job["spec"]
    labels = {key: value for key, value in metadata["labels"].items() if not key.endswith(("job-name", "controller-uid"))}
    template = {**spec["template"], "metadata": {**spec["template"]["metadata"], "labels": labels}}
    body = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{name}-1",
            "labels": labels,
            "annotations": metadata.get("annotations", {}),
            "ownerReferences": [{**metadata["ownerReferences"][0], "uid": uid}],
        },
        "spec": {**{key: value for key, value in spec.items() if key != "selector"}, "template": template, "managedBy": "example.com/nobody"},
    }
    await client.post(path, json.loads(json.dumps(body).replace(TEMPLATE, name)))
    await client.patch(f"{path}/{name}-1/status", {"status": job["status"]}, MERGE_PATCH)
