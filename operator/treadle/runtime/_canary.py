"""Sends requests of a stable pod to the canary's Service: in the pod's place, or as a copy whose answer nobody gets."""

import asyncio
import re
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import Enum
from typing import Any

import httpx

from treadle.contracts.serving import RuntimeLimits
from treadle.contracts.traffic import FORWARDED, SERVER_TIMING
from treadle.runtime._asked import Asked
from treadle.runtime._bodies import HEADER_LENGTH
from treadle.runtime._passing_on import as_sent, client_for
from treadle.runtime._patience import Patience

PASSED_ON = ("content-type", "accept", HEADER_LENGTH)
"""Headers of a request that the canary gets too. Credentials of the caller are not among them."""
UNDER_WAY = 64
"""Copies at the same time; what comes above is not copied."""
HELD_BYTES = 64 << 20
"""Of bodies that are under way; what would come above is not sent, so that a slow canary does not fill the memory of a stable pod."""
NEVER_MADE = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.InvalidURL,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
"""Errors of a connection that was never made, or of a request that cannot be passed on: the canary knows nothing of it."""
DURATION = re.compile(r"\bapp;dur=([0-9]{1,9}(?:\.[0-9]{1,6})?)")


@dataclass(frozen=True)
class Letter:
    """A request as it can be sent on: its path with the query, the headers that matter, and its body."""

    target: str
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, asked: Asked, body: bytes, revision: str) -> "Letter":
        """From a request whose body was read."""
        kept = {name: value for name in PASSED_ON if (value := asked.headers.get(name))}
        return cls(asked.target, kept | {FORWARDED: revision}, body)


@dataclass(frozen=True)
class Reached:
    """What the canary answered. `seconds`: what it took, without the way there where the canary says so itself."""

    status: int
    body: bytes
    content_type: str
    seconds: float


@dataclass(frozen=True)
class Lost:
    """The canary got the request and did not answer. `waited`: seconds that it had for it; None where it hung up."""

    waited: float | None = None


class Unsent(Enum):
    """Why the canary knows nothing of a request."""

    UNREACHED = "no connection could be made"
    NO_ROOM = "too many are under way"
    UNREAD = "its caller did not send it as a whole"


class CanaryClient:
    """Speaks to the canary's Service, over connections that are kept.

    It may answer half as many requests at the same time as this pod takes on itself: however slow it is, callers of the stable version find a place.

    Attributes:
        patience: how long an answer is waited for.
    """

    def __init__(self, limits: RuntimeLimits) -> None:
        self.patience = Patience(limits.request_seconds)
        self._places = max(1, (limits.concurrency + limits.queue) // 2)
        self._taken = self._bytes = 0
        self._client = client_for(limits, self._places + UNDER_WAY)
        self._copies: set[asyncio.Task[None]] = set()

    def enter(self) -> bool:
        """Take a place for a request that the canary is to answer; False when there is none. Whoever took one has to `leave`."""
        if self._taken >= self._places:
            return False
        self._taken += 1
        return True

    def leave(self) -> None:
        """Give the place back."""
        self._taken -= 1

    def holds(self, body: bytes) -> bool:
        """Whether there is memory for one more body; for a single one there always is."""
        return not self._bytes or self._bytes + len(body) <= HELD_BYTES

    async def send(self, canary: str, letter: Letter) -> Reached | Lost | Unsent:
        """The canary's answer, or why there is none."""
        began, patience = time.perf_counter(), self.patience.seconds
        self._bytes += len(letter.body)
        try:
            async with asyncio.timeout(patience):
                headers = [as_sent(*header) for header in letter.headers.items()]
                answer = await self._client.post(canary + letter.target, headers=headers, content=letter.body)
        except NEVER_MADE:
            return Unsent.UNREACHED
        except (httpx.TimeoutException, TimeoutError):
            return Lost(waited=patience)
        except httpx.HTTPError:
            return Lost()
        finally:
            self._bytes -= len(letter.body)
        told = DURATION.search(answer.headers.get(SERVER_TIMING, ""))
        seconds = float(told[1]) / 1000 if told else time.perf_counter() - began
        return Reached(answer.status_code, answer.content, answer.headers.get("content-type", "application/json"), seconds)

    def beside(self, copy: Coroutine[Any, Any, None]) -> bool:
        """Let a copy be sent while others work; False when too many are under way already."""
        if len(self._copies) >= UNDER_WAY:
            copy.close()
            return False
        task = asyncio.get_running_loop().create_task(copy)
        self._copies.add(task)
        task.add_done_callback(self._copies.discard)
        return True

    async def close(self) -> None:
        """Give up copies under way and close connections."""
        for task in tuple(self._copies):
            task.cancel()
        await asyncio.gather(*self._copies, return_exceptions=True)
        await self._client.aclose()
