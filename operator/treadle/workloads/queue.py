"""What Kueue says of a Job or JobSet that it holds back: why, since when, and why it took an admission back.

Kueue keeps a Workload for each of them. Its words are told as they are, but for amounts that change with every other workload of the queue.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from treadle.api.reasons import Reason
from treadle.plan import Object
from treadle.workloads import pods
from treadle.workloads.states import Eviction, Failed, FailureClass, Starting, State

AnyState = TypeVar("AnyState", bound=State[Any])

_NEVER_FITS = "maximum capacity"
_CHANGING = re.compile(r", \S+ more needed|, previously considered podsets requests \([^)]*\) \+ current podset request")
_FAULTS: Mapping[str, tuple[FailureClass, Reason]] = {
    "NodeFailures": (FailureClass.INFRASTRUCTURE, Reason.NodeLost),
    "PodsReadyTimeout": (FailureClass.INFRASTRUCTURE, Reason.PodEvicted),
}
"""Reasons of an eviction for which the queue is not to blame; any other one is a preemption, and costs nothing."""


def queued(state: AnyState, workloads: Sequence[Object], *, unread: bool = False) -> AnyState | Starting | Failed:
    """The state with what Kueue's Workload says, if something is held back, or was while it ran.

    Args:
        state: of a Job or JobSet.
        workloads: those that it controls.
        unread: Workloads cannot be read here.
    """
    if not isinstance(state, Starting | Failed) or not state.suspended:
        return state
    if not workloads:
        return state if unread or isinstance(state, Failed) else replace(state, message=_told(state, "Kueue has not taken it up yet"))
    workload = workloads[-1]
    reserved, evicted = _condition(workload, "QuotaReserved"), _condition(workload, "Evicted")
    if isinstance(state, Failed):
        why = _eviction(evicted)
        return replace(state, failure_class=why.failure_class, reason=why.reason, message=why.message)
    began = pods.time(reserved.get("lastTransitionTime")) or pods.time(workload["metadata"].get("creationTimestamp"))
    state = replace(state, queued_since=began, eviction=_eviction(evicted) if evicted.get("status") == "True" else None)
    if (workload.get("spec") or {}).get("active") is False:
        return replace(state, message=_told(state, f"its queue gave it up: {_words(evicted)}"), stalled=True)
    if reserved.get("status") == "True":
        return replace(state, message=_told(state, f"its quota is reserved, other checks are not done: {_words(_condition(workload, 'Admitted'))}"))
    if not (words := _words(reserved)):
        return state
    if "quota" in words:
        return replace(state, reason=Reason.QuotaExceeded, message=_told(state, words), stalled=_NEVER_FITS in words)
    return replace(state, message=_told(state, words), stalled=reserved.get("reason") == "Inadmissible")


def eviction(state: Starting) -> Eviction:
    """Why something that ran is held back again; a queue that says nothing is to blame itself."""
    return state.eviction or _eviction({})


def _eviction(condition: Mapping[str, Any]) -> Eviction:
    failure_class, reason = _FAULTS.get(str(condition.get("reason")), (FailureClass.PREEMPTED, Reason.PodPreempted))
    why = f": {words}" if (words := _words(condition)) else ""
    return Eviction(failure_class, reason, f"its queue took the admission back{why}")


def _told(state: Starting, words: str) -> str:
    return f"{state.message}: {words}"


def _words(condition: Mapping[str, Any]) -> str:
    return _CHANGING.sub("", str(condition.get("message") or condition.get("reason") or "")).strip()


def _condition(workload: Object, type_: str) -> Mapping[str, Any]:
    conditions = (workload.get("status") or {}).get("conditions") or ()
    return next((c for c in conditions if c.get("type") == type_), {})
