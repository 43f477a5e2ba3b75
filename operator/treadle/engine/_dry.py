"""Carrying out a plan without touching anything: the executor behind `kubectl treadle plan` and behind the stories of the tests.

It does to what is known in memory what the API server and the outside systems would do, and writes down each step as one line.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from treadle.api import names
from treadle.engine._objects import conditions_of, stamped
from treadle.engine._ports import Answered, Fact, Gone, Knowledge, Seen
from treadle.engine._reconcile import reconcile
from treadle.engine._status import DERIVED
from treadle.plan import Action, Apply, Create, Delete, Effect, HoldFinalizer, Kind, Object, Ref, ReleaseFinalizer, Trouble, ref_of


class DryExecutor:
    """An executor that only remembers. `lines` tells what it was asked, in order.

    Args:
        now: stands in made objects as their creation time.
        known: an object as it is known now; what is applied is merged into it.
    """

    def __init__(self, now: datetime, known: Callable[[Ref], Object | None]) -> None:
        self.lines: list[str] = []
        self._now = now
        self._known = known
        self._versions = 10**19  # newer than anything that a server gave out: its numbers have 63 bits

    async def carry_out(self, action: Action, this: Object) -> Iterable[Fact]:
        """See `Executor.carry_out`."""
        self.lines.append(str(action))
        match action:
            case Create(wanted):
                return [Seen(self._made(wanted))]
            case Apply(wanted):
                existing = self._known(ref_of(wanted))
                return [Seen(self._made(stamped(wanted)) if existing is None else self._merged(existing, stamped(wanted)))]
            case Delete(ref, uid):
                return [Gone(ref, uid)]
            case HoldFinalizer():
                return self._with_finalizers(this, [*_finalizers(this), names.FINALIZER])
            case ReleaseFinalizer():
                return self._with_finalizers(this, [f for f in _finalizers(this) if f != names.FINALIZER])
            case Effect():
                return [Answered(question, answer) for question, answer in action.assumed().items()]

    async def write_status(self, this: Object, status: Mapping[str, Any]) -> Iterable[Fact]:
        """See `Executor.write_status`."""
        self.lines.append("write status: " + ", ".join([str(status["phase"]), *_news(this.get("status"), status)]))
        return [Seen({**this, "metadata": {**this["metadata"], "resourceVersion": self._version()}, "status": status})]

    def _version(self) -> str:
        self._versions += 1
        return str(self._versions)

    def _made(self, wanted: Object) -> Object:
        made = {"resourceVersion": self._version(), "uid": f"uid-{ref_of(wanted).kind}-{ref_of(wanted).name}".lower(), "generation": 1}
        return {**wanted, "metadata": {**wanted["metadata"], **made, "creationTimestamp": self._now.strftime("%Y-%m-%dT%H:%M:%SZ")}}

    def _merged(self, existing: Object, wanted: Object) -> Object:
        """Roughly what server-side apply does: wanted fields win, others stay; lists are taken whole."""
        both: dict[str, Any] = merged(existing, wanted)
        return {**both, "metadata": {**both["metadata"], "resourceVersion": self._version()}}

    def _with_finalizers(self, this: Object, finalizers: list[str]) -> list[Fact]:
        if not finalizers and "deletionTimestamp" in this["metadata"]:
            return [Gone(ref_of(this), str(this["metadata"]["uid"]))]
        return [Seen({**this, "metadata": {**this["metadata"], "finalizers": finalizers, "resourceVersion": self._version()}})]


async def dry_run(kind: Kind[Any], world: Knowledge, now: datetime) -> tuple[str, ...]:
    """What the operator would do now for the object that `world` looks at, as story lines; nothing is touched.

    Raises:
        AssertionError: a bug in the kind: its plan does not settle.
    """
    executor = DryExecutor(now, world.get)
    try:
        wake_at = await reconcile(kind, world, executor, lambda: now)
    except Trouble as trouble:
        return (*executor.lines, f"trouble: {trouble}")
    return told(executor.lines, wake_at, now)


def told(lines: list[str], wake_at: datetime | None, now: datetime) -> tuple[str, ...]:
    """The lines of one moment: what was done and said, and when it looks again."""
    return (*lines, *([f"look again after {wake_at - now}"] if wake_at else [])) or ("nothing",)


def merged(existing: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of both, those of `wanted` where both have them."""
    result = dict(existing)
    for key, value in wanted.items():
        earlier = result.get(key)
        result[key] = merged(earlier, value) if isinstance(earlier, Mapping) and isinstance(value, Mapping) else value
    return result


def _finalizers(this: Object) -> list[str]:
    return list(this["metadata"].get("finalizers") or ())


def _news(before: object, after: Mapping[str, Any]) -> list[str]:
    told_before = {_words(condition) for condition in conditions_of(before).values()}
    said = [_words(condition) for kind, condition in conditions_of(after).items() if kind not in DERIVED]
    return [f"{type_}={status} {reason}: {message}" for type_, status, reason, message in said if (type_, status, reason, message) not in told_before]


def _words(condition: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(condition.get(key)) for key in ("type", "status", "reason", "message"))
