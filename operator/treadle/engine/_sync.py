"""Keeping the cache true: which kinds there are, watching them, and reading each whole whenever the watch began anew, and every ten minutes.

A kind is synced once our own LIST of it, begun after kopf's, was taken in. Nothing is reconciled before every kind is. A child whose label somebody
took away is read by its name, until it is gone or has its label again.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

from treadle.engine._access import Access
from treadle.engine._memory import Memory
from treadle.engine._metrics import Metrics
from treadle.engine._objects import version
from treadle.engine._ports import Gone, Seen, read_live
from treadle.engine._probes import Pulse
from treadle.engine._selection import SELECTOR, selector_of
from treadle.engine._watch import Ears, Watch
from treadle.plan import Object, Ref, Trouble, ref_of

log = logging.getLogger(__name__)

RELIST = 600.0
REDISCOVER = 300.0
HURRIED = 10.0
"""Seconds between two discoveries at least, when somebody wants a kind that is not there."""
IMPATIENT = 5.0
"""Seconds after which a discovery, a watch or a LIST that failed is tried again."""
STRAYS = 10.0
"""Seconds between two reads of an object that no watch tells of."""
REQUIRED = frozenset({"AnnotationProject", "TrainingRun", "ModelDeployment", "Job", "Pod"})
"""Kinds without which nothing can be done. Others may be absent from a cluster, or denied by the admin's role."""


class Scope(NamedTuple):
    """What one LIST reads."""

    kind: str
    namespace: str | None


class Readable(Protocol):
    """What keeping the cache true needs of a cluster; see `KubernetesCluster`."""

    async def get(self, ref: Ref) -> Object | None:
        """A live read."""

    async def kinds(self) -> set[str]:
        """The kinds that the cluster serves."""

    async def may_list(self, kind: str, namespace: str | None) -> bool:
        """Whether our role lets us read the kind."""

    def pages(self, kind: str, *, namespace: str | None = None, selector: str = "") -> AsyncIterator[tuple[Collection[Object], str]]:
        """See `KubernetesCluster.pages`."""


