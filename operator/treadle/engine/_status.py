"""Settling: what a plan says becomes the object's status. The only code that knows Ready, Stalled, phase, observedGeneration and transition times."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from treadle.api.reasons import Reason
from treadle.engine._objects import conditions_of
from treadle.plan import Condition, Kind, Object, Plan

MESSAGE_LIMIT = 1024
DERIVED = ("Ready", "Reconciling", "Stalled")
"""Conditions that follow from those that plans say."""
TROUBLE = "Reconciled"
"""The condition that tells what the outside answered; there only while it says no."""


def settle(this: Object, plan: Plan, kind: Kind[Any], now: datetime, trouble: Condition | None = None) -> dict[str, Any] | None:
    """The whole status to write, or None when it would say nothing new.

    `trouble` is what the outside answered to an action of this plan; it is told beside what the plan says, also while the plan has no news yet, and
    taken back once it is over.
    """
    before: dict[str, Any] = dict(written) if isinstance(written := this.get("status"), Mapping) else {}
    if plan.status is None and trouble is None and not _condition(before, TROUBLE):
        return None
    said = [*plan.conditions, *([trouble] if trouble else [])]
    body = (
        plan.status.model_dump(mode="json", by_alias=True, exclude_none=True)
        if plan.status
        else {k: v for k, v in before.items() if k != "conditions"}
    )
    generation = this["metadata"].get("generation", 0)
    conditions = [_written(c, before, generation, now) for c in [*_derived(said, kind), *said]]
    after = body | {"observedGeneration": generation, "phase": _phase(said, kind), "conditions": sorted(conditions, key=lambda c: str(c["type"]))}
    return None if after == before else after


def interrupted(this: Object, kind: Kind[Any], now: datetime, trouble: Condition) -> dict[str, Any] | None:
    """The whole status to write when nothing could be planned at all, or None when it would say nothing new: what was said before stays."""
    before: dict[str, Any] = dict(written) if isinstance(written := this.get("status"), Mapping) else {}
    generation = this["metadata"].get("generation", 0)
    follows = _stalled(trouble) if trouble.stalled else Condition("Reconciling", True, trouble.reason, trouble.message)
    news = [trouble, follows, *([] if _condition(before, "Ready") else [Condition("Ready", False, trouble.reason, trouble.message)])]
    kept = [c for kind_, c in conditions_of(before).items() if kind_ not in (TROUBLE, "Stalled", "Reconciling")]
    conditions = sorted([*kept, *(_written(c, before, generation, now) for c in news)], key=lambda c: str(c["type"]))
    after = {"phase": kind.initial_phase} | before | {"observedGeneration": generation, "conditions": conditions}
    return None if after == before else after


def _derived(said: list[Condition], kind: Kind[Any]) -> list[Condition]:
    ready = _ready(said, kind)
    if (stalled := next((c for c in said if c.stalled), None)) is not None:
        return [ready, _stalled(stalled)]
    if ready.status is not True:
        return [ready, Condition("Reconciling", True, ready.reason, ready.message)]
    return [ready]


def _stalled(by: Condition) -> Condition:
    """Whoever must act now is told where the remedy is."""
    page = f" ({by.reason.page})"
    return Condition("Stalled", True, by.reason, by.message[: MESSAGE_LIMIT - len(page)] + page)


def _ready(said: list[Condition], kind: Kind[Any]) -> Condition:
    """Repeats the first of the kind's ready conditions that is not True.

    While one of them was not said yet, nothing is ready: the first condition that is not True tells what is waited for, else the last one tells how
    far things are.
    """
    by_type = {condition.type: condition for condition in said}
    wanted = [by_type.get(name) for name in kind.ready]
    if (source := next((c for c in wanted if c and c.status is not True), None)) is not None:
        return Condition("Ready", source.status, source.reason, source.message)
    if wanted[-1] is not None and None not in wanted:
        return Condition("Ready", True, wanted[-1].reason, wanted[-1].message)
    nothing = Condition("Ready", False, Reason.Progressing, "not known yet")
    source = next((c for c in said if c.status is not True), said[-1] if said else nothing)
    return Condition("Ready", False, source.reason, source.message)


def _phase(said: list[Condition], kind: Kind[Any]) -> str:
    states = {(condition.type, condition.status) for condition in said}
    return next((phase for name, status, phase in kind.phases if (name, status) in states), kind.initial_phase)


def _written(condition: Condition, before: dict[str, Any], generation: int, now: datetime) -> dict[str, Any]:
    status = "Unknown" if condition.status is None else str(condition.status)
    earlier = _condition(before, condition.type)
    since = earlier.get("lastTransitionTime") if earlier.get("status") == status else None
    return {
        "type": condition.type,
        "status": status,
        "reason": str(condition.reason),
        "message": condition.message[:MESSAGE_LIMIT],
        "observedGeneration": generation,
        "lastTransitionTime": since or now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _condition(status: dict[str, Any], type: str) -> Mapping[str, Any]:  # noqa: A002
    return conditions_of(status).get(type, {})
