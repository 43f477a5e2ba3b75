"""How often versions are right, as far as callers tell true labels: counted by the pods with the windows of drift, remembered once per window.

What is remembered changes with a window and never within one, so that a label that comes in writes no status.
"""

from datetime import datetime

from treadle.api import ModelDeploymentMemory
from treadle.api.deployment_status import LiveAccuracy, VersionAccuracy
from treadle.serving.drift.watch import settled
from treadle.serving.drift.windows import known
from treadle.serving.observe import Serving
from treadle.serving.target import target_from
from treadle.statistics.proportions import wilson_interval


def note_accuracy(serving: Serving, memory: ModelDeploymentMemory, now: datetime) -> ModelDeploymentMemory:
    """Take over what the pods say of the windows up to the last one, when they all do or have had their time."""
    drift, windows, last = known(memory, serving.spec), serving.windows, memory.accuracy
    if drift is None or (last and (last.revision, last.seconds) != (drift.revision, drift.seconds)):
        return memory if last is None else memory.model_copy(update={"accuracy": None})
    if windows.through <= (last.window if last else 0) or not settled(serving, drift, now):
        return memory
    versions = tuple(accuracy_of(version, *windows.labelled[version]) for version in _answering(serving, memory) if version in windows.labelled)
    told = LiveAccuracy(revision=drift.revision, seconds=drift.seconds, window=windows.through, versions=versions) if versions else None
    return memory.model_copy(update={"accuracy": told})


def accuracy_of(version: str, right: int, labels: int) -> VersionAccuracy:
    """The share with its interval."""
    low, high = wilson_interval(right, labels)
    return VersionAccuracy(version=version, value=right / labels, low=low, high=high, right=right, labels=labels)


def _answering(serving: Serving, memory: ModelDeploymentMemory) -> list[str]:
    """What the versions are called that answer, or did lately. Of any other that a caller names, nothing is told."""
    revisions = [revision for revision in (memory.stable, memory.canary, *reversed(memory.previous)) if revision]
    return list(dict.fromkeys(target_from(revision, serving.spec).label for revision in revisions))


__all__ = ["accuracy_of", "note_accuracy"]
