"""The model becomes a version in the registry, once, and earns its alias: moved only forward, and only from where it was when this was decided."""

from datetime import datetime

from treadle.api import TrainingRunMemory
from treadle.api.reasons import Reason
from treadle.api.training_status import RegisteredVersion
from treadle.connections.registry import (
    DATASET_TAG,
    FILES_TAG,
    GATES_TAG,
    METRIC_TAG,
    REFERENCE_TAG,
    RUN_TAG,
    SMOKE_TAG,
    EnsureAlias,
    EnsureModelVersion,
    ModelVersion,
)
from treadle.connections.tracking import TrackingRun, tags
from treadle.contracts import canonical_json
from treadle.plan import Plan, Unavailable, do, say
from treadle.training.approval import approved
from treadle.training.comparison import known_tag, tag_of
from treadle.training.evaluate import evaluated
from treadle.training.finish import ended
from treadle.training.gates import remembered
from treadle.training.models import chosen_model
from treadle.training.run import Run, Tracking, Waiting


def decide_registered(run: Run, now: datetime) -> TrainingRunMemory | None:
    """The memory with the version in it; with the run's end when its alias is settled, or when there is no model to register."""
    if not _due(run):
        return None
    if run.memory.registered is not None:
        return _decide_alias(run, run.memory.registered, now)
    if run.ended_as is None:
        return ended(run.memory, "Failed", Reason.ResultLost, "the tracked run does not exist any more", now)
    if isinstance(run.ended_as, TrackingRun) and isinstance(chosen := chosen_model(run.spec, run.ended_as), Waiting):
        return ended(run.memory, "Failed", chosen.reason, chosen.message, now)
    if not isinstance(run.version, ModelVersion) or not _tagged(run, run.version) or not isinstance(run.alias, ModelVersion | None):
        return None
    replaces = _replaced(run, run.version.version, run.alias)
    version = RegisteredVersion(model=run.model, version=run.version.version, alias=run.alias_name, replaces=replaces)
    return run.memory.model_copy(update={"registered": version})


def register(run: Run) -> Plan:
    """Make the version and move the alias, each when it is decided; or say what keeps us from it."""
    if not _due(run) or not isinstance(run.tracking, Tracking) or run.tracked is None:
        return Plan()
    for answer in (run.ended_as, run.version, run.alias):
        if isinstance(answer, Unavailable):
            return say("Registered", None, answer.cause, answer.reason, stalled=answer.stalled)
    if (registered := run.memory.registered) is not None:
        wish = EnsureAlias(
            connection=run.tracking.connection.key,
            model=registered.model,
            alias=run.alias_name,
            version=registered.version,
            expected=registered.replaces,
        )
        return do(wish) if _movable(run, registered) else Plan()
    if not isinstance(run.ended_as, TrackingRun) or not isinstance(run.version, ModelVersion | None):
        return say("Registered", None, Reason.Registering, f"registering {run.model}")
    model = chosen_model(run.spec, run.ended_as)
    if isinstance(model, Waiting) or (run.version and _tagged(run, run.version)):
        return Plan()
    version = EnsureModelVersion(
        connection=run.tracking.connection.key,
        model=run.model,
        run_id=run.tracked.id,
        source=model.source,
        owner=run.owner,
        tags=tags(version_tags(run)),
    )
    return do(version)


def tell_registered(run: Run) -> Plan:
    """Say what the model became."""
    registered = run.memory.registered
    if registered is None or run.memory.result is None:
        return Plan()
    name = f"{registered.model} version {registered.version}"
    if registered.alias_moved:
        return say("Registered", True, Reason.ModelRegistered, f"{name} is {registered.alias}")
    return say("Registered", True, Reason.AliasNotMoved, f"{name}; the alias {registered.alias} was moved meanwhile and stays where it is")


def version_tags(run: Run) -> dict[str, str]:
    """Where the version comes from and what its gates said; later runs compare with it, deployments read the verdict."""
    memory = run.memory
    values = {GATES_TAG: "Passed" if memory.gates else "None", RUN_TAG: f"{run.ref.namespace}/{run.name}"}
    if memory.dataset:
        values[DATASET_TAG] = memory.dataset.digest
    metrics = {gate.name: gate.metric for gate in run.spec.gates}
    for verdict in memory.gates:
        if verdict.value is not None and verdict.name in metrics:
            values[METRIC_TAG + metrics[verdict.name]] = remembered(verdict.value)
    if run.spec.evaluate and memory.evaluation and memory.dataset:
        values |= known_tag(tag_of(run, run.spec.evaluate, memory.dataset), memory.evaluation.metrics)
        if memory.evaluation.model:
            values[FILES_TAG] = memory.evaluation.model
        if memory.evaluation.smoke:
            values[SMOKE_TAG] = canonical_json(memory.evaluation.smoke.to_object())
        if memory.evaluation.reference:
            values[REFERENCE_TAG] = canonical_json(memory.evaluation.reference.to_object())
    return values


def _due(run: Run) -> bool:
    wanted = run.spec.registration is not None and run.trained and run.memory.result is None
    return wanted and evaluated(run) and len(run.memory.gates) == len(run.spec.gates) and approved(run)


def _replaced(run: Run, version: str, holder: ModelVersion | None) -> str | None:
    """From which version the alias may be moved: the one that a gate compared ours with; without such a gate, the one that holds it now."""
    for gate, verdict in zip(run.spec.gates, run.memory.gates, strict=False):
        if gate.not_worse_than and gate.not_worse_than.alias == run.alias_name:
            return verdict.baseline
    return holder.version if holder and holder.version != version else None


def _decide_alias(run: Run, registered: RegisteredVersion, now: datetime) -> TrainingRunMemory | None:
    if not isinstance(run.alias, ModelVersion | None) or _movable(run, registered):
        return None
    if run.alias and _overtaken(run, registered, run.alias):
        return run.memory.model_copy(update={"registered": registered.model_copy(update={"replaces": run.alias.version})})
    moved = run.alias is not None and run.alias.version == registered.version
    memory = run.memory.model_copy(update={"registered": registered.model_copy(update={"alias_moved": moved})})
    message = f"{registered.model} version {registered.version} is registered" + (f" as {registered.alias}" if moved else "")
    return ended(memory, "Succeeded", Reason.RunSucceeded, message, now)


def _movable(run: Run, registered: RegisteredVersion) -> bool:
    """The alias is where it was when this was decided, and behind us."""
    if not isinstance(run.alias, ModelVersion | None):
        return False
    current = run.alias.version if run.alias else None
    return current == registered.replaces and (current is None or _number(current) < _number(registered.version))


def _overtaken(run: Run, registered: RegisteredVersion, holder: ModelVersion) -> bool:
    """A sibling moved the alias meanwhile, to a version behind ours; that matters only if our gates were judged against the alias."""
    judged = any(gate.not_worse_than and gate.not_worse_than.alias == registered.alias for gate in run.spec.gates)
    return not judged and holder.version != registered.replaces and _number(holder.version) < _number(registered.version)


def _tagged(run: Run, version: ModelVersion) -> bool:
    return version_tags(run).items() <= version.tags.items()


def _number(version: str) -> int:
    """Versions are numbers; a placeholder of a dry run counts as the newest."""
    return int(version) if version.isdigit() else 2**31
