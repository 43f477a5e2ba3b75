"""Promotion: the alias of `promoteTo` is moved to the stable version once there is evidence, and only forward.

Decided first, remembered, then carried out. With no champion to compare with, the evidence is: the training gates passed, every pod is ready, and
none answered the smoke example otherwise than when the model was evaluated (such a pod is not ready). Otherwise a person decides, with the command
`promote`.
"""

from datetime import datetime

from treadle.api import ModelDeploymentMemory
from treadle.api.deployment_status import HistoryEntry, Promotion, Revision
from treadle.api.reasons import Reason
from treadle.connections.installation import Granted
from treadle.connections.registry import GATES_TAG, EnsureAlias, ModelVersion, TagModelVersion
from treadle.connections.tracking import tags
from treadle.plan import Plan, Unavailable, do, say
from treadle.serving.commands import pending, with_handled
from treadle.serving.observe import Serving
from treadle.serving.promise import ROLLED_BACK, ROLLOUT_TAG, forward
from treadle.serving.scale import size
from treadle.serving.store import smoke_within
from treadle.serving.target import Target

PROMOTER_TAG = "treadle.promoter"
"""Tag of a model version: identity of the ModelDeployment that promoted it."""
SUFFICIENT = ("Passed", "None")
"""Values of the gates tag that speak for a version: its gates passed, or its run was to have none."""


def decide_promotion(serving: Serving, memory: ModelDeploymentMemory, now: datetime) -> ModelDeploymentMemory:
    """What status is to remember of promotion now."""
    alias, stable, champion = serving.spec.model.promotion_alias, memory.stable, serving.champion
    if serving.spec.suspend or not alias or stable is None or not stable.version or isinstance(champion, Unavailable):
        return memory
    if stable.model != serving.promotes:
        return memory
    if (promotion := memory.promotion) and not promotion.moved:
        if champion and champion.version == promotion.version:
            return _moved(memory, promotion, now)
        if not _overtaken(memory, promotion, alias, champion):
            return memory
        memory = memory.model_copy(update={"promotion": None})
    if champion and (champion.version == stable.version or not forward(stable.version, champion.version)):
        return memory
    commanded = pending(serving, "promote") == stable.version
    if not commanded and missing(serving, memory):
        return memory
    evidence = "command promote" if commanded else f"first version: gates {_gates(serving)}, every pod ready{_smoke(serving, stable)}"
    decided = Promotion(alias=alias, version=stable.version, replaces=champion.version if champion else None, evidence=evidence, decided_at=now)
    memory = memory.model_copy(update={"promotion": decided})
    return with_handled(memory, "promote", serving.promote, now) if commanded else memory


def _overtaken(memory: ModelDeploymentMemory, promotion: Promotion, alias: str, champion: ModelVersion | None) -> bool:
    """Whether a decision can never be carried out: the alias is not where it was, or the version is neither the stable one nor the one that comes."""
    coming = {revision.version for revision in (memory.stable, memory.canary) if revision}
    return promotion.alias != alias or promotion.replaces != (champion.version if champion else None) or promotion.version not in coming


def missing(serving: Serving, memory: ModelDeploymentMemory) -> tuple[Reason, str] | None:
    """What is missing before the stable version is promoted by itself; None when nothing is."""
    stable, alias = memory.stable, serving.spec.model.promotion_alias
    if serving.champion is not None:
        return Reason.AliasMoved, f"{alias} names another version; command promote moves it"
    if serving.spec.suspend:
        return Reason.Suspended, "spec.suspend is true: nothing is promoted"
    if serving.pin or (isinstance(serving.target, Target) and serving.target.pinned):
        return Reason.PromotionPending, "a pinned version is not promoted"
    fleet = serving.fleet(stable)
    if fleet is None or not fleet.full(size(serving)):
        return Reason.PromotionPending, "it waits until every pod is ready"
    if isinstance(serving.evidence, Unavailable):
        return serving.evidence.cause, serving.evidence.reason
    if isinstance(serving.evidence, ModelVersion) and serving.evidence.tags.get(ROLLOUT_TAG) == ROLLED_BACK:
        return Reason.AlreadyRefused, f"version {serving.evidence.version} was rolled back; command promote makes it the {alias} all the same"
    if _gates(serving) not in SUFFICIENT:
        version = stable.version if stable else ""
        return Reason.GatesNotPassed, f"version {version} has no gates that passed; command promote makes it the {alias} all the same"
    return None


