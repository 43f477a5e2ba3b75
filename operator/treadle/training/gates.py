"""The gates: one function per kind of bound. Unknown, NaN or not comparable is Unknown, and Unknown never passes."""

import math
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation

from treadle.api import DatasetPin, TrainingRunMemory
from treadle.api.reasons import Reason
from treadle.api.training_run import Gate
from treadle.api.training_status import GateVerdict
from treadle.connections.registry import DATASET_TAG, METRIC_TAG, ModelVersion
from treadle.connections.tracking import TrackingRun
from treadle.plan import Plan, Unavailable, say
from treadle.training.comparison import comparisons_kept
from treadle.training.evaluate import evaluated, not_measured
from treadle.training.finish import ended
from treadle.training.run import Run, Version

LARGEST = 1.79e308
"""MLflow writes an infinity as the largest number there is."""


def decide_gates(run: Run, now: datetime) -> TrainingRunMemory | None:
    """The memory with all verdicts in it, once everything they need is known; a run that misses a gate ends here."""
    if not run.spec.gates or run.memory.gates or run.memory.result is not None or not run.trained or outage(run):
        return None
    failed = not_measured(run)
    if failed is None and not (evaluated(run) and comparisons_kept(run)):
        return None
    match run.ended_as:
        case _ if failed is not None:
            words = f"the model could not be evaluated: {failed.message}"
            verdicts = tuple(_verdict(gate, "Unknown", Reason.GateUnknown, words) for gate in run.spec.gates)
        case _ if run.tracking is None:
            said = {metric.name: metric.value for metric in run.memory.progress.metrics} if run.memory.progress else {}
            metrics = {**said, **_measured(run)}
            verdicts = tuple(_judge(gate, metrics.get(gate.metric), run) for gate in run.spec.gates)
        case TrackingRun(metrics=logged):
            metrics = {**logged, **_measured(run)}
            verdicts = tuple(_judge(gate, metrics.get(gate.metric), run) for gate in run.spec.gates)
        case None:
            lost = "the tracked run does not exist any more"
            verdicts = tuple(_verdict(gate, "Unknown", Reason.ResultLost, lost) for gate in run.spec.gates)
        case _:
            return None
    memory = run.memory.model_copy(update={"gates": verdicts})
    missed = [verdict for verdict in verdicts if verdict.verdict != "Passed"]
    if not missed:
        return memory if run.spec.registration else ended(memory, "Succeeded", Reason.RunSucceeded, _listed(verdicts), now)
    worst = next((verdict for verdict in missed if verdict.verdict == "Failed"), missed[0])
    return ended(memory, "Failed", Reason[worst.reason], _listed(missed), now)


def outage(run: Run) -> Unavailable | None:
    """Why something that the verdicts need cannot be read now; no verdict is made of that."""
    needed = (run.ended_as, *run.baselines.values(), *run.measured.values())
    return next((answer for answer in needed if isinstance(answer, Unavailable)), None)


def tell_gates(run: Run) -> Plan:
    """Say what the remembered verdicts come to."""
    verdicts = run.memory.gates
    if not verdicts:
        down = outage(run) if run.spec.gates and run.trained and run.memory.result is None else None
        return say("GatesPassed", None, down.cause, down.reason, stalled=down.stalled) if down else Plan()
    if failed := [v for v in verdicts if v.verdict == "Failed"]:
        return say("GatesPassed", False, Reason.GateFailed, _listed(failed), stalled=True)
    if unknown := [v for v in verdicts if v.verdict == "Unknown"]:
        return say("GatesPassed", None, Reason.GateUnknown, _listed(unknown), stalled=True)
    compared = all(v.reason != str(Reason.NoBaseline) for v in verdicts)
    return say("GatesPassed", True, Reason.GatesPassed if compared else Reason.NoBaseline, _listed(verdicts))


