"""The sweeper: what was left open outside. TrainingRuns have no finalizer, so the tracking runs of deleted ones are closed from here; and so are
those that nobody uses, because a call of an operator which had lost its lease arrived late and made a second one.

A run is closed as KILLED when the object that claimed it is gone, or tells of another run, in two LISTs that followed the first suspicion, and a
live read agrees. Only runs tagged with this installation, in namespaces that we watch, are ever touched.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping

from treadle.connections.tracking import CloseTrackingRun, OpenRun, OpenTrackingRuns, TrackingStatus
from treadle.engine._lease import Deposed, Lease
from treadle.engine._ports import Connection
from treadle.plan import Object, Ref, Trouble

log = logging.getLogger(__name__)

SWEEP = 300.0
"""Seconds between two sweeps."""
LISTS = 2
"""Whole LISTs that must have been taken in since a run was first suspected."""


class Sweeper:
    """Closes the orphaned runs of one tracking connection.

    Args:
        name: of the connection.
        connection: the tracking system.
        installation: whose runs they are.
        namespaces: those that we watch; none means all.
        known: an object as the cache has it.
        live: an object as it is.
        lists: how many whole LISTs of a kind were taken in so far.
        lease: nothing is closed unless we lead.
        every: seconds between two sweeps.
    """

    def __init__(
        self,
        name: str,
        connection: Connection,
        *,
        installation: str,
        namespaces: Collection[str],
        known: Callable[[Ref], Object | None],
        live: Callable[[Ref], Awaitable[Object | None]],
        lists: Callable[[str], int],
        lease: Lease,
        every: float = SWEEP,
    ) -> None:
        self._name = name
        self._connection = connection
        self._installation = installation
        self._namespaces = frozenset(namespaces)
        self._known = known
        self._live = live
        self._lists = lists
        self._lease = lease
        self._every = every
        self._suspected: dict[str, int] = {}

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            try:
                await self.sweep()
            except (Trouble, Deposed) as error:
                log.info("%s was not swept: %s", self._name, error)
            except Exception:
                log.exception("%s was not swept: unexpected", self._name)
            await asyncio.sleep(self._every)

    async def sweep(self) -> list[str]:
        """Look once; returns the ids of the runs that were closed.

        Raises:
            Trouble: the outside did not answer; what was closed before stays closed.
            Deposed: we do not lead any more.
        """
        question = OpenTrackingRuns(connection=self._name, installation=self._installation)
        answer = (await self._connection.answer([question])).get(question)
        if not isinstance(answer, tuple):
            return []
        orphans = {run.id: run for run in answer if self._is_orphan(run, self._known(_ref(run)))}
        counted = self._lists("TrainingRun")
        self._suspected = {id_: self._suspected.get(id_, counted) for id_ in orphans}
        ripe = [run for id_, run in orphans.items() if counted >= self._suspected[id_] + LISTS]
        return [run.id for run in ripe if await self._close(run)]

    def _is_orphan(self, run: OpenRun, owner: Object | None) -> bool:
        ours = run.owner.installation == self._installation and (not self._namespaces or run.owner.namespace in self._namespaces)
        return ours and (owner is None or owner["metadata"]["uid"] != run.owner.uid or _tracked_as(owner) not in (None, run.id))

    async def _close(self, run: OpenRun) -> bool:
        if not self._is_orphan(run, await self._live(_ref(run))):
            return False
        wish = CloseTrackingRun(
            connection=self._name, owner_uid=run.owner.uid, experiment_id=run.experiment_id, run_id=run.id, status=TrackingStatus.KILLED
        )
        await self._lease.guard(_carried_out(self._connection, wish))
        log.info("tracking run %s is closed: %s is gone, or tracked as another run", run.id, run.owner.identity)
        return True


def _ref(run: OpenRun) -> Ref:
    return Ref("TrainingRun", run.owner.namespace, run.owner.name)


def _tracked_as(owner: Object) -> str | None:
    """The run that the object's status names, if it names one."""
    status = owner.get("status")
    tracking = status.get("tracking") if isinstance(status, Mapping) else None
    return tracking.get("id") if isinstance(tracking, Mapping) else None


async def _carried_out(connection: Connection, wish: CloseTrackingRun) -> None:
    await connection.carry_out(wish)
