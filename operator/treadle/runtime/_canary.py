"""Sends requests of a stable pod to the canary's Service: in the pod's place, or as a copy whose answer nobody gets."""

import asyncio
import re
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import httpx

from treadle.contracts.serving import RuntimeLimits
from treadle.contracts.traffic import FORWARDED, SERVER_TIMING
from treadle.runtime._asked import Asked
from treadle.runtime._bodies import HEADER_LENGTH

CONNECT_SECONDS = 1.0
PASSED_ON = ("content-type", "accept", HEADER_LENGTH)
"""Headers of a request that the canary gets too. Credentials of the caller are not among them."""
UNDER_WAY = 64
"""Copies at the same time; what comes above is not copied."""
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


class CanaryClient:
    """Speaks to the canary's Service, over connections that are kept."""

    def __init__(self, limits: RuntimeLimits) -> None:
        timeout = httpx.Timeout(limits.request_seconds, connect=CONNECT_SECONDS)
        # Proxies are for the world outside; retries only for a connection that could not be opened.
        self._client = httpx.AsyncClient(timeout=timeout, trust_env=False, transport=httpx.AsyncHTTPTransport(retries=1), follow_redirects=False)
        self._seconds = limits.request_seconds
        self._copies: set[asyncio.Task[None]] = set()

    async def send(self, canary: str, letter: Letter) -> Reached | None:
        """The canary's answer; None when there was none at all."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._client.post(canary + letter.target, headers=letter.headers, content=letter.body)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            return None
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
