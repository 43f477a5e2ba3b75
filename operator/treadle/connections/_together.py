"""Calls side by side, so that the first failure ends the others and a cancellation is never lost."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

Result = TypeVar("Result")


async def together(calls: Sequence[Coroutine[Any, Any, Result]]) -> Sequence[Result]:
    """The results of all, in order. The first failure ends the others: during an outage nothing piles up.

    Not a TaskGroup: one that is cancelled while a call fails raises the failure, and who told us to stop waits for ever.
    """
    tasks = [asyncio.create_task(call) for call in calls]
    if not tasks:
        return ()
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        failed = next((task for task in tasks if task.done() and task.exception()), None)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    return [task.result() for task in ([failed] if failed else tasks)]
