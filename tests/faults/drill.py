"""Going through one case: something breaks, others are served, who waits says so, it is mended, and all goes on as if nothing had been."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from tests.faults.scenes import Scene, phase, run, told
from tests.faults.world import System, World

NOTICED = 60.0
SERVED = 30.0
"""Seconds on a busy machine."""

Breakdown = Callable[[World, str], AbstractAsyncContextManager[None]]
"""Something that is broken while the block runs; told the case's name."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Something that goes wrong.

    Attributes:
        name: begins the names of its objects.
        words: what people would call it.
        reason: what the condition of an object says that waits; empty: nothing can be, or has to be said.
        shared: everything needs what is broken, so that nobody can be served meanwhile.
        silence: why nothing is said, where nothing is.
        lasts: seconds at least.
    """

    system: System
    name: str
    words: str
    fault: Breakdown
    scene: Scene
    reason: str = ""
    shared: bool = False
    silence: str = "nothing: it is not held up"
    lasts: float = 0.0


@dataclass
class Row:
    """What became of a case; seconds each.

    Attributes:
        told: type, reason and message of the condition of each who waits.
        noticed: until everybody had said it.
        served: until a bystander, who came after the fault had begun, was done.
        lasted: the fault.
        recovered: from its end until all was as it should be.
        unhandled: exceptions that the operator did not expect.
        mistakes: what does not hold, those too.
    """

    case: Case
    told: list[tuple[str, str, str]] = field(default_factory=list)
    noticed: float | None = None
    served: float | None = None
    lasted: float | None = None
    recovered: float | None = None
    unhandled: int = 0
    mistakes: list[str] = field(default_factory=list)


async def went_through(world: World, case: Case) -> Row:
    """Go through a case; what does not hold is told in the row."""
    row, scene = Row(case), case.scene
    logged, bugs = len(world.operator.log), await asyncio.to_thread(world.operator.figure, "treadle_bugs_total")
    since = world.place.now()
    try:
        await scene.before(world, case.name)
        async with case.fault(world, case.name):
            began = time.monotonic()
            await scene.meanwhile(world, case.name)
            async with asyncio.TaskGroup() as group:
                for waiting in (_served(world, row, began), _noticed(world, row, began), asyncio.sleep(case.lasts)):
                    group.create_task(waiting)
            row.lasted = time.monotonic() - began
        ended = time.monotonic()
        await scene.recovered(world, case.name)
        row.recovered = time.monotonic() - ended
        row.mistakes += await scene.mistakes(world, case.name)
    except* AssertionError as failed:
        row.mistakes += [str(error) for error in failed.exceptions]
    made = await asyncio.to_thread(world.made, since)
    row.mistakes += [f"{name} was made {count} times" for name, count in made.items() if count > 1]
    row.mistakes += await world.leaks()
    complaints = world.operator.complaints(logged)
    row.unhandled = max(len(complaints), round(await asyncio.to_thread(world.operator.figure, "treadle_bugs_total") - bugs))
    row.mistakes += complaints or ([f"{row.unhandled} unexpected errors counted"] if row.unhandled else [])
    return row


async def _served(world: World, row: Row, began: float) -> None:
    """Somebody who needs nothing that is broken."""
    if row.case.shared:
        return
    name = f"{row.case.name}-bystander"
    await world.make("TrainingRun", name, run(tracking={"type": "None"}))
    await world.until("is served", "TrainingRun", name, lambda this: phase(this) == "Succeeded", SERVED)
    row.served = time.monotonic() - began


async def _noticed(world: World, row: Row, began: float) -> None:
    """Everybody who waits says so."""
    if not (reason := row.case.reason):
        return
    for kind, name in row.case.scene.waiting(row.case.name):
        this = await world.until(f"says {reason}", kind, name, lambda this: reason in [said for _, said, _ in told(this)], NOTICED)
        row.told += [condition for condition in told(this) if condition[1] == reason and condition not in row.told]
    row.noticed = time.monotonic() - began
