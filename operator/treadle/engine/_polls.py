"""Asking the outside: one poller per connection collects the open questions and asks them in batches."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from time import monotonic
from typing import Any, Protocol

from treadle.api.reasons import Reason
from treadle.engine._ports import Answered, Connection, Fact
from treadle.plan import Condition, Question, Ref, Trouble, Unavailable

log = logging.getLogger(__name__)

CADENCE = 10.0
"""Seconds between two batches with the same questions."""
GATHER = 0.075
"""Seconds that a new question waits for company."""
SECOND_TRY = 1.0
"""Seconds after which a failed batch is tried again before it is called an outage."""
TIMEOUT = 60.0
"""Seconds that one batch may take; the connection's own requests have shorter ones."""


class Asked(Protocol):
    """What a poller needs of memory; see `Memory`."""

    def open_questions(self, connection: str) -> set[Question[Any]]:
        """See `Memory.open_questions`."""

    def mark(self) -> int:
        """See `Memory.mark`."""

    def learn(self, facts: Iterable[Fact], asked: int | None = None) -> set[Ref]:
        """See `Memory.learn`."""


class Poller:
    """Polls one connection. An outage is an answer too: `Unavailable`, with the time of its beginning, for as long as it lasts.

    Args:
        name: of the connection.
        connection: the system that is asked.
        memory: where questions come from and answers go.
        wake: called with the keys that must look again.
        clock: says since when an outage lasts.
        cadence: seconds between batches.
        observe: told (seconds, succeeded) of each batch.
        bug: told of each exception that is no `Trouble`.
    """

    def __init__(
        self,
        name: str,
        connection: Connection,
        memory: Asked,
        *,
        wake: Callable[[set[Ref]], None],
        clock: Callable[[], datetime],
        cadence: float = CADENCE,
        observe: Callable[[float, bool], None] = lambda seconds, succeeded: None,
        bug: Callable[[], None] = lambda: None,
    ) -> None:
        self._name = name
        self._connection = connection
        self._memory = memory
        self._wake = wake
        self._clock = clock
        self._cadence = cadence
        self._observe = observe
        self._bug = bug
        self._known: set[Question[Any]] = set()
        self._outage: Unavailable | None = None
        self._new = asyncio.Event()

    def look(self) -> None:
        """Look soon whether there is a question that no batch has held yet. Cheap; called after each reconcile."""
        self._new.set()

    async def run(self) -> None:
        """Poll until cancelled."""
        self._known.clear()
        due = monotonic()
        while True:
            fresh = await self._wait_until(due)
            questions = self._memory.open_questions(self._name)
            self._known &= questions
            batch = questions - self._known if fresh else questions
            if not fresh:
                due = monotonic() + self._cadence
            if batch:
                self._known |= batch
                await self._ask(batch)

    async def _wait_until(self, due: float) -> bool:
        """Whether a new question came before the cadence was due. What is due is never put off by news."""
        if monotonic() >= due:
            return False
        try:
            async with asyncio.timeout(due - monotonic()):
                await self._new.wait()
        except TimeoutError:
            return False
        await asyncio.sleep(GATHER)
        self._new.clear()
        return True

    async def _ask(self, batch: set[Question[Any]]) -> None:
        if (failure := await self._attempt(batch)) is None:
            self._outage = None
            return
        since = self._clock()
        if self._outage is None:
            await asyncio.sleep(SECOND_TRY)
            if (failure := await self._attempt(batch)) is None:
                return
        if self._outage is None or self._outage.cause is not failure.reason:  # the first words stay: an outage that lasts is no news
            log.warning("connection %s does not answer: %s", self._name, failure.message)
            began = self._outage.since if self._outage else since
            self._outage = Unavailable(began, f"{self._name}: {failure.message}", failure.reason, failure.stalled)
        self._learn(batch, dict.fromkeys(batch, self._outage), self._memory.mark())

    async def _attempt(self, batch: set[Question[Any]]) -> Condition | None:
        """Ask once; returns why that failed, or None."""
        mark, began = self._memory.mark(), monotonic()
        failure: Condition | None = None
        try:
            async with asyncio.timeout(TIMEOUT):
                answers = await self._connection.answer(batch)
            self._learn(batch, answers, mark)
        except Trouble as trouble:
            failure = trouble.condition
        except TimeoutError:
            failure = _failed(f"no answer within {TIMEOUT:.0f} s")
        except Exception as error:
            self._bug()
            log.exception("connection %s failed in an unexpected way", self._name)
            failure = _failed(f"unexpected: {type(error).__name__}")
        self._observe(monotonic() - began, failure is None)
        return failure

    def _learn(self, batch: set[Question[Any]], answers: Mapping[Question[Any], object], mark: int) -> None:
        wanted = batch & self._memory.open_questions(self._name)
        facts = [Answered(question, answer) for question, answer in answers.items() if question in wanted]
        if woken := self._memory.learn(facts, asked=mark):
            self._wake(woken)


def _failed(message: str) -> Condition:
    return Trouble(Reason.Unreachable, message).condition
