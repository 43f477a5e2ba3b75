"""A plan: what to do, what to say, when to look again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel

from treadle.api.reasons import Reason

if TYPE_CHECKING:
    from treadle.plan._actions import Action

__all__ = ["Condition", "Plan", "do", "say"]


@dataclass(frozen=True)
class Condition:
    """One condition of an object. `status` None is Unknown; `stalled` means that a human must act (it never stops us from trying)."""

    type: str
    status: bool | None
    reason: Reason
    message: str
    stalled: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do, what to say, when to look again. Every policy returns one; plans add up.

    Attributes:
        actions: carried out in this order, before anything is said.
        conditions: each type is said by exactly one policy.
        wake_at: look again then at the latest, even if nothing changed.
        status: the whole status below conditions and phase; None means no news yet, write nothing.
    """

    actions: tuple[Action, ...] = ()
    conditions: tuple[Condition, ...] = ()
    wake_at: datetime | None = None
    status: BaseModel | None = None

    @classmethod
    def all(cls, *policies: Plan, status: BaseModel | None = None) -> Plan:
        """The sum of policies: actions in order, conditions side by side, the earliest wake-up."""
        return cls(
            actions=tuple(action for policy in policies for action in policy.actions),
            conditions=tuple(condition for policy in policies for condition in policy.conditions),
            wake_at=min((policy.wake_at for policy in policies if policy.wake_at), default=None),
            status=status,
        )


def do(*actions: Action) -> Plan:
    """A plan that only acts."""
    return Plan(actions=actions)


def say(type: str, status: bool | None, reason: Reason, message: str, *, stalled: bool = False, wake_at: datetime | None = None) -> Plan:  # noqa: A002
    """A plan that only speaks: one condition, and perhaps when it may change by itself."""
    return Plan(conditions=(Condition(type, status, reason, message, stalled),), wake_at=wake_at)
