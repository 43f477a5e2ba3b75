"""Judges each window once, remembers what came of it, and says so. One drifted window raises the condition, two calm ones in a row lower it again."""

from datetime import UTC, datetime, timedelta

from treadle.api import ModelDeploymentMemory
from treadle.api.base import format_duration
from treadle.api.deployment_status import DriftWatch
from treadle.api.reasons import Reason
from treadle.plan import Plan, say
from treadle.serving.drift.compare import Comparison, Outcome, compare
from treadle.serving.drift.windows import known
from treadle.serving.observe import Serving

ENOUGH = 200
"""Requests that a judgement needs; with fewer, windows are judged together."""
CALM_WINDOWS = 2
MINIMUM_EFFECT = 0.05
PATIENCE = timedelta(minutes=1)
"""So long after its end a window waits for pods that have not told of it."""


def watch(serving: Serving, memory: ModelDeploymentMemory, now: datetime) -> ModelDeploymentMemory:
    """Judge the windows since the last judgement, when they are whole and hold enough."""
    drift, windows = known(memory, serving.spec), serving.windows
    if drift is None:
        return memory if memory.drift is None else memory.model_copy(update={"drift": None})
    if windows.items < ENOUGH or not settled(serving, drift, now):
        return memory if drift.judged_at or memory.drift is None else memory.model_copy(update={"drift": None})
    effect = serving.spec.monitoring.drift.minimum_effect if serving.spec.monitoring.drift else None
    pairs = [pair for pair in windows.pairs if pair[1].items >= ENOUGH]
    comparisons = [compare(*pair, MINIMUM_EFFECT if effect is None else float(effect), windows=len(pairs)) for pair in pairs]
    worst = min(comparisons, key=lambda comparison: tuple(Outcome).index(comparison.outcome))
    return memory.model_copy(update={"drift": judged(drift, worst, windows.through, now)})


def settled(serving: Serving, drift: DriftWatch, now: datetime) -> bool:
    """Whether every pod told of the last whole window, or has had its time."""
    return serving.windows.complete or now >= _waits_until(serving, drift)


def judged(drift: DriftWatch, comparison: Comparison, through: int, now: datetime) -> DriftWatch:
    """What is known after another judgement."""
    said = {"window": through, "judged_at": now, "last": comparison.words}
    match comparison.outcome:
        case Outcome.DRIFTED:
            raised = {"detected": True, "since": drift.since or now, "raised": comparison.words, "calm": 0}
            return drift.model_copy(update=said | raised)
        case Outcome.OPEN:
            return drift.model_copy(update=said | {"calm": 0})
        case Outcome.CALM if drift.detected and drift.calm + 1 < CALM_WINDOWS:
            return drift.model_copy(update=said | {"calm": drift.calm + 1})
    return drift.model_copy(update=said | {"detected": False, "since": None, "raised": "", "calm": 0})


def tell_drift(serving: Serving, memory: ModelDeploymentMemory, now: datetime) -> Plan:
    """DriftDetected: said only where drift is watched."""
    drift, windows = known(memory, serving.spec), serving.windows
    if drift is None:
        return Plan()
    if serving.spec.runtime.type == "Custom":
        return say("DriftDetected", None, Reason.NotSupportedYet, "pods of runtime.type Custom count nothing")
    if not serving.installation.control.public_key:
        return say("DriftDetected", None, Reason.ControlKeyMissing, "pods cannot be asked without the operator's control key")
    if windows.trouble:
        return say("DriftDetected", None, Reason.ReferenceMissing, windows.trouble)
    if drift.judged_at is None:
        return _not_judged(serving, drift, now)
    wake_at = _waits_until(serving, drift) if windows.through > drift.window and not windows.complete else None
    wake_at = wake_at if wake_at and wake_at > now else None
    if not drift.detected:
        return say("DriftDetected", False, Reason.NoDrift, drift.last, wake_at=wake_at)
    if drift.last == drift.raised:
        return say("DriftDetected", True, Reason.DriftFound, drift.raised, wake_at=wake_at)
    return say("DriftDetected", True, Reason.DriftFound, f"{drift.raised}; then {drift.last}", wake_at=wake_at)


def _not_judged(serving: Serving, drift: DriftWatch, now: datetime) -> Plan:
    length = format_duration(timedelta(seconds=drift.seconds))
    words = f"{min(serving.windows.items, ENOUGH)} of {ENOUGH} requests in whole windows of {length}"
    silent = "; ".join(serving.windows.silent.values())
    ends = _waits_until(serving, drift)
    return say("DriftDetected", None, Reason.TooFewRequests, f"{words}; {silent}" if silent else words, wake_at=ends if ends > now else None)


def _waits_until(serving: Serving, drift: DriftWatch) -> datetime:
    """Until when the last whole window waits for pods that are silent about it."""
    ended = (serving.windows.through + 1) * drift.seconds
    return datetime.fromtimestamp(ended, UTC) + PATIENCE
