"""How much a pod takes on: a bounded number of requests, a bounded number of threads, a bounded time; what is above is refused at once.

Small requests that wait at the same time are worked on together. Where that is a matter of a moment it happens right here, on the event loop: to hand
it to a thread and back would cost about as much again. Small is only what counts: work that waits for something else than the CPU is not.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from treadle.contracts.serving import RuntimeLimits
from treadle.runtime._deadlines import Deadlines
from treadle.runtime._errors import Refused

Answer = TypeVar("Answer")
Body = TypeVar("Body")
Work = Callable[[Sequence[Body]], Sequence[Answer | Exception]]
"""From what several requests say to what each is answered, in the same order."""

MOMENT = 0.002
"""Seconds of CPU: work that takes no more does not keep others waiting."""
FORGOTTEN = 0.9
"""Of the longest time that work took, so much still counts at the next one."""
TOGETHER = 32
"""Requests that are worked on together, at most."""


@dataclass(eq=False)
class _Place:
    """A request that was read."""

    work: Work[Any, Any]
    body: Any
    small: bool
    answer: "asyncio.Future[Any]"
    begun: bool = False


class Admission:
    """Lets `concurrency` threads work and `queue` requests more wait.

    A thread cannot be stopped: a request that ran out of time is answered, but its place stays taken until its thread has ended, so that the bound
    holds under any load.
    """

    def __init__(self, limits: RuntimeLimits, clock: Callable[[], float] = time.thread_time) -> None:
        self._limits = limits
        self._clock = clock
        self._places = limits.concurrency + limits.queue
        self._threads = ThreadPoolExecutor(limits.concurrency, thread_name_prefix="predict")
        self._taken = self._busy = 0
        self._waiting: deque[_Place] = deque()
        self._looks = False
        self._deadlines = Deadlines(limits.request_seconds)
        self._usual = 1.0  # nothing is known yet: begin in threads

    @property
    def taken(self) -> int:
        """Requests that work or wait."""
        return self._taken

    async def run(self, read: Callable[[], Awaitable[Body]], work: Work[Body, Answer], *, small: bool = False) -> Answer:
        """Read a request on the event loop, then work on it; if it is `small`, together with others for which the very same work is to be done.

        Raises:
            Refused: 429 when there is no place, 504 when the time is over.
        """
        if self._taken >= self._places:
            raise Refused(429, f"{self._taken} requests are under way, which is all that this pod takes on", retry_after=1)
        self._taken += 1
        place: _Place | None = None
        try:
            with self._deadlines.begin():
                body = await read()
                place = _Place(work, body, small, asyncio.get_running_loop().create_future())
                self._waiting.append(place)
                self._look_soon()
                answer: Answer = await place.answer
                return answer
        except TimeoutError as error:
            raise Refused(504, f"no answer within {self._limits.request_seconds:g} s") from error
        finally:
            if place is None or not place.begun:
                self._withdraw(place)

    def _withdraw(self, place: _Place | None) -> None:
        if place is not None:
            self._waiting.remove(place)
        self._taken -= 1

    def _look_soon(self) -> None:
        """Once all have been read that came at the same time."""
        if not self._looks:
            self._looks = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._looks = False
        while self._waiting:
            if self._waiting[0].small and self._usual < MOMENT:
                batch = self._begin(TOGETHER)
                self._end(batch, self._worked(batch))
            elif self._busy < self._limits.concurrency:
                batch = self._begin(min(TOGETHER, math.ceil(len(self._waiting) / (self._limits.concurrency - self._busy))))
                self._busy += 1
                future = asyncio.get_running_loop().run_in_executor(self._threads, self._worked, batch)
                future.add_done_callback(partial(self._free, batch))
            else:
                return

    def _begin(self, most: int) -> list[_Place]:
        """The first that waits, and those that can be worked on with it."""
        first = self._waiting[0]
        batch = [first]
        if first.small and most > 1:
            batch += [place for place in list(self._waiting)[1:] if place.small and place.work is first.work][: most - 1]
        for place in batch:
            place.begun = True
            self._waiting.remove(place)
        return batch

    def _worked(self, batch: Sequence[_Place]) -> Sequence[Any]:
        began = self._clock()
        try:
            return batch[0].work([place.body for place in batch])
        except Exception as error:  # told to each of those who asked
            return [error] * len(batch)
        finally:
            if batch[0].small:
                self._usual = max(self._clock() - began, self._usual * FORGOTTEN)

    def _free(self, batch: Sequence[_Place], future: "asyncio.Future[Sequence[Any]]") -> None:
        self._busy -= 1
        self._end(batch, [Refused(503, "the pod is leaving")] * len(batch) if future.cancelled() else future.result())
        self._look_soon()

    def _end(self, batch: Sequence[_Place], answers: Sequence[Any]) -> None:
        for place, answer in zip(batch, answers, strict=True):
            self._taken -= 1
            if place.answer.done():  # whoever asked is gone
                continue
            if isinstance(answer, Exception):
                place.answer.set_exception(answer)
            else:
                place.answer.set_result(answer)

    def close(self) -> None:
        """Take no more work; threads that work are not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._deadlines.close()
