"""The work queue: which keys must be looked at, when, and never two workers at one key."""

import asyncio
import heapq
import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Generic, TypeVar

Key = TypeVar("Key")

FIRST_BACKOFF = 1.0
LAST_BACKOFF = 300.0
SLACK = 64
FAIRNESS = 20
"""Of so many keys that are handed out, one at least is known already, if any is due."""
JITTER = 0.25
"""A backoff is stretched by up to this share, so that what failed together does not come back together."""


class Queue(Generic[Key]):
    """Keys that are due, each at most once, and a timer and a backoff per key.

    A key that is added while a worker has it becomes due again when the worker is done. A key that failed waits for its backoff; a change wakes
    it sooner, but not before `FIRST_BACKOFF`, so that a failure which changes its own object cannot spin. What is only reviewed gives way to
    whatever changed: a new leader looks at everything once, and whoever applies something meanwhile does not wait for that. And what is new comes
    before what is known: a new object waits to be started, an old one mostly to be told of. But some of those come in between, so that new ones
    without end cannot keep them waiting for ever.

    Args:
        clock: seconds on a clock that only moves forward.
        chance: numbers from 0 to 1.
    """

    def __init__(self, *, clock: Callable[[], float] = monotonic, chance: Callable[[], float]) -> None:
        self._clock = clock
        self._chance = chance
        self._new: OrderedDict[Key, None] = OrderedDict()
        self._due: OrderedDict[Key, None] = OrderedDict()
        self._reviewed: OrderedDict[Key, None] = OrderedDict()
        self._known: set[Key] = set()
        self._held: set[Key] = set()
        self._again: set[Key] = set()
        self._timers: list[tuple[float, int, Key]] = []
        self._timer_of: dict[Key, float] = {}
        self._rest_until: dict[Key, float] = {}
        self._failures: dict[Key, int] = {}
        self._number = itertools.count()
        self._taken = 0
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._new) + len(self._due) + len(self._reviewed)

    def add(self, key: Key) -> None:
        """Make the key due: something changed."""
        if key in self._held:
            self._again.add(key)
        elif (rest := self._rest_until.get(key, 0.0)) > self._clock():
            self._set_timer(key, min(rest, self._timer_of.get(key, rest)))
        else:
            self._reviewed.pop(key, None)
            (self._due if key in self._known else self._new)[key] = None
            self._changed.set()

    def review(self, keys: Iterable[Key]) -> None:
        """Make the keys due once nothing else is, in this order."""
        waiting = (self._new, self._due, self._held)
        self._reviewed.update(dict.fromkeys(key for key in keys if not any(key in those for those in waiting)))
        self._changed.set()

    def add_after(self, key: Key, seconds: float | None) -> None:
        """Set the key's only timer: due in so many seconds; None takes the timer away."""
        if seconds is None:
            self._timer_of.pop(key, None)
        else:
            self._set_timer(key, self._clock() + max(0.0, seconds))

    async def get(self) -> Key:
        """The next due key; it is the caller's until `done`."""
        while True:
            self._ring()
            if lane := self._next_lane():
                key, _ = lane.popitem(last=False)
                self._known.add(key)
                self._held.add(key)
                if self:
                    self._changed.set()
                return key
            self._changed.clear()
            wait = self._timers[0][0] - self._clock() if self._timers else None
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def done(self, key: Key) -> None:
        """Give the key back."""
        self._held.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def failed(self, key: Key, at_most: float = LAST_BACKOFF) -> float:
        """Let the key back off, call before `done`; returns for how many seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        backoff = min(at_most, FIRST_BACKOFF * 2.0 ** min(failures, 16)) * (1 + JITTER * self._chance())
        self._rest_until[key] = self._clock() + FIRST_BACKOFF
        self._set_timer(key, self._clock() + backoff)
        return backoff

    def succeeded(self, key: Key) -> None:
        """Forget the key's failures."""
        self._failures.pop(key, None)
        self._rest_until.pop(key, None)

    def forget(self, key: Key) -> None:
        """Forget all about a key that exists no more."""
        self.succeeded(key)
        self._timer_of.pop(key, None)
        self._known.discard(key)

    def _next_lane(self) -> OrderedDict[Key, None]:
        self._taken += 1
        if self._taken % FAIRNESS == 0 and self._due:
            return self._due
        return self._new or self._due or self._reviewed

    def _set_timer(self, key: Key, at: float) -> None:
        self._timer_of[key] = at
        heapq.heappush(self._timers, (at, next(self._number), key))
        if len(self._timers) > 2 * len(self._timer_of) + SLACK:  # drop those that were set anew, or taken away
            self._timers = [timer for timer in self._timers if self._timer_of.get(timer[2]) == timer[0]]
            heapq.heapify(self._timers)
        self._changed.set()

    def _ring(self) -> None:
        now = self._clock()
        while self._timers and self._timers[0][0] <= now:
            at, _, key = heapq.heappop(self._timers)
            if self._timer_of.get(key) == at:  # else it was set anew, or taken away
                del self._timer_of[key]
                self._rest_until.pop(key, None)
                self.add(key)
