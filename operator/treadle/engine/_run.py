"""The engine, put together: every replica watches and knows; the one that leads works, polls and tells."""

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from treadle.engine._cluster import KubernetesCluster
from treadle.engine._events import Announcer
from treadle.engine._executor import LiveExecutor
from treadle.engine._lease import Lease, LeaseName
from treadle.engine._limits import Limits
from treadle.engine._memory import Memory
from treadle.engine._metrics import Metrics
from treadle.engine._own_cluster import OwnCluster
from treadle.engine._polls import CADENCE, Poller
from treadle.engine._ports import Connection
from treadle.engine._probes import Pulse, probes
from treadle.engine._queue import Queue
from treadle.engine._sight import Sight
from treadle.engine._sweeper import SWEEP, Sweeper
from treadle.engine._sync import RELIST, Sync
from treadle.engine._wire import Wire
from treadle.engine._work import Workers
from treadle.plan import KINDS, Kind, Ref
from treadle.workloads.refusal import CLUSTER

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

EVENTS_PER_SECOND = 50
GLANCE = 0.2
"""Seconds between two glances at who leads."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one replica runs.

    Attributes:
        lease: which Lease decides who leads, and our name in it.
        namespaces: where to look; none means the whole cluster.
        workers: keys that are looked at side by side.
        host, port: of the probes; by default every address, IPv4 and IPv6 (the kubelet comes from outside); port 0 asks for a free one.
        cadence: seconds between two polls of a connection.
        installation: id of the installation, as outside systems know it.
        tracking: names of the connections to sweep for tracking runs whose TrainingRun is gone.
        watched: kinds to watch, of those the cluster serves.
        relist: seconds after which every kind is read whole again.
        sweep: seconds between two looks for orphaned tracking runs.
    """

    lease: LeaseName
    namespaces: tuple[str, ...] = ()
    workers: int = 32
    host: str | None = None
    port: int = 8080
    cadence: float = CADENCE
    installation: str = ""
    tracking: tuple[str, ...] = ()
    watched: Collection[str] = field(default_factory=lambda: frozenset(KINDS))
    relist: float = RELIST
    sweep: float = SWEEP


async def run(
    kinds: Sequence[Kind[Any]], *, cluster: KubernetesCluster, connections: Mapping[str, Connection], settings: Settings, clock: Clock
) -> None:
    """Run one replica until cancelled; then the lease is given back and all is closed.

    Args:
        kinds: what to reconcile.
        cluster: where; its writes get fenced by the lease.
        connections: outside systems by the name that questions and effects use.
        settings: how.
        clock: now, with a time zone.
    """
    engine = Engine(kinds, cluster=cluster, connections=connections, settings=settings, clock=clock)
    try:
        await engine.run()
    finally:
        for connection in connections.values():
            await connection.close()
        await cluster.close()


