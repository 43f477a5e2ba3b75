"""A version proves itself beside the stable one, step by step: its pods come up, it gets a share of the traffic or copies of it, it is judged.

Each decision is remembered in status before anything follows from it. A version that is given up leaves in the same order: first its traffic goes
back, then its pods go.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from treadle.api import ModelDeploymentMemory
from treadle.api.deployment_status import Canary, Ending, HistoryEntry, RefusedVersion, Revision
from treadle.api.reasons import Reason
from treadle.contracts.traffic import EXPIRY_SECONDS
from treadle.serving.gateway import followed, settled
from treadle.serving.judgement import Outcome
from treadle.serving.look import Look, look_at
from treadle.serving.observe import Serving, by_gateway
from treadle.serving.promise import promise
from treadle.serving.steps import EVERYTHING, canary_size, step_of, steps_of

EXPIRY = timedelta(seconds=EXPIRY_SECONDS)


def advance(serving: Serving, memory: ModelDeploymentMemory, now: datetime) -> ModelDeploymentMemory:
    """The next decision about the canary, if there is one to take."""
    canary = memory.canary
    match canary.stage if canary else None:
        case "Preparing":
            return _prepared(serving, memory, now)
        case "Judging":
            return _judged(serving, memory, now)
        case "Leaving":
            return _left(serving, memory, now)
    return memory


def leaving(
    memory: ModelDeploymentMemory, outcome: Literal["RolledBack", "Aborted", "Superseded"], reason: Reason, message: str, now: datetime
) -> ModelDeploymentMemory:
    """Give the canary up: without traffic it goes at once, otherwise its traffic goes back first."""
    canary = memory.canary
    assert canary is not None
    if canary.stage == "Leaving":
        return memory
    ending = Ending(outcome=outcome, reason=str(reason), message=message, decided_at=now)
    if not canary.sequence:
        return gone(memory, ending, now)
    changes = {"stage": "Leaving", "ending": ending, "weight": 0, "shadow": 0, "sequence": canary.sequence + 1}
    return _with(memory, changes)


def gone(memory: ModelDeploymentMemory, ending: Ending, now: datetime) -> ModelDeploymentMemory:
    """The canary is no more. Unless another one simply came first, its version is not tried again by itself."""
    canary = memory.canary
    assert canary is not None
    same = memory.stable is not None and memory.stable.version == canary.version
    name = canary.revision if same else called_by(canary)
    entry = HistoryEntry(version=name, outcome=ending.outcome, why=ending.message, when=now)
    promotion = None if promised(memory, canary) else memory.promotion
    changes: dict[str, object] = {"canary": None, "promotion": promotion, "history": (*memory.history, entry)}
    if ending.outcome != "Superseded":
        refused = RefusedVersion(version=name, reason=ending.reason, message=ending.message, at=now)
        changes["refused"] = (*(other for other in memory.refused if other.version != name), refused)
    return memory.model_copy(update=changes)


def promised(memory: ModelDeploymentMemory, canary: Canary) -> bool:
    """Whether the alias waits for this version to serve."""
    return memory.promotion is not None and not memory.promotion.moved and memory.promotion.version == canary.version


def called_by(revision: Revision) -> str:
    """What commands and history call a revision: its version, where it has one."""
    return revision.version or revision.revision


def _prepared(serving: Serving, memory: ModelDeploymentMemory, now: datetime) -> ModelDeploymentMemory:
    """Once its pods for the step are ready, the canary gets the step's traffic."""
    canary, fleet = memory.canary, serving.fleet(memory.canary)
    assert canary is not None
    if fleet is None or not fleet.full(canary_size(serving, canary)) or serving.reports.silent or not serving.reports.states:
        return memory
    if memory.stable and memory.stable.since and not followed(serving, memory.stable.since, now):
        return memory  # a Gateway may still send the share of the version that took over to the canary's Service
    step = step_of(serving, canary)
    given = {"weight": step.weight or 0, "shadow": EVERYTHING if step.shadow else 0, "sequence": _next(serving, canary)}
    return _with(memory, {"stage": "Judging", "step_started_at": None, "looks": 0, "judged_at": None, "verdict": "", **given})


