"""The workers: take a due key, reconcile it, and see that whatever goes wrong costs nothing but a backoff."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from time import monotonic
from typing import Any

from treadle.engine._lease import Deposed
from treadle.engine._memory import Memory, View
from treadle.engine._meter import Meter
from treadle.engine._metrics import Metrics
from treadle.engine._ports import ConnectionTrouble, Executor
from treadle.engine._queue import LAST_BACKOFF, Queue
from treadle.engine._reconcile import reconcile
from treadle.engine._sight import Sight
from treadle.plan import Kind, Ref, Trouble

OUTSIDE_BACKOFF = 30.0
"""Seconds that an effect waits at most after an outside system refused it: nobody wakes its key when that system takes wishes again."""
BREATH = 0.05
"""Seconds before a key is looked at again at the soonest, so that a plan which always wants to look again now cannot take the whole process."""

log = logging.getLogger(__name__)


class Workers:
    """Reconciles keys of `kinds` from `queue`, one worker per key at a time.

    Args:
        looked: called after each look; new questions may be open.
        sight: is shown each object after a look at it.
    """

    def __init__(
        self,
        kinds: Mapping[str, Kind[Any]],
        *,
        queue: Queue[Ref],
        memory: Memory,
        executor: Executor,
        clock: Callable[[], datetime],
        metrics: Metrics,
        looked: Callable[[], None],
        sight: Sight,
    ) -> None:
        self._kinds = kinds
        self._queue = queue
        self._memory = memory
        self._executor = executor
        self._clock = clock
        self._metrics = metrics
        self._looked = looked
        self._sight = sight
        self._views: dict[Ref, View] = {}
        self._meter = Meter(metrics)
        self._metered: dict[Ref, str] = {}

    async def run(self, count: int) -> None:
        """Work with so many workers, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            try:
                await asyncio.sleep(0)  # a look that never waits for anything must not keep the loop from its other tasks
                await self._look(key)
            finally:
                self._queue.done(key)
                self._metrics.queue_depth.set(len(self._queue))
                self._looked()

    async def _look(self, key: Ref) -> None:
        began = monotonic()
        result = "done"
        view = self._views.setdefault(key, self._memory.view(key))
        try:
            wake_at = await reconcile(self._kinds[key.kind], view, self._executor, self._clock)
        except Trouble as trouble:
            result = "trouble"
            at_most = OUTSIDE_BACKOFF if isinstance(trouble, ConnectionTrouble) else LAST_BACKOFF
            log.info("%s: %s; again in %.1f s", _told(key), trouble, self._queue.failed(key, at_most))
        except Deposed:
            result = "deposed"
            self._queue.add_after(key, 1.0)  # whoever leads by then; not at once, or we would spin until we are stopped
        except Exception:
            result = "bug"
            self._metrics.bugs.labels("reconcile").inc()
            log.exception("%s: unexpected; again in %.1f s", _told(key), self._queue.failed(key))
        else:
            view.rest()
            self._queue.succeeded(key)
            self._queue.add_after(key, None if wake_at is None else max(BREATH, (wake_at - self._clock()).total_seconds()))
        finally:
            self._show(key, settled=result == "done")
            self._metrics.reconciles.labels(key.kind, result).inc()
            self._metrics.reconcile_seconds.labels(key.kind).observe(monotonic() - began)
            if not self._memory.knows(key):
                view.look()  # unsubscribes
                self._views.pop(key, None)
                self._meter.forget(self._metered.pop(key, ""))
                self._queue.forget(key)

    def _show(self, key: Ref, *, settled: bool) -> None:
        """Let what the object says and has used be exported; what is gone is forgotten."""
        if (this := self._memory.get(key)) is None:
            self._sight.forget(key)
            return
        self._sight.see(key, this)
        if settled and (usage := self._kinds[key.kind].usage(this)) is not None:
            self._metered[key] = str(this["metadata"]["uid"])
            self._meter.read(self._metered[key], key.namespace, usage)


def _told(key: Ref) -> str:
    return f"{key.kind} {key.namespace}/{key.name}"