class Sync:
    """Watches all kinds of `wanted` that the cluster serves, in `namespaces` (none: everywhere), into `memory`.

    Args:
        wake: called with the keys that must look again.
        relist: seconds after which a kind is read whole again.
        strays: seconds between two reads of an object that no watch tells of.
    """

    def __init__(
        self,
        *,
        access: Access,
        cluster: Readable,
        memory: Memory,
        wanted: Collection[str],
        namespaces: Collection[str],
        wake: Callable[[set[Ref]], None],
        pulse: Pulse,
        metrics: Metrics,
        relist: float = RELIST,
        strays: float = STRAYS,
    ) -> None:
        self._access = access
        self._cluster = cluster
        self._memory = memory
        self._wanted = frozenset(wanted)
        self._namespaces: list[str | None] = [*sorted(namespaces)] or [None]
        self._wake = wake
        self._pulse = pulse
        self._metrics = metrics
        self._relist_after = relist
        self._strays_after = strays
        self._watched: set[str] = set()
        self._stale: dict[Scope, asyncio.Event] = {}
        self._read: Counter[Scope] = Counter()
        self._hurry = asyncio.Event()
        self._told: set[str] = set()

    def missing(self) -> str | None:
        """What is still missing before anything may be reconciled, in words."""
        if absent := sorted((self._wanted & REQUIRED) - self._watched):
            return f"not watched yet: {', '.join(absent)}"
        if unread := sorted({scope.kind for scope in self._stale.keys() - self._read}):
            return f"not read yet: {', '.join(unread)}"
        return None

    def lists(self, kind: str) -> int:
        """How many whole LISTs of a kind were taken in, in each namespace that is watched."""
        return min((self._read[scope] for scope in self._stale if scope.kind == kind), default=0)

    def lacks(self, kind: str) -> bool:
        """Whether nothing can be known of a kind: the cluster does not serve it, our role does not let us read it, or it was not read yet.

        Who asks wants it, so we look soon whether it is there now.
        """
        lacking = not self.lists(kind)
        if lacking:
            self._hurry.set()
        return lacking

    async def run(self) -> None:
        """Keep the cache true, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_strays())
            while True:
                self._hurry.clear()
                patient = await self._discover(group)
                await asyncio.sleep(HURRIED if patient else IMPATIENT)
                with suppress(TimeoutError):
                    async with asyncio.timeout(REDISCOVER if patient else 0):
                        await self._hurry.wait()

    async def confirm(self, ref: Ref) -> Object | None:
        """Read an object from the API server itself, whatever its labels, take in what that teaches, and return it.

        Raises:
            Trouble: when it cannot be read.
        """
        known, since = self._memory.get(ref), self._memory.store.moment
        live = await self._cluster.get(ref)
        self._wake(self._memory.learn(read_live(ref, known["metadata"]["uid"] if known else None, live), since=since))
        return live

    async def _keep_strays(self) -> None:
        while True:
            await asyncio.sleep(self._strays_after)
            for ref in self._memory.store.strays():
                self._tell_once(f"{ref} lost the label {SELECTOR}, by which it is watched: it is read every {self._strays_after:.0f} s")
                with suppress(Trouble):
                    await self.confirm(ref)

    async def _discover(self, group: asyncio.TaskGroup) -> bool:
        """Begin to watch what was not there before; a discovery that failed says nothing about any kind."""
        try:
            served = self._wanted & await self._cluster.kinds()
            fresh = {kind for kind in served - self._watched if await self._allowed(kind)}
        except Trouble as trouble:
            log.warning("which kinds the cluster serves is not known: %s", trouble)
            return False
        if fresh:
            self._watched |= fresh
            for scope in (Scope(kind, namespace) for kind in sorted(fresh) for namespace in self._namespaces):
                self._stale[scope] = asyncio.Event()
                group.create_task(self._keep_reading(scope))
            group.create_task(self._keep_watching(fresh))
        absent = (self._wanted & REQUIRED) - self._watched
        self._tell_once(*(f"{kind} is not served by this cluster" for kind in sorted(absent - served)))
        return not absent

    async def _allowed(self, kind: str) -> bool:
        for namespace in self._namespaces:
            if not await self._cluster.may_list(kind, namespace):
                self._tell_once(f"our role does not let us read {kind}: it is treated as absent")
                return False
        return True

    async def _keep_watching(self, kinds: set[str]) -> None:
        ears = Ears(changed=self._changed, listed=self._listed, alive=self._pulse.beat)
        namespaces = [namespace for namespace in self._namespaces if namespace]
        while True:
            try:
                await Watch(self._access, kinds, namespaces, ears).run()
            except RuntimeError as error:
                log.warning("%s; begun again in %.0f s", error, IMPATIENT)
            await asyncio.sleep(IMPATIENT)

    async def _keep_reading(self, scope: Scope) -> None:
        stale, wait = self._stale[scope], None
        while True:
            try:
                async with asyncio.timeout(wait):
                    await stale.wait()
            except TimeoutError:
                log.debug("%s is read again", scope.kind)
            stale.clear()
            wait = self._relist_after if await self._relist(scope) else IMPATIENT

    async def _relist(self, scope: Scope) -> bool:
        present: set[str] = set()
        version = ""
        try:
            async for page, at in self._cluster.pages(scope.kind, namespace=scope.namespace, selector=selector_of(scope.kind)):
                version = at
                present.update(str(this["metadata"]["uid"]) for this in page)
                self._wake(self._memory.learn(Seen(this) for this in page))
                self._pulse.beat(scope.kind)
                del page  # likewise: see `KubernetesCluster.pages`
        except Trouble as trouble:
            log.warning("%s could not be read: %s", scope.kind, trouble)
            return False
        woken = self._memory.learn_list(scope.kind, scope.namespace, present, version)
        self._read[scope] += 1
        self._metrics.synced.set(0 if self.missing() else 1)
        self._wake(woken)
        return True

    def _listed(self, kind: str, namespace: str | None) -> None:
        self._stale[Scope(kind, namespace)].set()

    def _changed(self, kind: str, changes: Sequence[tuple[str, Object]]) -> None:
        self._pulse.beat(kind)
        self._metrics.watch_events.labels(kind).inc(len(changes))
        facts = (Gone(ref_of(this), str(this["metadata"]["uid"]), version(this)) if change == "DELETED" else Seen(this) for change, this in changes)
        self._wake(self._memory.learn(facts))

    def _tell_once(self, *messages: str) -> None:
        for message in messages:
            if message not in self._told:
                self._told.add(message)
                log.warning(message)