class Engine:
    """The parts of one replica and how they hold together."""

    def __init__(
        self, kinds: Sequence[Kind[Any]], *, cluster: KubernetesCluster, connections: Mapping[str, Connection], settings: Settings, clock: Clock
    ) -> None:
        self._settings = settings
        self._kinds = {kind.name: kind for kind in kinds}
        self._metrics = Metrics()
        self._pulse = Pulse()
        self._queue: Queue[Ref] = Queue(chance=random.random)
        self._memory = Memory(kinds=self._kinds, wake=self.wake, connections={CLUSTER, *connections})
        self._sight = Sight(self._memory.get)
        self._metrics.registry.register(self._sight)
        self._lease_wire = Wire(cluster.wire.access, count=self._count_request)  # of its own: renewals never queue behind work
        self._lease = Lease(self._lease_wire, settings.lease, clock=clock)
        cluster.wire.fence = self._lease.fence
        cluster.wire.count = self._count_request
        self._working = False
        self._event_wire = Wire(  # of its own too: telling never takes a place from doing
            cluster.wire.access,
            limits=Limits(rate=EVENTS_PER_SECOND, burst=EVENTS_PER_SECOND, concurrent=4),
            fence=self._lease.fence,
            count=self._count_request,
        )
        self._announcer = Announcer(KubernetesCluster(self._event_wire), clock, busy=lambda: len(self._queue) > 0)
        self._sync = Sync(
            access=cluster.wire.access,
            cluster=cluster,
            memory=self._memory,
            wanted=settings.watched,
            namespaces=settings.namespaces,
            wake=self.wake,
            pulse=self._pulse,
            metrics=self._metrics,
            relist=settings.relist,
        )
        asked: dict[str, Connection] = {CLUSTER: OwnCluster(cluster.wire, clock, self._sync.lacks, self._sync.confirm), **connections}
        self._pollers = [self._poller(name, connection, clock) for name, connection in asked.items()]
        self._sweepers = [self._sweeper(name, connections[name], cluster) for name in settings.tracking]
        executor = LiveExecutor(
            cluster=cluster,
            connections=connections,
            lease=self._lease,
            announcer=self._announcer,
            known=self._memory.get,
            count=self._count_action,
        )
        self._workers = Workers(
            self._kinds,
            queue=self._queue,
            memory=self._memory,
            executor=executor,
            clock=clock,
            metrics=self._metrics,
            looked=self._looked,
            sight=self._sight,
        )

    async def run(self) -> None:
        """Run until cancelled."""
        try:
            async with (
                probes(host=self._settings.host, port=self._settings.port, pulse=self._pulse, metrics=self._metrics, ready=self._sync.missing),
                asyncio.TaskGroup() as group,
            ):
                group.create_task(self._sync.run())
                group.create_task(self._lease.run())
                group.create_task(self._lead())
        finally:
            await self._lease_wire.close()
            await self._event_wire.close()

    async def _lead(self) -> None:
        """Work while we lead and know everything; stop at once when we do not lead any more."""
        while True:
            if not self._lease.leading or self._sync.missing():
                await asyncio.sleep(GLANCE)
                continue
            work = asyncio.create_task(self._work())
            self._metrics.leader.set(1)
            self._working = True
            log.info("leading: %d objects to look at", self._review_all())
            try:
                while self._lease.leading and not work.done():
                    await asyncio.wait({work}, timeout=GLANCE)
            finally:
                self._metrics.leader.set(0)
                self._sight.close()
                self._working = False
                work.cancel()
                await asyncio.wait({work})
            if not work.cancelled() and (error := work.exception()) is not None:
                raise error
            log.warning("not leading any more")
            self._memory.forget_answers()

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._workers.run(self._settings.workers))
            group.create_task(self._announcer.run())
            for poller in self._pollers:
                group.create_task(poller.run())
            for sweeper in self._sweepers:
                group.create_task(sweeper.run())

    def _poller(self, name: str, connection: Connection, clock: Clock) -> Poller:
        def observe(seconds: float, succeeded: bool) -> None:
            self._metrics.polls.labels(name, "answered" if succeeded else "outage").observe(seconds)

        bug = self._metrics.bugs.labels(name).inc
        return Poller(name, connection, self._memory, wake=self.wake, clock=clock, cadence=self._settings.cadence, observe=observe, bug=bug)

    def _sweeper(self, name: str, connection: Connection, cluster: KubernetesCluster) -> Sweeper:
        return Sweeper(
            name,
            connection,
            installation=self._settings.installation,
            namespaces=self._settings.namespaces,
            known=self._memory.get,
            live=cluster.get,
            lists=self._sync.lists,
            lease=self._lease,
            every=self._settings.sweep,
        )

    def _review_all(self) -> int:
        """Look at everything once, what changed last first: what is going on comes before what was over long ago."""
        keys = self._memory.latest(self._kinds)
        self._queue.review(keys)
        self._metrics.queue_depth.set(len(self._queue))
        return len(keys)

    def wake(self, keys: set[Ref]) -> None:
        """Make the keys due. Who does not work collects none: all that exist then are looked at when it begins to."""
        for key in keys if self._working else ():
            self._queue.add(key)
        self._metrics.queue_depth.set(len(self._queue))

    @property
    def waiting(self) -> int:
        """How many keys wait for a look."""
        return len(self._queue)

    def _looked(self) -> None:
        for poller in self._pollers:
            poller.look()

    def _count_action(self, action: str, result: str) -> None:
        self._metrics.actions.labels(action, result).inc()

    def _count_request(self, method: str, status: int) -> None:
        self._metrics.api_requests.labels(method, str(status)).inc()