def _judge(gate: Gate, value: float | None, run: Run) -> GateVerdict:
    if value is None:
        words = f"neither the evaluation nor the program told {gate.metric}" if run.spec.evaluate else f"the run logged no metric {gate.metric}"
        return _verdict(gate, "Unknown", Reason.GateUnknown, words)
    if math.isnan(value) or abs(value) >= LARGEST:
        return _verdict(gate, "Unknown", Reason.GateUnknown, f"{gate.metric} is not a number")
    measured = Decimal(repr(value))
    if gate.min is not None and measured < gate.min:
        return _verdict(gate, "Failed", Reason.GateFailed, f"{gate.metric} {value:.6g} < {gate.min}", value)
    if gate.max is not None and measured > gate.max:
        return _verdict(gate, "Failed", Reason.GateFailed, f"{gate.metric} {value:.6g} > {gate.max}", value)
    if gate.not_worse_than is not None:
        alias = gate.not_worse_than.alias
        if alias not in run.baselines:
            return _verdict(gate, "Unknown", Reason.GateUnknown, f"no model to compare with: alias {alias} needs spec.register", value)
        if gate.metric in _measured(run):
            return _compared_on_the_same_items(gate, value, alias, run)
        return _compared(gate, value, alias, run.baselines[alias], run.memory.dataset)
    bounds = [f">= {gate.min}" if gate.min is not None else "", f"<= {gate.max}" if gate.max is not None else ""]
    return _verdict(gate, "Passed", Reason.GatesPassed, f"{gate.metric} {value:.6g} {' and '.join(filter(None, bounds))}", value)


def _compared(gate: Gate, value: float, alias: str, baseline: Version, dataset: DatasetPin | None) -> GateVerdict:
    """Compare with a model version, on the same data only, and as precisely as its metric is remembered."""
    if not isinstance(baseline, ModelVersion):
        return _verdict(gate, "Passed", Reason.NoBaseline, f"{gate.metric} {value:.6g}; no version carries the alias {alias}", value)
    theirs = _number(baseline.tags.get(METRIC_TAG + gate.metric, ""))
    if theirs is None or dataset is None or baseline.tags.get(DATASET_TAG) != dataset.digest:
        why = f"version {baseline.version} ({alias}) was not measured by {gate.metric} on the same data"
        return _verdict(gate, "Unknown", Reason.GateUnknown, why, value, baseline.version)
    return _not_worse(gate, value, theirs, baseline.version)


def _measured(run: Run) -> dict[str, float]:
    """What the evaluation measured: it counts before what the program itself says."""
    record = run.memory.evaluation
    return {metric.name: metric.value for metric in record.metrics} if record else {}


def _compared_on_the_same_items(gate: Gate, value: float, alias: str, run: Run) -> GateVerdict:
    """Compare with what the version that the alias pointed at measures on the very items that the model was measured on."""
    record = run.memory.evaluation
    baseline = next((baseline for baseline in record.baselines if baseline.alias == alias), None) if record else None
    if baseline is None:
        return _verdict(gate, "Unknown", Reason.GateUnknown, f"no version of alias {alias} was measured", value)
    if baseline.version is None:
        return _verdict(gate, "Passed", Reason.NoBaseline, f"{gate.metric} {value:.6g}; no version carries the alias {alias}", value)
    theirs = next((metric.value for metric in baseline.metrics if metric.name == gate.metric), None)
    if theirs is None:
        why = f"version {baseline.version} ({alias}) has no {gate.metric} on the same items" + (f": {baseline.message}" if baseline.message else "")
        return _verdict(gate, "Unknown", Reason.GateUnknown, why, value, baseline.version)
    return _not_worse(gate, value, Decimal(remembered(theirs)), baseline.version)


def _not_worse(gate: Gate, value: float, theirs: Decimal, version: str) -> GateVerdict:
    alias = gate.not_worse_than.alias if gate.not_worse_than else ""
    better = 1 if gate.goal == "Maximize" else -1
    lost = better * (theirs - Decimal(remembered(value)))
    if lost > (gate.tolerance or 0):
        words = f"{gate.metric} {value:.6g} is worse than {theirs:.6g} of version {version} ({alias})"
        return _verdict(gate, "Failed", Reason.GateFailed, words, value, version)
    words = f"{gate.metric} {value:.6g} is not worse than {theirs:.6g} of version {version} ({alias})"
    return _verdict(gate, "Passed", Reason.GatesPassed, words, value, version)


def remembered(value: float) -> str:
    """A metric as it is kept on a model version, for later runs to be compared with."""
    return f"{value:.6g}"


def _number(text: str) -> Decimal | None:
    """What was remembered of a metric; None when there is nothing, or nothing that can be compared."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _verdict(gate: Gate, verdict: str, reason: Reason, message: str, value: float | None = None, baseline: str | None = None) -> GateVerdict:
    content = {"name": gate.name, "verdict": verdict, "reason": str(reason), "message": message, "value": value, "baseline": baseline}
    return GateVerdict.model_validate(content)


def _listed(verdicts: Sequence[GateVerdict]) -> str:
    return "; ".join(f"{verdict.name}: {verdict.message}" for verdict in verdicts)
