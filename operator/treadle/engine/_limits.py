"""Our own manners towards the API server: how many calls at once, how many per second, and a pause when it asks for one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic

GRAIN = 1e-6
"""Less than this share of a call is not waited for: a wait too short for the clock would never end."""
Sleep = Callable[[float], Awaitable[None]]


class Limits:
    """A token bucket and a bound on concurrent calls, shared by all calls to one API server.

    Args:
        rate: calls per second in the long run.
        burst: calls that may go at once after a quiet time.
        concurrent: calls under way at the same time.
        clock: seconds on a clock that only moves forward.
        sleep: waits that many seconds.
    """

    def __init__(
        self, *, rate: float = 500, burst: int = 500, concurrent: int = 32, clock: Callable[[], float] = monotonic, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._sleep = sleep
        self._tokens = float(burst)
        self._counted_at = clock()
        self._paused_until = 0.0
        self._slots = asyncio.Semaphore(concurrent)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one call's place; waits until it is its turn."""
        async with self._slots:
            while (wait := self._wait()) > 0:
                await self._sleep(wait)
            self._tokens -= 1
            yield

    def pause(self, seconds: float) -> None:
        """No call starts before that many seconds have passed: the server asked to slow down."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def _wait(self) -> float:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._rate)
        self._counted_at = now
        lacking = 1 - self._tokens
        return max(self._paused_until - now, lacking / self._rate if lacking > GRAIN else 0.0)
