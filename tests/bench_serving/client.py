"""A client that costs little: a few connections that are kept, and the bytes of one request that never change."""

import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

END = b"\r\n\r\n"
LENGTH = b"content-length:"
LAST_CHUNK = b"0\r\n\r\n"


@dataclass(frozen=True)
class Answers:
    """What came back: seconds from when each request was due to its answer, and how many were no 200."""

    latencies: tuple[float, ...]
    failed: int
    seconds: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """Of the latencies, in seconds."""
        return sorted(self.latencies)[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


class _Connection(asyncio.Protocol):
    """Sends one request at a time."""

    def __init__(self, load: "_Load") -> None:
        self._load, self._parts, self._due = load, b"", 0.0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, due: float) -> None:
        """Ask; the time counts from when the request was due."""
        assert self.transport is not None
        self._due, self._parts = due, b""
        self.transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        self._parts += data
        if _whole(self._parts):
            self._load.answered(self, time.perf_counter() - self._due, self._parts.startswith(b"HTTP/1.1 200"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost(self, exc)


def _whole(answer: bytes) -> bool:
    head = answer.find(END)
    if head < 0:
        return False
    lower = answer[:head].lower()
    at = lower.find(LENGTH)
    if at < 0:
        return answer.endswith(LAST_CHUNK)
    return len(answer) - head - len(END) >= int(lower[at + len(LENGTH) :].split(b"\r\n")[0])


class _Load:
    """Requests that are due go out over the first connection that is free. `rate` 0: the next one is due as soon as one was answered."""

    def __init__(self, request: bytes, rate: float, seconds: float) -> None:
        self.request = request
        self._rate, self._seconds = rate, seconds
        self._free: list[_Connection] = []
        self._due: deque[float] = deque()
        self.latencies: list[float] = []
        self.failed = 0
        self.over = asyncio.get_running_loop().create_future()
        self._end = 0.0

    def answered(self, connection: _Connection, seconds: float, well: bool) -> None:
        """Note an answer, and go on."""
        self.latencies.append(seconds)
        self.failed += not well
        now = time.perf_counter()
        if self._due:
            connection.send(self._due.popleft())
        elif not self._rate and now < self._end:
            connection.send(now)
        else:
            self._free.append(connection)

    def lost(self, connection: _Connection, why: Exception | None) -> None:
        """Nothing may be lost while it is measured."""
        if not self.over.done():
            self.over.set_exception(ConnectionError(f"a connection was closed: {why}"))

    async def run(self, connections: list[_Connection]) -> float:
        """Ask for so long; the seconds that it took."""
        began = time.perf_counter()
        self._end = began + self._seconds
        if not self._rate:
            for connection in connections:
                connection.send(began)
            await asyncio.wait([self.over], timeout=self._seconds)
        else:
            self._free, chance, due = list(connections), random.Random(1), began
            while (now := time.perf_counter()) < self._end:
                while due <= now:
                    if self._free:
                        self._free.pop().send(due)
                    else:
                        self._due.append(due)
                    due += chance.expovariate(self._rate)
                await asyncio.wait([self.over], timeout=max(0.0, min(due - time.perf_counter(), 0.05)))
                if self.over.done():
                    break
        if self.over.done():
            self.over.result()
        return time.perf_counter() - began


def request_of(url: str, body: bytes) -> bytes:
    """The bytes of a POST."""
    parts = urlsplit(url)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def load(url: str, body: bytes, *, connections: int, seconds: float, rate: float = 0.0) -> Answers:
    """Ask a server for so long: each connection again as soon as it was answered, or at random moments, `rate` per second on average.

    Raises:
        ConnectionError: the server closed a connection.
    """
    parts, loop = urlsplit(url), asyncio.get_running_loop()
    run = _Load(request_of(url, body), rate, seconds)
    opened = [(await loop.create_connection(lambda: _Connection(run), parts.hostname, parts.port))[1] for _ in range(connections)]
    took = await run.run(opened)
    run.over.cancel()
    for connection in opened:
        assert connection.transport is not None
        connection.transport.abort()
    return Answers(tuple(run.latencies), run.failed, took)
