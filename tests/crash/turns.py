"""Turns: while Label Studio deletes a project, its process forgets what to do when something is saved; then nothing may be saved."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Many may save at the same time, or one may delete; who wants to delete comes first."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._saving = 0
        self._wanting_to_delete = 0
        self._deletion = asyncio.Lock()

    @asynccontextmanager
    async def saving(self) -> AsyncIterator[None]:
        """Nothing is deleted within."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._wanting_to_delete)
            self._saving += 1
        try:
            yield
        finally:
            async with self._changed:
                self._saving -= 1
                self._changed.notify_all()

    @asynccontextmanager
    async def deleting(self) -> AsyncIterator[None]:
        """Nothing else is deleted or saved within."""
        async with self._changed:
            self._wanting_to_delete += 1
        try:
            async with self._deletion:
                async with self._changed:
                    await self._changed.wait_for(lambda: not self._saving)
                yield
        finally:
            async with self._changed:
                self._wanting_to_delete -= 1
                self._changed.notify_all()
