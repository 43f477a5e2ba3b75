"""Time for tests: moves only when told, or when somebody sleeps on it; and waiting for what other tasks do."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, tzinfo=UTC)


class Ticks:
    """A clock that counts seconds; its `sleep` moves it on at once."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def date(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)


async def until(look: Callable[[], bool]) -> None:
    """Let other tasks run until it is so; fails after five seconds."""
    async with asyncio.timeout(5):
        while not look():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
