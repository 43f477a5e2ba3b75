"""The life of one object, from `apply` to its end, while its operator is ended at one call and a new one takes over."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from tests.crash.cutting import Cut
from tests.crash.evidence import Remembers, unremembered
from tests.crash.operators import Operator, Start
from tests.crash.room import Room, Servers, room

PATIENCE = 480.0
"""Seconds that a life may take on a busy machine."""

Outcome = Mapping[str, str]
"""What the world holds in the end, by what it is about; equal for every place to die at."""


class NeverMade(Exception):
    """The life went by without the call at which it was to be cut."""


class Course(Protocol):
    """What surrounds an object on its way to its end, and how that end is told."""

    async def help(self, room: Room) -> None:
        """What kubelets, programs and people do, who do not care whether an operator lives. Ends by itself, or with the life."""

    async def over(self, room: Room) -> None:
        """Return once the end is reached."""

    async def outcome(self, room: Room) -> Outcome:
        """What the world holds."""


class Life(Course, Protocol):
    """An object of one kind, from its beginning to its end."""

    name: str
    """As in the table: its kind, and what is special about it."""
    kind: str
    story: str
    """What happens in it, for people."""

    async def begin(self, room: Room) -> None:
        """What a user does: prepare and apply."""

    @property
    def remembers(self) -> Remembers:
        """What follows from a decision, by the name of its call; and whether a status remembers that decision."""


class Change(Course, Protocol):
    """What happens to the world while no operator lives, and the other course that things take then; its outcome is what does not hold."""

    name: str
    holds: str
    """What must hold all the same, for people."""
    anew: bool
    """Whether another course begins; else those who helped along go on."""

    async def happen(self, room: Room) -> None:
        """Change the world."""


async def lived(servers: Servers, life: Life, start: Start, cuts: Sequence[Cut], change: Change | None = None) -> Outcome:
    """Live it: one operator after the other has one of the cuts, the last one has none. The world changes after the first.

    Raises:
        NeverMade: the first operator reached the end without its call.
        AssertionError, TimeoutError: the end was not reached.
    """
    async with room(servers) as here, asyncio.timeout(PATIENCE):
        await life.begin(here)
        async with _helped(here, life) as helping:
            for cut in (*cuts, Cut()):
                await _operated(here, life, start, cut, helping)
                if cut.met and change is not None:
                    break
                if not cut.met and cut.at and cut is cuts[0]:
                    raise NeverMade(f"the call {cut.at!r} was never made; made were {cut.calls}")
                if not cut.met:
                    return await _judged(here, life)
            assert change is not None
            if not change.anew:
                await change.happen(here)
                await _operated(here, change, start, Cut(), helping)
                return await change.outcome(here)
        await change.happen(here)
        async with _helped(here, change) as helping:
            await _operated(here, change, start, Cut(), helping)
        return await change.outcome(here)


async def _judged(here: Room, life: Life) -> Outcome:
    if forgotten := unremembered(here.carried_out(), life.remembers):
        raise AssertionError(f"done before it was remembered: {forgotten}")
    return await life.outcome(here)


@asynccontextmanager
async def _helped(here: Room, course: Course) -> AsyncIterator["asyncio.Task[None]"]:
    helping = asyncio.create_task(course.help(here))
    try:
        yield helping
    finally:
        helping.cancel()
        await asyncio.wait({helping})


async def _operated(here: Room, course: Course, start: Start, cut: Cut, helping: "asyncio.Task[None]") -> None:
    """Run one operator until it is dead, or its object has come to its end."""
    here.notes.setdefault("cuts", []).append(cut)
    here.let_in(cut)
    operator: Operator = start(here.configuration)
    cut.kill = operator.kill
    over, dead, ended = (asyncio.create_task(each) for each in (course.over(here), cut.dead.wait(), operator.ended()))
    try:
        await _any(helping, over, dead, ended)
        if ended.done() and not cut.dead.is_set():
            raise AssertionError(f"the operator ended by itself: {here.configuration.log.read_text()[-2000:]}")
    finally:
        if not cut.dead.is_set():
            cut.fall()
        await asyncio.wait({ended})
        for task in (over, dead):
            task.cancel()
        await asyncio.wait({over, dead})


async def _any(helping: "asyncio.Task[None]", *others: "asyncio.Task[Any]") -> None:
    """Return once one of the others is done; what helps along may be done before, but must not fail."""
    waiting = {helping, *others}
    while not any(task.done() for task in others):
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