def _judged(serving: Serving, memory: ModelDeploymentMemory, now: datetime) -> ModelDeploymentMemory:
    """Begin to count once every stable pod obeys, then look at the evidence when it is time."""
    canary = memory.canary
    assert canary is not None
    if _newest(serving) > canary.sequence:  # a pod has seen an order that status does not remember
        return _with(memory, {"sequence": _next(serving, canary), "step_started_at": None, "looks": 0, "judged_at": None})
    if canary.step_started_at is None:
        return _with(memory, {"step_started_at": now}) if _obeyed(serving, canary) else memory
    look = look_at(serving, canary, now)
    if look is None:
        return memory
    if look.counts:
        seen: dict[str, object] = {"looks": canary.looks + 1, "verdict": f"{look.verdict.outcome.value}: {look.verdict.words}"}
        memory = _with(memory, seen | ({"judged_at": now} if look.ended else {}))
    return _concluded(serving, memory, look, now)


def _concluded(serving: Serving, memory: ModelDeploymentMemory, look: Look, now: datetime) -> ModelDeploymentMemory:
    words = f"{where(serving, memory)}: {look.verdict.words}"
    match look.verdict.outcome:
        case Outcome.FAILED:
            return leaving(memory, "RolledBack", Reason.AnalysisFailed, words, now)
        case Outcome.PASSED if look.ended:
            return _next_step(serving, memory, now)
        case Outcome.INCONCLUSIVE if look.ended and serving.spec.rollout.analysis.on_inconclusive == "Rollback":
            return leaving(memory, "RolledBack", Reason.AnalysisInconclusive, words, now)
    return memory


def _next_step(serving: Serving, memory: ModelDeploymentMemory, now: datetime) -> ModelDeploymentMemory:
    """On to the next step; after the last one the version takes over, and has earned the alias."""
    canary = memory.canary
    assert canary is not None
    if canary.step + 1 < len(steps_of(serving)):
        return _with(memory, {"step": canary.step + 1, "stage": "Preparing"})
    proof = f"{len(steps_of(serving))} steps passed; {where(serving, memory)}: {canary.verdict}"
    return promise(serving, _with(memory, {"stage": "TakingOver"}), canary, proof, now)


def _left(serving: Serving, memory: ModelDeploymentMemory, now: datetime) -> ModelDeploymentMemory:
    """Its pods may go once every stable pod, and the Gateway if there is one, has taken its traffic back, or no longer knows of it."""
    canary = memory.canary
    assert canary is not None
    assert canary.ending is not None
    if _newest(serving) > canary.sequence:
        return _with(memory, {"sequence": _next(serving, canary)})
    decided_at = canary.ending.decided_at or now
    back = serving.reports.obeyed(canary.sequence) and followed(serving, decided_at, now)
    if back or now >= decided_at + EXPIRY:
        return gone(memory, canary.ending, now)
    return memory


def where(serving: Serving, memory: ModelDeploymentMemory) -> str:
    """The step as people call it, e.g. `step 2 of 3 (10 % of the traffic)`."""
    canary = memory.canary
    assert canary is not None
    step = step_of(serving, canary)
    share = f"{step.weight} % of the traffic" if step.weight else "copies of the traffic"
    return f"step {min(canary.step + 1, len(steps_of(serving)))} of {len(steps_of(serving))} ({share})"


def _next(serving: Serving, canary: Canary) -> int:
    """The number of the next order: above all that a pod has seen."""
    return max(_newest(serving), canary.sequence) + 1


def _newest(serving: Serving) -> int:
    return max(serving.reports.newest, serving.canary_reports.newest)


def _obeyed(serving: Serving, canary: Canary) -> bool:
    """Whether all carry out the order who have to: the stable pods; where a Gateway divides the traffic also the Gateway, and the canary's pods."""
    if not serving.reports.obeyed(canary.sequence) or not settled(serving):
        return False
    return not by_gateway(serving.spec) or not canary.weight or serving.canary_reports.obeyed(canary.sequence)


def _with(memory: ModelDeploymentMemory, changes: Mapping[str, object]) -> ModelDeploymentMemory:
    assert memory.canary is not None
    return memory.model_copy(update={"canary": memory.canary.model_copy(update=dict(changes))})
