"""The time of a request is over when it is over, for each on its own, with one timer for all."""

import asyncio

import pytest

from treadle.runtime._deadlines import Deadlines


async def test_what_takes_too_long_is_given_up_and_nothing_else() -> None:
    deadlines = Deadlines(0.05)

    async def asked(seconds: float) -> str:
        with deadlines.begin():
            await asyncio.sleep(seconds)
            return "in time"

    quick, late, later = (asyncio.create_task(asked(seconds)) for seconds in (0.0, 10.0, 10.0))
    assert await quick == "in time"
    for task in (late, later):
        with pytest.raises(TimeoutError):
            await task
    assert await asked(0.0) == "in time", "the timer rings again for those who come later"
    with pytest.raises(TimeoutError):
        await asked(10.0)
    deadlines.close()


async def test_who_is_cancelled_by_others_is_cancelled_and_not_late() -> None:
    deadlines = Deadlines(10.0)

    async def asked() -> None:
        with deadlines.begin():
            await asyncio.sleep(10.0)

    task = asyncio.create_task(asked())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    deadlines.close()


async def test_a_failure_stays_what_it_is_even_when_it_comes_late() -> None:
    deadlines = Deadlines(0.01)

    async def asked() -> None:
        with deadlines.begin():
            try:
                await asyncio.sleep(10.0)
            except asyncio.CancelledError:
                raise ValueError("while it was given up") from None

    with pytest.raises(ValueError, match="given up"):
        await asyncio.create_task(asked())
    assert not asyncio.current_task().cancelling()  # type: ignore[union-attr]
    deadlines.close()
