"""The leader falters in the middle of a wave of TrainingRuns, and another replica takes over.

Some runs are ending and others are being launched when it happens. The first replica reaches API server and MLflow through gates, which are open
unless the network is what fails.
"""

import asyncio
import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from uuid import uuid4

from e2e.cluster import Cluster
from tests.integration.control_plane import Place
from tests.leadership.gate import Gate, gate
from tests.leadership.records import Records, tracked
from tests.leadership.replicas import Replica, replica
from tests.leadership.world import World, world

OLD, NEW = "a", "b"


class Fault(Enum):
    """How a leader falters."""

    KILLED = "killed (SIGKILL)"
    FROZEN = "frozen (SIGSTOP), and thawed once the other leads"
    CUT = "cut off from API server and MLflow; the network comes back, with what was on its way, once the other did the work"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of it.

    Attributes:
        taken: seconds from the fault until the other replica held the Lease, by the audit log.
        silent: seconds from the last time the old leader wrote the Lease until then.
        acted: seconds from the fault until the other replica wrote something about a run.
        kept: connections on which the network held requests of the old leader back.
        refused, carried_out: what the old leader wanted to write after the other had the Lease, by request and status code.
        jobs: how often each Job was made.
        tracked: statuses of the tracking runs of each TrainingRun.
        backwards: status writes that took a run back.
        mishaps: errors that the replicas logged.
    """

    fault: Fault
    runs: int
    taken: float
    silent: float
    acted: float
    kept: int
    refused: Counter[str]
    carried_out: Counter[str]
    jobs: Counter[str]
    tracked: Mapping[str, Sequence[str]]
    backwards: Sequence[str]
    mishaps: Sequence[str]


async def suffered(cluster: Cluster, mlflow: str, fault: Fault, count: int, folder: Path) -> Outcome:
    """Live through it with so many runs.

    Args:
        mlflow: its address, host:port.
        folder: for files; exists.
    """
    place = Place(cluster, f"lead-{uuid4().hex[:8]}")
    await asyncio.to_thread(place.kubectl, "create", "namespace", place.namespace)
    since = place.now()
    api = cluster.server.removeprefix("https://")
    async with world(place) as seen, gate(*_split(api)) as towards_api, gate(*_split(mlflow)) as towards_mlflow:
        with replica(place, OLD, folder, mlflow=towards_mlflow.address, server=towards_api.address) as old:
            await old.ready()
            await seen.until(f"{OLD} leads", lambda: seen.holder == OLD)
            with replica(place, NEW, folder, mlflow=mlflow) as new:
                await new.ready()
                began, kept = await _wave(seen, place, old, fault, count, (towards_api, towards_mlflow))
                return await _outcome(fault, place, since, seen, began, kept, mlflow, (old, new))


async def _wave(seen: World, place: Place, old: Replica, fault: Fault, count: int, gates: Sequence[Gate]) -> tuple[datetime, int]:
    """Returns when the leader faltered, and how many connections held something back."""
    ending, launching = ([f"{what}-{number:03}" for number in range(count // 2)] for what in ("ending", "launching"))
    await seen.apply(ending)
    await seen.until("the first runs are running", lambda: all(seen.phase(name) == "Running" for name in ending))
    here = place.now()
    seen.finish(ending)
    applying = asyncio.create_task(seen.apply(launching))
    await seen.until("the old leader is at work", lambda: len(place.writes(here, OLD)) >= count // 8)
    began, kept = datetime.now(UTC), 0
    _strike(fault, old, gates)
    await applying
    await seen.until(f"{NEW} leads", lambda: seen.holder == NEW)
    if fault is Fault.FROZEN:
        old.signal(signal.SIGCONT)
    if fault is Fault.CUT:
        await seen.until("the other did the work", lambda: all(seen.phase(name) == "Running" for name in launching))
        kept = sum(each.open() for each in gates)
        await seen.until("what was on its way has arrived", lambda: all(each.quiet() for each in gates))
    seen.finish(launching)
    await seen.until("all runs are over", lambda: all(name in seen.runs and seen.closed(name) for name in (*ending, *launching)))
    return began, kept


def _strike(fault: Fault, old: Replica, gates: Sequence[Gate]) -> None:
    match fault:
        case Fault.KILLED:
            old.signal(signal.SIGKILL)
        case Fault.FROZEN:
            old.signal(signal.SIGSTOP)
        case Fault.CUT:
            for each in gates:
                each.shut()


async def _outcome(
    fault: Fault, place: Place, since: int, seen: World, began: datetime, kept: int, mlflow: str, replicas: Sequence[Replica]
) -> Outcome:
    records = Records(place, since)
    taken = records.taken(NEW)
    refused, carried_out = records.late(OLD, taken)
    return Outcome(
        fault=fault,
        runs=len(seen.runs),
        taken=(taken - began).total_seconds(),
        silent=(taken - records.renewed(OLD, taken)).total_seconds(),
        acted=(records.acted(NEW)[0] - began).total_seconds(),
        kept=kept,
        refused=refused,
        carried_out=carried_out,
        jobs=records.jobs(),
        tracked=await tracked(mlflow, f"{place.namespace}.wave"),
        backwards=records.backwards(),
        mishaps=[line for each in replicas for line in each.mishaps()],
    )


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)
