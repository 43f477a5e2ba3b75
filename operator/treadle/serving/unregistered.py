"""The model of a TrainingRun that made no version in a registry: what it left in its output, or why there is nothing to serve."""

from collections.abc import Mapping
from typing import Any

from treadle.api import ModelDeploymentSpec, TrainingRunMemory
from treadle.api.base import is_store_uri
from treadle.api.reasons import Reason
from treadle.contracts.drift import StoredReference
from treadle.contracts.smoke import StoredSmoke
from treadle.contracts.training import MODEL_FOLDER, output_of
from treadle.plan import Object
from treadle.serving.target import Target, Unresolved, asked_of

URI_SHOWN = 200  # characters


def left_by(run: str, made: Object, memory: TrainingRunMemory, spec: ModelDeploymentSpec) -> Target | Unresolved:
    """What the run left, once it has succeeded: with gates, that is once they passed. Where its model was measured, these very files are served."""
    if memory.result is None:
        awaited = "has not ended yet" if _untracked(made) else "has not registered a model yet"
        return Unresolved(Reason.ModelNotFound, f"TrainingRun {run} {awaited}")
    if memory.result.outcome != "Succeeded":
        ended = f"TrainingRun {run} ended as {memory.result.outcome} ({memory.result.reason})"
        return Unresolved(Reason.ModelNotFound, f"{ended}: name another run in spec.model.run, or run it again under this name", stalled=True)
    if memory.tracking is not None:
        told = f"TrainingRun {run} registers no model: let a run with spec.register.model make one, and name that run or the model"
        return Unresolved(Reason.ModelNotFound, told, stalled=True)
    if not (output := _output(made)):
        told = f"TrainingRun {run} left no model: nothing tracks it, and it has no spec.output; let a run with spec.output.uri leave it there"
        return Unresolved(Reason.ModelNotFound, told, stalled=True)
    uri = f"{output_of(output, run)}{MODEL_FOLDER}"
    if not is_store_uri(uri):
        told = f"TrainingRun {run} left its model in {uri[:URI_SHOWN]}, which serving pods cannot fetch; let a run with spec.output.uri in"
        return Unresolved(Reason.ModelNotServable, f"{told} s3, gs, az or abfss leave it there", stalled=True)
    measured = memory.evaluation
    stored, smoke = (measured.reference, measured.smoke) if measured else (None, None)
    return Target(
        uri=uri,
        words=f"what TrainingRun {run} left at {uri}",
        digest=(measured.model or "") if measured else "",
        reference=StoredReference(uri=stored.uri, sha256=stored.sha256) if stored else None,
        smoke=StoredSmoke(uri=smoke.uri, sha256=smoke.sha256, label=smoke.label) if smoke and smoke.label else None,
        asked=asked_of(spec),
    )


def _output(made: Object) -> str:
    """Where spec says that the run leaves what it makes; empty when it does not, or in a form that is not understood."""
    uri = _asked(made, "output").get("uri")
    return uri if isinstance(uri, str) else ""


def _untracked(made: Object) -> bool:
    """Whether spec says that nothing tracks the run, so that it registers nothing."""
    return _asked(made, "tracking").get("type") == "None"


def _asked(made: Object, part: str) -> Mapping[str, Any]:
    """A part of the run's spec; empty where it has none that is understood."""
    spec = made.get("spec")
    found = spec.get(part) if isinstance(spec, Mapping) else None
    return found if isinstance(found, Mapping) else {}


__all__ = ["left_by"]
