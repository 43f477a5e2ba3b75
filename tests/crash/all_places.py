"""Dying at many places, several lives at a time."""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from tests.crash.calls import STATUS_OF
from tests.crash.cutting import Cut
from tests.crash.life import Change, Life, NeverMade, Outcome, lived
from tests.crash.operators import InProcess, OwnProcess, Start
from tests.crash.room import Servers
from treadle.plan import Trouble

AT_ONCE = 10
"""Lives are mostly waiting: for polls, and for each other's turns."""
LIVES = 6
"""Two decisions that come at the same moment are remembered in one write; then the next life is tried."""
READS = re.compile(r"^read |/search$| GET |validate$")
WAYS: Mapping[str, Start] = {"cancelled": InProcess, "SIGKILL": OwnProcess}


@dataclass(frozen=True)
class Undisturbed:
    """A life in which nobody died.

    Attributes:
        calls: in order.
        outcome: to which every other life must come too.
        day: when it was lived.
    """

    calls: Sequence[str]
    outcome: Outcome
    day: str


@dataclass(frozen=True)
class Place:
    """Where an operator dies.

    Attributes:
        call: its name.
        after: whether the call is carried out first.
        way: how it dies, a key of `WAYS`.
    """

    call: str
    after: bool
    way: str


@dataclass(frozen=True)
class Death:
    """One place, and what became of the life: a text when it came to no end, None when the place was not met in `LIVES` lives."""

    place: Place
    outcome: Outcome | str | None

    def differs(self, expected: Outcome) -> bool:
        """Whether it came to another end. Only a repeated status write may go unmet: it is not made where two decisions are remembered at once."""
        return not is_fragile(self.place.call) if self.outcome is None else self.outcome != expected


def is_fragile(call: str) -> bool:
    """Whether it depends on the pace whether a call is made at all: a status write that repeats the phase of an earlier one."""
    return call.startswith(STATUS_OF) and call.endswith(")")


def places(calls: Iterable[str], *ways: str) -> list[Place]:
    """Before and after every call."""
    return [Place(call, after, way) for call in calls for way in ways for after in (False, True)]


def after_writes(calls: Iterable[str]) -> list[Place]:
    """After every call that changed something. It is all that matters to a change of the world: what an operator has read dies with it, and what
    died before its next call has left the same world.
    """
    return [Place(call, True, "cancelled") for call in calls if not READS.search(call)]


async def undisturbed(servers: Servers, life: Life) -> Undisturbed:
    """Live without a cut."""
    cut = Cut()
    outcome = await lived(servers, life, InProcess, (cut,))
    return Undisturbed(cut.calls, outcome, f"{datetime.now(UTC).date()}")


async def die_at(
    servers: Servers,
    life: Life,
    where: Iterable[Place],
    change: Change | None = None,
    *,
    at_once: int = AT_ONCE,
    keep: Callable[[Death], None] = lambda death: None,
) -> list[Death]:
    """Live once for each place; `keep` is told of each death when its life is over."""
    space = asyncio.Semaphore(at_once)

    async def one(place: Place) -> Death:
        async with space:
            death = Death(place, await _lived(servers, life, place, change))
            keep(death)
            return death

    return list(await asyncio.gather(*(one(place) for place in where)))


async def die_in_turn(servers: Servers, life: Life, where: Sequence[Place]) -> list[Death]:
    """Die at one place after the other, all in one life; what it goes by without is left to the next life. All in the same way."""
    deaths: list[Death] = []
    left = list(where)
    for _ in range(LIVES):
        cuts = [Cut(at=place.call, after=place.after) for place in left]
        if not cuts:
            break
        try:
            outcome: Outcome | str = await lived(servers, life, WAYS[left[0].way], cuts)
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
        met = [place for place, cut in zip(left, cuts, strict=True) if cut.met]
        deaths += [Death(place, outcome) for place in met]
        left = [place for place in left if place not in met]
    return deaths + [Death(place, None) for place in left]


async def _lived(servers: Servers, life: Life, place: Place, change: Change | None) -> Outcome | str | None:
    said = None
    for _ in range(LIVES):
        try:
            return await lived(servers, life, WAYS[place.way], (Cut(at=place.call, after=place.after),), change)
        except NeverMade:
            said = None
        except (Trouble, httpx.TransportError) as error:  # the test's own calls did not come through
            said = f"{type(error).__name__}: {error}"
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return said
