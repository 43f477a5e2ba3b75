"""Kubernetes Events, derived: one per condition that flips and one per action. Plans contain none, and losing one is not an error."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from time import monotonic
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

from treadle.api import names
from treadle.api.reasons import Reason
from treadle.engine._lease import Deposed
from treadle.engine._objects import conditions_of
from treadle.plan import Action, Apply, Create, Delete, Effect, HoldFinalizer, Object, ReleaseFinalizer, Trouble, ref_of

log = logging.getLogger(__name__)

QUIET = 300.0
"""Seconds in which the same words about the same object are said once."""
REMEMBERED = 4096
QUEUED = 5000
"""Events that may wait to be sent; more are dropped."""
SENDERS = 4
DEFERENCE = 2.0
"""Seconds that each sender lets pass between two Events as long as work waits: for the API server an Event is a write like any other."""
GLANCE = 0.1
MESSAGE_LIMIT = 1024


class Said(NamedTuple):
    """What one Event says."""

    type: str
    reason: str
    message: str


class Teller(Protocol):
    """Whoever can send an Event."""

    async def emit_event(self, about: Object, *, type: str, reason: str, message: str, now: datetime) -> None:  # noqa: A002
        """See `Cluster.emit_event`."""


class Announcer:
    """Collects Events and sends them beside the work, the same words at most once per `QUIET`.

    Args:
        teller: sends them.
        clock: the time that stands in them, and that `QUIET` is measured on.
        busy: whether work waits to be done.
        ticks: seconds on a clock that only moves forward.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        teller: Teller,
        clock: Callable[[], datetime],
        *,
        busy: Callable[[], bool] = lambda: False,
        ticks: Callable[[], float] = monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._teller = teller
        self._clock = clock
        self._busy = busy
        self._ticks = ticks
        self._sleep = sleep
        self._waiting: asyncio.Queue[tuple[Object, Said]] = asyncio.Queue(QUEUED)
        self._told: OrderedDict[tuple[str, Said], datetime] = OrderedDict()

    def announce(self, about: Object, said: Said) -> None:
        """Take note; never blocks and never fails."""
        key, now = (str(about["metadata"]["uid"]), said), self._clock()
        earlier = self._told.get(key)
        if earlier is not None and (now - earlier).total_seconds() < QUIET:
            return
        self._told[key] = now
        self._told.move_to_end(key)
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        try:
            self._waiting.put_nowait((_mention(about), said))
        except asyncio.QueueFull:
            log.debug("too many events wait to be sent: %s is dropped", said.reason)

    async def run(self) -> None:
        """Send what was announced, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(SENDERS):
                group.create_task(self._send())

    async def _send(self) -> None:
        while True:
            about, said = await self._waiting.get()
            await self._give_way()
            try:
                await self._teller.emit_event(about, type=said.type, reason=said.reason, message=said.message, now=self._clock())
            except (Trouble, Deposed) as error:
                log.debug("an event could not be sent: %s", error)
            except Exception:
                log.exception("an event could not be sent: unexpected")

    async def _give_way(self) -> None:
        """Telling takes no place from doing, but does not wait for ever either."""
        until = self._ticks() + DEFERENCE
        while self._busy() and self._ticks() < until:
            await self._sleep(GLANCE)


def _mention(about: Object) -> Object:
    """What an Event says of the object that it is about; the object itself would stay in memory for as long as the Event waits."""
    named = {key: about["metadata"].get(key, "") for key in ("namespace", "name", "uid", "resourceVersion")}
    return {"apiVersion": about["apiVersion"], "kind": about["kind"], "metadata": named}


def flips(before: object, after: Mapping[str, Any]) -> Iterator[Said]:
    """One Event for each condition whose status changed from one to the next; a Warning, with its reason's page, for those that are stalled."""
    earlier, now = conditions_of(before), conditions_of(after)
    stalled = now.get("Stalled", {}).get("reason")
    for kind, condition in now.items():
        if earlier.get(kind, {}).get("status") == condition["status"] or kind in ("Ready", "Reconciling", "Stalled"):
            continue
        warning = condition["status"] != "True" and condition["reason"] == stalled
        words = f"{kind}={condition['status']}: {condition['message']}"
        if warning:
            yield Said("Warning", condition["reason"], _with_page(words, condition["reason"]))
        else:
            yield Said("Normal", condition["reason"], words)


def _with_page(words: str, reason: str) -> str:
    """A warning names the page that says what to do."""
    if (known := Reason.__members__.get(reason)) is None:
        return words
    page = f" ({known.page})"
    return words[: MESSAGE_LIMIT - len(page)] + page


def deed(action: Action, *, drifted: bool = False) -> Said | None:
    """The Event that tells of an action; None for those nobody needs to hear of."""
    match action:
        case Create(wanted):
            return Said("Normal", "Created", f"created {_called(wanted)}")
        case Apply(wanted) if drifted:
            return Said("Normal", "DriftCorrected", f"set {_called(wanted)} back to what it should be")
        case Apply(wanted):
            return Said("Normal", "Applied", f"applied {_called(wanted)}")
        case Delete(ref):
            return Said("Normal", "Deleted", f"deleted {ref}")
        case Effect():
            return Said("Normal", *action.deed())
        case HoldFinalizer() | ReleaseFinalizer():
            return None


def event_about(about: Object, *, type: str, reason: str, message: str, now: datetime) -> dict[str, Any]:  # noqa: A002
    """The Event object, in the API's oldest and most widely shown form."""
    ref, metadata = ref_of(about), about["metadata"]
    seen = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": names.derived_name(ref.name, uuid4().hex[:12]), "namespace": ref.namespace},
        "involvedObject": {
            "apiVersion": about["apiVersion"],
            "kind": ref.kind,
            "namespace": ref.namespace,
            "name": ref.name,
            "uid": metadata["uid"],
            "resourceVersion": metadata.get("resourceVersion", ""),
        },
        "type": type,
        "reason": reason,
        "message": message[:MESSAGE_LIMIT],
        "firstTimestamp": seen,
        "lastTimestamp": seen,
        "count": 1,
        "source": {"component": names.FIELD_MANAGER},
        "reportingComponent": f"{names.GROUP}/operator",
        "reportingInstance": names.FIELD_MANAGER,
    }


def _called(wanted: Object) -> str:
    return str(ref_of(wanted))
