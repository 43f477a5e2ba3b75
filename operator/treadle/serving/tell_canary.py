"""What people are told of a version that comes: RolloutProgressing, while there is one."""

from datetime import datetime, timedelta

from treadle.api import ModelDeploymentMemory
from treadle.api.base import format_duration
from treadle.api.deployment_status import Canary, Ending
from treadle.api.reasons import Reason
from treadle.plan import Plan, say
from treadle.serving.canary import where
from treadle.serving.gateway import followed_at
from treadle.serving.look import evidence_for
from treadle.serving.observe import Serving
from treadle.serving.rollout import expires_at
from treadle.serving.scale import size
from treadle.serving.steps import canary_size, step_ends_at

PATIENCE = timedelta(minutes=10)
"""So long a new version's pods may wait for a node before a person is called. The stable version goes on, whatever comes of it."""


def tell_canary(serving: Serving, memory: ModelDeploymentMemory, canary: Canary, coming: str, stable: str, now: datetime) -> Plan:
    """The condition for a version that comes beside the stable one; both are given as people call them."""
    wake_at = expires_at(serving, canary, now)
    match canary.stage:
        case "Judging":
            ends = step_ends_at(serving, canary, now)
            words = f"{coming} at {where(serving, memory)} beside {stable}: {_so_far(serving, canary)}"
            return say("RolloutProgressing", True, Reason.CanaryJudging, words, wake_at=min(wake_at, ends) if ends > now else wake_at)
        case "Leaving":
            why = canary.ending or Ending(outcome="RolledBack", reason=str(Reason.RollingOut))
            wake_at = followed_at(serving, why.decided_at or now, now) or wake_at
            words = f"{coming} was given up: {why.message}; its traffic goes back"
            return say("RolloutProgressing", True, Reason.__members__.get(why.reason, Reason.RollingOut), words, wake_at=wake_at)
    preparing = canary.stage == "Preparing"
    fleet, wanted = serving.fleet(canary), canary_size(serving, canary) if preparing else size(serving)
    begun = f"comes up for {where(serving, memory)}" if preparing else "comes up"
    words = f"{coming} {begun} beside {stable}: {fleet.ready if fleet else 0} of {wanted} pods are ready"
    if fleet and fleet.obstacle:
        kept = fleet.obstacle
        if kept.since and kept.reason is Reason.Unschedulable:
            if now >= kept.since + PATIENCE:
                words = f"{words}; for {format_duration(PATIENCE)} and longer: {kept.message}"
                return say("RolloutProgressing", True, Reason.CanaryUnschedulable, words, stalled=True, wake_at=wake_at)
            wake_at = min(wake_at, kept.since + PATIENCE)
        return say("RolloutProgressing", True, kept.reason, f"{words}; {kept.message}", stalled=kept.stalled, wake_at=wake_at)
    if preparing and serving.reports.silent:
        words = f"{words}; {'; '.join(serving.reports.silent.values())}"
    return say("RolloutProgressing", True, Reason.CanaryPreparing if preparing else Reason.RollingOut, words, wake_at=wake_at)


def _so_far(serving: Serving, canary: Canary) -> str:
    """How far the step is, with the numbers of the last look if there was one."""
    if canary.step_started_at is None:
        silent = "; ".join(serving.reports.silent.values())
        return f"the stable pods are told ({silent})" if silent else "the stable pods are told"
    evidence = evidence_for(serving, canary)
    counted = f"{evidence.canary.requests} requests, the stable version {evidence.stable.requests}"
    return f"{counted}; {canary.verdict}" if canary.verdict else counted
