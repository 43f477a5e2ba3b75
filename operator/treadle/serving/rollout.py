"""Which revision is the stable one, which one comes, and who may come: decisions that status remembers before they are carried out.

A new revision is brought up beside the stable one; once all its pods are ready it becomes the stable one, and the Service turns to it. A new
version proves itself first, step by step; see `canary.py`. Spared that are the first version, the same version served in another way, a version that
a person named (`pin`, `promote`), and with `strategy: Replace` any.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from treadle.api import ModelDeploymentMemory, names
from treadle.api.base import format_duration
from treadle.api.deployment_status import Canary, HistoryEntry, Revision
from treadle.api.reasons import Reason
from treadle.connections.installation import Granted
from treadle.connections.registry import ModelVersion
from treadle.plan import Unavailable
from treadle.serving.canary import advance, called_by, leaving, promised
from treadle.serving.commands import pending, recorded, with_handled
from treadle.serving.observe import Serving, counts, remembered
from treadle.serving.promise import ROLLED_BACK, ROLLOUT_TAG, promise
from treadle.serving.scale import size
from treadle.serving.target import Target, Unresolved, target_of

DEADLINE = timedelta(hours=24)


@dataclass(frozen=True)
class Barred:
    """Why the version that spec asks for does not come."""

    reason: Reason
    message: str


def decide(serving: Serving, now: datetime) -> ModelDeploymentMemory:
    """What status is to remember now: with new decisions where there are any."""
    memory = proven(serving, recorded(serving, serving.memory), now)
    if serving.spec.suspend:
        return memory
    for step in (_first, _abort, _expire, advance, _arrive, _come):
        memory = step(serving, memory, now)
    return memory


def proven(serving: Serving, memory: ModelDeploymentMemory, now: datetime) -> ModelDeploymentMemory:
    """Note when the stable version first served at full size; from then on it is not given up for one that has not."""
    fleet = serving.fleet(memory.stable)
    if memory.stable is None or memory.stable.since is not None or fleet is None or not fleet.full(size(serving)):
        return memory
    return memory.model_copy(update={"stable": memory.stable.model_copy(update={"since": now})})


def barred(serving: Serving, memory: ModelDeploymentMemory, target: Target) -> Barred | None:
    """Why this version may not come; None when it may."""
    refused = next((refused for refused in memory.refused if refused.version in (target.version, target.revision)), None)
    if target.pinned or _commanded(serving, target):
        return None
    if refused:
        return Barred(Reason.AlreadyRefused, f"{target.words} was given up: {refused.message}; {_once_more(target)}")
    if not _proves_itself(serving, memory, target):
        return None
    if target.tags.get(ROLLOUT_TAG) == ROLLED_BACK:
        return Barred(Reason.AlreadyRefused, f"{target.words} was rolled back before; {_once_more(target)}")
    otherwise = f'set the annotation {names.PROMOTE} to "{target.label}" to let it take over, or rollout.strategy: Replace'
    if not counts(serving.spec):
        words = f"pods of runtime.type Custom cannot divide traffic without runtime.proxy; {otherwise}"
        return Barred(Reason.NotSupportedYet, f"{target.words} waits: {words}")
    if not serving.installation.control.public_key:
        return Barred(Reason.ControlKeyMissing, f"{target.words} waits: it cannot prove itself without the operator's control key; {otherwise}")
    if size(serving) == 0:
        return Barred(Reason.ScaledToZero, f"{target.words} waits: spec.replicas is 0, so that there is nothing to prove itself beside; {otherwise}")
    return None


def _proves_itself(serving: Serving, memory: ModelDeploymentMemory, target: Target) -> bool:
    """Whether a version is one that has to prove itself: a new one, beside one that serves."""
    stable = memory.stable
    excused = target.pinned or _commanded(serving, target) or stable is None
    return not (excused or stable is None or _in_place(serving, stable) or _same_model(stable, target))


def _commanded(serving: Serving, target: Target) -> bool:
    """Whether a person lets the version take over without proof."""
    return bool(target.version) and pending(serving, "promote") == target.version


def _once_more(target: Target) -> str:
    return f'the annotation {names.PIN}: "{target.label}" serves it all the same' if target.version else "change spec to try another"


def _first(serving: Serving, memory: ModelDeploymentMemory, now: datetime) -> ModelDeploymentMemory:
    """With nothing deployed, the champion serves if there is one, and nothing while that is unknown: the candidate has to prove itself against it."""
    if memory.stable is not None or isinstance(serving.target, Unresolved) or isinstance(serving.champion, Unavailable):
        return memory
    return memory.model_copy(update={"stable": remembered(_champion(serving) or serving.target)})


def _champion(serving: Serving) -> Target | None:
    if not isinstance(serving.champion, ModelVersion) or not isinstance(serving.registry, Granted) or not isinstance(serving.target, Target):
        return None
    if serving.target.pinned:
        return None
    words = f"{serving.champion.model}@{serving.spec.model.promotion_alias}"
    found = target_of(serving.champion, words, serving.spec, serving.registry)
    return found if isinstance(found, Target) else None


def _abort(serving: Serving, memory: ModelDeploymentMemory, now: datetime) -> ModelDeploymentMemory:
    if memory.canary is None or pending(serving, "abort") != called_by(memory.canary):
        return memory
    return with_handled(leaving(memory, "Aborted", Reason.RolloutAborted, "a person aborted it", now), "abort", serving.abort, now)


def _expire(serving: Serving, memory: ModelDeploymentMemory, now: datetime) -> ModelDeploymentMemory:
    if memory.canary is None or now < expires_at(serving, memory.canary, now):
        return memory
    limit = format_duration(serving.spec.rollout.deadline or DEADLINE)
    lacking = "not decided" if memory.canary.sequence else "its pods were not ready"
    return leaving(memory, "RolledBack", Reason.DeadlineExceeded, f"{lacking} within {limit}", now)


def expires_at(serving: Serving, canary: Canary, now: datetime) -> datetime:
    """When a revision that is not ready by then is given up."""
    return (canary.started_at or now) + (serving.spec.rollout.deadline or DEADLINE)


def _arrive(serving: Serving, memory: ModelDeploymentMemory, now: datetime) -> ModelDeploymentMemory:
    """The revision that came is ready: it is the stable one from now on."""
    canary, fleet = memory.canary, serving.fleet(memory.canary)
    wanted = size(serving)
    if canary is None or canary.stage != "TakingOver" or memory.stable is None or fleet is None or not (fleet.full(wanted) or wanted == 0):
        return memory
    arrived = Revision(**{name: getattr(canary, name) for name in Revision.model_fields}).model_copy(update={"since": now})
    return _superseded(memory, arrived, now)


def _come(serving: Serving, memory: ModelDeploymentMemory, now: datetime) -> ModelDeploymentMemory:
    """Begin, replace or stop bringing up the revision that spec asks for."""
    target, stable, canary = serving.target, memory.stable, memory.canary
    if isinstance(target, Unresolved) or stable is None or (canary and canary.stage == "Leaving"):
        return memory
    if canary and canary.revision == target.revision:
        return _let_through(serving, memory, target, now)
    if canary and promised(memory, canary):
        return memory
    if canary and canary.sequence:
        return leaving(memory, "Superseded", Reason.RolloutSuperseded, f"{target.words} is wanted instead", now)
    if target.revision == stable.revision:
        return memory.model_copy(update={"canary": None}) if canary else memory
    if barred(serving, memory, target):
        return memory
    coming, proves = remembered(target), _proves_itself(serving, memory, target)
    if _commanded(serving, target):
        memory = _promise(serving, memory, coming, now)
    if _in_place(serving, stable):
        return _superseded(memory, coming, now)
    stage = "Preparing" if proves else "TakingOver"
    return memory.model_copy(update={"canary": Canary.model_validate({**coming.model_dump(), "stage": stage, "started_at": now})})


def _let_through(serving: Serving, memory: ModelDeploymentMemory, target: Target, now: datetime) -> ModelDeploymentMemory:
    """A person spares a version that is proving itself the rest."""
    canary = memory.canary
    assert canary is not None
    if not _commanded(serving, target):
        return memory
    return _promise(serving, memory.model_copy(update={"canary": canary.model_copy(update={"stage": "TakingOver"})}), canary, now)


def _in_place(serving: Serving, stable: Revision) -> bool:
    """Whether the stable revision may be given up at once: as spec says, or because it never served. A champion is not given up like that."""
    return serving.spec.rollout.strategy == "Replace" or (stable.since is None and serving.champion is None)


def _promise(serving: Serving, memory: ModelDeploymentMemory, coming: Revision, now: datetime) -> ModelDeploymentMemory:
    """A person let the version take over: noted as handled before it has any effect. The alias follows once the version serves."""
    return promise(serving, with_handled(memory, "promote", serving.promote, now), coming, "command promote", now)


def _superseded(memory: ModelDeploymentMemory, by: Revision, now: datetime) -> ModelDeploymentMemory:
    """Another revision is the stable one; the former is kept for a quick way back if it ever served."""
    former = [memory.stable] if memory.stable and memory.stable.since else []
    previous = [revision for revision in (*memory.previous, *former) if revision.revision != by.revision]
    entry = HistoryEntry(version=called_by(by), outcome="Serving", why="took over", when=now)
    return memory.model_copy(update={"stable": by, "canary": None, "previous": tuple(previous), "history": (*memory.history, entry)})


def _same_model(stable: Revision, target: Target) -> bool:
    return (stable.model or "", stable.version or "") == (target.model, target.version) if target.version else stable.uri == target.uri


def kept(memory: ModelDeploymentMemory, keep: int) -> Sequence[Revision]:
    """The former revisions that are kept, without pods: the last ones."""
    return memory.previous[-keep:] if keep else ()
