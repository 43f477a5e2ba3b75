"""The parts of `make crash`: for each kind all its calls, and each change of the world."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.crash.all_places import AT_ONCE, WAYS, Death, Place, after_writes, places
from tests.crash.kinds import EVERY_LIFE, LIVES, TRAINING, changes
from tests.crash.life import Change, Life
from tests.crash.moves import JobSetInstalled, around_jobs
from tests.crash.records import Records


@dataclass(frozen=True)
class Part:
    """One part; without a change all calls."""

    life: Life
    change: Change | None = None

    def __str__(self) -> str:
        return f"{self.life.name} {self.change.name if self.change else 'every call'}"

    def places(self, calls: Sequence[str]) -> list[Place]:
        """Where to die, in a life with these calls."""
        if self.change is None:
            return places(calls, *WAYS)
        return around_jobs(calls) if isinstance(self.change, JobSetInstalled) else after_writes(calls)

    def at_once(self, places: Sequence[Place]) -> int:
        """How many lives are lived at the same time."""
        return max(len(places), 1) if isinstance(self.change, JobSetInstalled) else AT_ONCE

    def differing(self, records: Records) -> list[Death]:
        """The deaths that came to another end."""
        alone = records.undisturbed
        assert alone
        expected = {} if self.change else alone.outcome
        return [death for death in records.deaths if death.differs(expected)]


PARTS: Sequence[Part] = (
    *(Part(life) for life in EVERY_LIFE),
    *(Part(disturbed, change) for life in LIVES for disturbed, change in changes(life.kind)),
    Part(TRAINING, JobSetInstalled(TRAINING)),
)
"""JobSet comes last: it stays."""
