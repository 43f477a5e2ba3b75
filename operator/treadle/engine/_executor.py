"""Carrying out: the live way out of the engine. Every write has a precondition, so that a late or doubled one does no harm."""

import logging
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import Any

from treadle.api import names
from treadle.api.reasons import Reason
from treadle.engine._events import Announcer, deed, flips
from treadle.engine._lease import Lease
from treadle.engine._objects import controller_uid, same_owner, stamped
from treadle.engine._ports import Answered, Cluster, Conflict, Connection, ConnectionTrouble, Fact, Gone, Moved, Seen, read_live
from treadle.plan import Action, Apply, Create, Delete, Effect, HoldFinalizer, Object, Ref, ReleaseFinalizer, Trouble, ref_of

log = logging.getLogger(__name__)

VANISHED_BACKOFF = 2.0
VANISHED_LIMIT = 300.0
"""Seconds."""
REMEMBERED = 10_000
"""Records whose making is remembered, the latest ones."""


class LiveExecutor:
    """Implements `Executor` against a cluster and the connections.

    Args:
        cluster: where objects live; its writes are fenced by the same lease.
        connections: the outside systems by name.
        lease: nothing leaves unless it says that we lead.
        announcer: takes the Events.
        known: an object as the cache has it.
        ticks: seconds on a clock that only moves forward.
        count: told (kind of action, how it ended) of each action.
    """

    def __init__(
        self,
        *,
        cluster: Cluster,
        connections: Mapping[str, Connection],
        lease: Lease,
        announcer: Announcer,
        known: Callable[[Ref], Object | None],
        ticks: Callable[[], float] = monotonic,
        count: Callable[[str, str], None] = lambda action, result: None,
    ) -> None:
        self._cluster = cluster
        self._connections = connections
        self._lease = lease
        self._announcer = announcer
        self._known = known
        self._ticks = ticks
        self._count = count
        self._pruned: set[str] = set()
        self._made: dict[tuple[Ref, str], tuple[int, float]] = {}  # by name, and by the uid of the object that it was made for

    async def carry_out(self, action: Action, this: Object) -> Iterable[Fact]:
        """See `Executor.carry_out`.

        Raises:
            Deposed: when we do not lead any more.
        """
        self._lease.fence()
        try:
            facts = await self._carry_out(action, this)
        except Exception as error:
            self._count(type(action).__name__, type(error).__name__.lower())
            raise
        self._count(type(action).__name__, "done")
        return facts

    async def _carry_out(self, action: Action, this: Object) -> Iterable[Fact]:
        drifted = False
        match action:
            case Create(wanted):
                facts = await self._create(wanted, this)
            case Apply(wanted):
                existing = self._known(ref_of(wanted))
                drifted = existing is not None and _stamp(existing) == _stamp(stamped(wanted))
                facts = await self._apply(wanted, existing, this)
            case Delete(ref, uid):
                await self._cluster.delete(ref, uid=uid)
                facts = await self._now(ref, uid)
            case HoldFinalizer(ref, uid):
                facts = await self._finalizer(ref, uid, hold=True)
            case ReleaseFinalizer(ref, uid):
                facts = await self._finalizer(ref, uid, hold=False)
            case Effect():
                facts = await self._effect(action)
        if (said := deed(action, drifted=drifted)) is not None:
            self._announcer.announce(this, said)
        return facts

    async def write_status(self, this: Object, status: Mapping[str, Any]) -> Iterable[Fact]:
        """See `Executor.write_status`. Events for the conditions that flipped follow the write."""
        ref, metadata = ref_of(this), this["metadata"]
        try:
            written = await self._cluster.patch_status(ref, status, resource_version=metadata["resourceVersion"])
        except Conflict as conflict:
            raise Moved(*read_live(ref, metadata["uid"], conflict.existing)) from conflict
        if written is None:
            raise Moved(Gone(ref, metadata["uid"]))
        if written["metadata"]["resourceVersion"] == metadata["resourceVersion"]:
            self._tell_pruned(ref, status, written)
            return ()
        for said in flips(this.get("status"), status):
            self._announcer.announce(this, said)
        return [Seen(written)]

    def _tell_pruned(self, ref: Ref, status: Mapping[str, Any], written: Object) -> None:
        if ref.kind not in self._pruned:
            self._pruned.add(ref.kind)
            lost = ", ".join(sorted(status.keys() - (written.get("status") or {}).keys())) or "nested fields"
            log.warning("%s: the API server does not keep all of its status (%s): is its CRD older than the operator?", ref, lost)

    async def _create(self, wanted: Object, this: Object) -> list[Fact]:
        """Launching is confirmed by a live read: the object that asks must still be there, as it was when the plan was made."""
        ref, asking = ref_of(wanted), ref_of(this)
        made_for = (ref, str(this["metadata"]["uid"]))
        if made_for in self._made and (existing := await self._cluster.get(ref)) is not None and same_owner(existing, wanted):
            return [Seen(existing)]  # it did not vanish, it only lost the label that it is watched by
        self._mind_vanished(made_for)
        live = await self._cluster.get(asking)
        if live is None or live["metadata"]["uid"] != this["metadata"]["uid"]:
            raise Moved(*read_live(asking, this["metadata"]["uid"], live))
        if live["metadata"]["resourceVersion"] != this["metadata"]["resourceVersion"]:
            raise Moved(Seen(live))
        if "deletionTimestamp" in live["metadata"]:
            raise Moved(Seen(live))
        try:
            made = await self._cluster.create(wanted)
        except Conflict as conflict:
            return self._taken(wanted, this, conflict.existing)
        count, _ = self._made.pop(made_for, (0, 0.0))
        self._made[made_for] = (count + 1, self._ticks())
        while len(self._made) > REMEMBERED:
            del self._made[next(iter(self._made))]
        return [Seen(made)]

    async def _apply(self, wanted: Object, existing: Object | None, this: Object) -> list[Fact]:
        ref = ref_of(wanted)
        if existing is not None and controller_uid(existing) != controller_uid(wanted):
            return self._taken(wanted, this, existing)
        try:
            return [Seen(await self._cluster.apply(stamped(wanted), resource_version=existing["metadata"]["resourceVersion"] if existing else None))]
        except Conflict as conflict:
            if (live := conflict.existing) is None:
                raise Moved(Gone(ref, None)) from conflict
            if controller_uid(live) == controller_uid(wanted):
                raise Moved(Seen(live)) from conflict
            return self._taken(wanted, this, live)

    def _taken(self, wanted: Object, this: Object, existing: Object | None) -> list[Fact]:
        """The name is taken: by the same record, by one that is about to go, or by somebody else, from whom nothing is ever taken over."""
        ref = ref_of(wanted)
        if existing is None:
            raise Moved(Gone(ref, None))
        if same_owner(existing, wanted):
            return [Seen(existing)]
        if _left_behind(existing, this):
            raise Trouble(Reason.OldObjectLeaving, f"{ref} of an earlier {this['kind']} {this['metadata']['name']} is not garbage-collected yet")
        raise Trouble(Reason.NameConflict, f"{ref} exists and is not ours: delete or rename it", stalled=True)

    async def _finalizer(self, ref: Ref, uid: str, *, hold: bool) -> list[Fact]:
        change = self._cluster.add_finalizer if hold else self._cluster.release_finalizer
        try:
            this = await change(ref, uid=uid, finalizer=names.FINALIZER)
        except Conflict as conflict:
            raise Moved(*read_live(ref, uid, conflict.existing)) from conflict
        if this is not None and not hold and not this["metadata"].get("finalizers") and "deletionTimestamp" in this["metadata"]:
            return [Gone(ref, uid)]  # the answer shows the object as it was when the last finalizer fell
        return list(read_live(ref, uid, this))

    async def _effect(self, effect: Effect) -> list[Fact]:
        if (connection := self._connections.get(effect.connection)) is None:
            raise Trouble(Reason.ConnectionNotFound, f"connection {effect.connection} is not configured", stalled=True)
        try:
            learnt = await self._lease.guard(_awaited(connection, effect))
        except Trouble as trouble:
            told = trouble.condition
            raise ConnectionTrouble(told.reason, f"{effect.connection}: {told.message}", stalled=told.stalled) from trouble
        return [Answered(question, answer) for question, answer in learnt.items()]

    async def _now(self, ref: Ref, uid: str) -> list[Fact]:
        return list(read_live(ref, uid, await self._cluster.get(ref)))

    def _mind_vanished(self, made_for: tuple[Ref, str]) -> None:
        """A record that is made again and again for one object was deleted by somebody; that costs backoff."""
        if made_for not in self._made:
            return
        count, at = self._made[made_for]
        if self._ticks() > at + 2 * VANISHED_LIMIT:
            del self._made[made_for]
        elif self._ticks() < at + min(VANISHED_LIMIT, VANISHED_BACKOFF * 2 ** min(count, 16)):
            raise Trouble(Reason.ChildVanished, f"{made_for[0]} was deleted by somebody before it had finished; it is made again later")


async def _awaited(connection: Connection, effect: Effect) -> Mapping[Any, object]:
    return await connection.carry_out(effect)


def _stamp(this: Object) -> object:
    return (this["metadata"].get("annotations") or {}).get(names.SPEC_HASH)


def _left_behind(existing: Object, this: Object) -> bool:
    """Whether the object belongs to an earlier one of the same kind and name: its garbage collection is under way."""
    return any(
        owner.get("controller")
        and owner["kind"] == this["kind"]
        and owner["name"] == this["metadata"]["name"]
        and owner["uid"] != this["metadata"]["uid"]
        for owner in existing["metadata"].get("ownerReferences") or ()
    )
