import asyncio

import pytest

from tests.unit.engine.clocks import Ticks
from treadle.engine._limits import Limits


async def test_a_burst_goes_at_once_and_then_the_rate_rules() -> None:
    clock = Ticks()
    limits = Limits(rate=10, burst=5, clock=clock, sleep=clock.sleep)
    for _ in range(5):
        async with limits.slot():
            pass
    assert clock.seconds == 0
    for _ in range(10):
        async with limits.slot():
            pass
    assert clock.seconds == pytest.approx(1.0)


async def test_no_call_starts_while_the_server_asked_for_a_pause() -> None:
    clock = Ticks()
    limits = Limits(clock=clock, sleep=clock.sleep)
    limits.pause(7)
    async with limits.slot():
        assert clock.seconds >= 7


async def test_calls_at_the_same_time_are_bounded() -> None:
    limits, running, most = Limits(rate=1e6, burst=1000, concurrent=3), 0, 0

    async def call() -> None:
        nonlocal running, most
        async with limits.slot():
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(call() for _ in range(20)))
    assert most == 3