def promote(serving: Serving) -> Plan:
    """Carry out a remembered promotion: first say on the version whose it is, then move the alias, from where it was when this was decided."""
    promotion, stable, champion = serving.memory.promotion, serving.memory.stable, serving.champion
    if promotion is None or promotion.moved or stable is None or stable.version != promotion.version or serving.spec.suspend:
        return Plan()
    if isinstance(champion, Unavailable) or not isinstance(serving.registry, Granted) or not serving.promotes or stable.model != serving.promotes:
        return Plan()
    fleet = serving.fleet(stable)
    if (champion.version if champion else None) != promotion.replaces or fleet is None or not fleet.full(size(serving)):
        return Plan()
    key, said = serving.registry.key, tags({PROMOTER_TAG: serving.owner.identity, ROLLOUT_TAG: "Promoted"})
    return do(
        TagModelVersion(connection=key, model=serving.promotes, version=promotion.version, tags=said),
        EnsureAlias(connection=key, model=serving.promotes, alias=promotion.alias, version=promotion.version, expected=promotion.replaces),
    )


def tell_promotion(serving: Serving, memory: ModelDeploymentMemory) -> Plan:
    """The condition Promoted, for a model whose versions are promoted at all."""
    alias, stable, champion = serving.spec.model.promotion_alias, memory.stable, serving.champion
    if not alias:
        return Plan()
    if stable is None:
        return say("Promoted", False, Reason.PromotionPending, "no version serves yet")
    if isinstance(champion, Unavailable):
        return say("Promoted", None, champion.cause, champion.reason, stalled=champion.stalled)
    if champion and (other := champion.tags.get(PROMOTER_TAG, serving.owner.identity)) != serving.owner.identity:
        return say(
            "Promoted",
            False,
            Reason.AliasOwned,
            f"{other} promotes {champion.model}@{alias}: set another spec.model.promoteTo, or give that one up",
            stalled=True,
        )
    if champion and champion.version == stable.version:
        return say("Promoted", True, Reason.PromotedToAlias, f"{champion.model}@{alias} is version {champion.version}, which serves")
    if isinstance(champion, ModelVersion):
        words = f"{champion.model}@{alias} is version {champion.version}, version {stable.version} serves"
        if stable.version and forward(stable.version, champion.version):
            words += "; command promote moves the alias"
        return say("Promoted", False, Reason.AliasMoved, words)
    lacking = missing(serving, memory)
    reason, message = lacking or (Reason.PromotionPending, f"version {stable.version} becomes the {alias}")
    return say("Promoted", False, reason, message)


def _gates(serving: Serving) -> str:
    return serving.evidence.tags.get(GATES_TAG, "") if isinstance(serving.evidence, ModelVersion) else ""


def _smoke(serving: Serving, stable: Revision) -> str:
    """What speaks for the version besides: the example of its evaluation, or why its pods were not asked it."""
    fleet = serving.fleet(stable)
    target = fleet.target if fleet else None
    if fleet is None or target is None or target.smoke is None or serving.spec.runtime.type == "Custom":
        return ""
    if smoke_within(target, serving.namespace, serving.installation) is None:
        return f", smoke example not asked: {target.smoke.uri} is out of reach of the keys that fetch the model"
    return f", smoke example not asked: {fleet.unasked}" if fleet.unasked else ", none answers the smoke example otherwise"


def _moved(memory: ModelDeploymentMemory, promotion: Promotion, now: datetime) -> ModelDeploymentMemory:
    entry = HistoryEntry(version=promotion.version, outcome="Promoted", why=promotion.evidence, when=now)
    done = promotion.model_copy(update={"moved": True})
    return memory.model_copy(update={"promotion": done, "history": (*memory.history, entry)})
