"""One look at the evidence of a step, if it is time for one."""

from dataclasses import dataclass
from datetime import datetime

from treadle.api.deployment_status import Canary
from treadle.serving.judgement import Demands, Evidence, Outcome, Verdict, judge
from treadle.serving.judgement.looks import alpha_at_end, alpha_of_look, due
from treadle.serving.observe import Serving
from treadle.serving.steps import lasts, step_ends_at, step_of, steps_of


@dataclass(frozen=True)
class Look:
    """What a look said.

    Attributes:
        ended: the step has lasted long enough, so that a version which passes goes on.
        counts: whether it spent some of the error probability; one that found too little evidence has not.
    """

    verdict: Verdict
    ended: bool
    counts: bool = True


def evidence_for(serving: Serving, canary: Canary) -> Evidence:
    """What was counted in this step."""
    return Evidence.of(serving.reports.under(canary.sequence), serving.canary_reports.under(canary.sequence))


def look_at(serving: Serving, canary: Canary, now: datetime) -> Look | None:
    """A look, when one is due: whenever the evidence has doubled, and once more at the end of the step. None when it is not."""
    evidence, analysis, steps = evidence_for(serving, canary), serving.spec.rollout.analysis, len(steps_of(serving))
    ended = now >= step_ends_at(serving, canary, now)
    at_end = ended and canary.judged_at is None
    alpha = alpha_at_end(steps) if at_end else alpha_of_look(canary.looks, steps)
    demands = Demands(analysis, shadow=bool(canary.shadow), alpha=alpha)
    if evidence.samples < demands.min_samples and evidence.unreached < demands.min_samples:
        limited = at_end and lasts(step_of(serving, canary)) is not None
        words = f"{evidence.samples} of {demands.min_samples} requests when the step ended"
        return Look(Verdict(Outcome.INCONCLUSIVE, words), ended, counts=False) if limited else None
    if not at_end and not due(max(evidence.samples, evidence.unreached), demands.min_samples, canary.looks):
        return None
    return Look(judge(evidence, demands), ended)
