"""The load: N objects are applied, the test plays kubelet and marks each Job Complete, until every object says that it is finished.

A controller carries it, or, for the raw limit, a bare client that makes only the writes which cannot be spared. Load, kubelet and watching are the
same for all.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.bench.bare_client import HANDS, MERGE_PATCH, BareClient, spread
from tests.bench.raw_limit import Replacement
from tests.bench.systems import Load, jobs_path

PATIENCE = 900.0


@dataclass
class Timeline:
    """When what happened to each object, in seconds on the monotonic clock, by its name."""

    began: float = field(default_factory=time.monotonic)
    applied: dict[str, float] = field(default_factory=dict)
    created: dict[str, float] = field(default_factory=dict)
    completed: dict[str, float] = field(default_factory=dict)
    finished: dict[str, float] = field(default_factory=dict)


async def carried(
    client: BareClient,
    load: Load,
    namespace: str,
    wanted: Sequence[str],
    controller: Replacement | None = None,
    *,
    unfinished: int = 1_000_000,
    jobs_run: bool = False,
) -> Timeline:
    """One round.

    Args:
        client: of the load, the kubelet and the watches.
        load: what is applied.
        namespace: where; nothing else is in it.
        wanted: the objects' names.
        controller: instead of one that runs already.
        unfinished: how many objects may be under way at a time.
        jobs_run: whether somebody else completes the Jobs.

    Raises:
        AssertionError: it does not come to its end; the message says how far it came.
    """
    line, work, done = Timeline(), asyncio.Queue[dict[str, Any]](), asyncio.Event()
    replacement, room = controller or Replacement(), asyncio.Semaphore(unfinished)

    def look() -> None:
        if len(line.completed) == len(line.finished) == len(wanted):
            done.set()

    async def watch_jobs() -> None:
        async for job in client.follow(jobs_path(namespace)):
            name = job["metadata"]["labels"][load.label]
            if name not in line.created:
                line.created[name] = time.monotonic()
                if not jobs_run:
                    work.put_nowait(job)
            if jobs_run and name not in line.completed and _complete_already(job):
                line.completed[name] = time.monotonic()
                look()

    async def watch_objects() -> None:
        async for it in client.follow(load.path(namespace)):
            name = it["metadata"]["name"]
            if name not in line.finished and load.finished(it):
                line.finished[name] = time.monotonic()
                room.release()
                look()

    async def complete(job: dict[str, Any]) -> None:
        await _complete(client, job)
        name = job["metadata"]["labels"][load.label]
        line.completed[name] = time.monotonic()
        look()
        replacement.completed(name)

    applying = _apply(client, load, namespace, wanted, line, room, replacement.applied)
    try:
        await _while_running([watch_jobs(), watch_objects(), spread(HANDS, work, complete), replacement.run(), applying], done)
    except TimeoutError:
        steps = {name: len(getattr(line, name)) for name in ("applied", "created", "completed", "finished")}
        raise AssertionError(f"of {len(wanted)} objects after {PATIENCE:.0f} s: {steps}") from None
    return line


def names(count: int, first: int = 0) -> list[str]:
    """Of so many objects."""
    return [f"run-{number:05d}" for number in range(first, first + count)]


async def _apply(
    client: BareClient,
    load: Load,
    namespace: str,
    wanted: Sequence[str],
    line: Timeline,
    room: asyncio.Semaphore,
    then: Callable[[dict[str, Any]], None],
) -> None:
    left = iter(wanted)

    async def hand() -> None:
        for name in left:
            await room.acquire()
            it = await client.post(load.path(namespace), load.make(name))
            line.applied[name] = time.monotonic()
            then(it)

    async with asyncio.TaskGroup() as group:
        for _ in range(HANDS):
            group.create_task(hand())


def _complete_already(job: dict[str, Any]) -> bool:
    return any(condition["type"] == "Complete" for condition in (job.get("status") or {}).get("conditions") or ())


async def _complete(client: BareClient, job: dict[str, Any]) -> None:
    """What the Job controller says of a Job whose pod succeeded."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = [{"type": kind, "status": "True", "lastTransitionTime": now} for kind in ("SuccessCriteriaMet", "Complete")]
    status = {"startTime": now, "completionTime": now, "succeeded": 1, "ready": 0, "uncountedTerminatedPods": {}, "conditions": conditions}
    if job["spec"].get("completionMode") == "Indexed":
        status["completedIndexes"] = "0"
    metadata = job["metadata"]
    await client.patch(f"{jobs_path(metadata['namespace'])}/{metadata['name']}/status", {"status": status}, MERGE_PATCH)


async def _while_running(parts: list[Any], done: asyncio.Event) -> None:
    tasks = [asyncio.create_task(part) for part in parts]
    waiting = asyncio.create_task(done.wait())
    try:
        async with asyncio.timeout(PATIENCE):
            while not waiting.done():
                ready, _ = await asyncio.wait({waiting, *(task for task in tasks if not task.done())}, return_when=asyncio.FIRST_COMPLETED)
                for task in ready:
                    task.result()
    finally:
        for task in (*tasks, waiting):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
