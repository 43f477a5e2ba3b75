"""The verdict on one step: Passed, Failed or Inconclusive, always with the numbers that it rests on.

Every test is one-sided and asks whether the new version is *surely* worse; each gets an equal part of the step's error probability (Bonferroni), so
that an equally good version fails with at most that probability. Missing data never counts as success.
"""

from dataclasses import dataclass
from enum import Enum

from treadle.api.base import format_duration
from treadle.api.rollout import Analysis
from treadle.serving.judgement.evidence import Evidence
from treadle.serving.judgement.exact import fisher_greater, lower_bound

MIN_SAMPLES = 200
SLOWER = 1.25
"""Without `maxLatencyP95`, a version fails whose p95 is surely longer than the stable one's by this factor."""
P95 = 0.95
UNREACHED = 0.25
"""Where a larger share of the requests does not come through, pods were taken away just then, or they do not stay up: more evidence will tell."""
LABELS = 30
"""Answers with a known true label that both sides need before their accuracy is compared."""


class Outcome(Enum):
    """What the evidence says."""

    PASSED = "Passed"
    FAILED = "Failed"
    INCONCLUSIVE = "Inconclusive"


@dataclass(frozen=True)
class Verdict:
    """An outcome, and the sentence that people read."""

    outcome: Outcome
    words: str


@dataclass(frozen=True)
class Demands:
    """What a step asks of the new version.

    Attributes:
        analysis: what the user wrote.
        shadow: whether answers were compared, so that `minAgreement` applies.
        alpha: probability with which an equally good version may fail this judgement.
    """

    analysis: Analysis
    shadow: bool
    alpha: float

    @property
    def min_samples(self) -> int:
        """Requests that each side must have answered."""
        return self.analysis.min_samples or MIN_SAMPLES


@dataclass(frozen=True)
class _Finding:
    """What one test says."""

    outcome: Outcome
    words: str


def judge(evidence: Evidence, demands: Demands) -> Verdict:
    """The verdict: one surely failed test fails, one open test leaves it open, otherwise it passes."""
    if evidence.unreached >= demands.min_samples and evidence.unreached > evidence.canary.requests:
        return Verdict(Outcome.FAILED, f"{evidence.unreached} requests did not reach it, {evidence.canary.requests} did")
    if evidence.samples < demands.min_samples:
        return Verdict(Outcome.INCONCLUSIVE, f"{evidence.samples} of {demands.min_samples} requests")
    tests = [_errors, _latency, *([_agreement] if demands.shadow and demands.analysis.min_agreement is not None else [])]
    if min(evidence.canary.labelled, evidence.stable.labelled) >= LABELS:
        tests.append(_accuracy)
    alpha = demands.alpha / len(tests)
    findings = [*(test(evidence, demands, alpha) for test in tests), *_reach(evidence)]
    worst = next((o for o in (Outcome.FAILED, Outcome.INCONCLUSIVE) if any(f.outcome is o for f in findings)), Outcome.PASSED)
    told = [finding.words for finding in findings if finding.outcome is worst] if worst is not Outcome.PASSED else [f.words for f in findings]
    return Verdict(worst, f"{evidence.canary.requests} requests: {'; '.join([*told, *_unjudged(evidence, demands)])}")


def _reach(evidence: Evidence) -> list[_Finding]:
    """Open where many requests did not come through: whose fault that was nobody can tell, so that it fails no version, but proves none either."""
    sent = evidence.unreached + evidence.canary.requests
    if evidence.unreached <= UNREACHED * sent:
        return []
    return [_Finding(Outcome.INCONCLUSIVE, f"{evidence.unreached} of {sent} requests did not reach it")]


def _unjudged(evidence: Evidence, demands: Demands) -> list[str]:
    """What is told although nobody asked for it to be judged: answers that differ may be why the new version was trained."""
    if not demands.shadow or demands.analysis.min_agreement is not None or not evidence.compared:
        return []
    return [f"agreement {_percent(evidence.agreed / evidence.compared)}, not judged without minAgreement"]


def _errors(evidence: Evidence, demands: Demands, alpha: float) -> _Finding:
    canary, stable, ceiling = evidence.canary, evidence.stable, demands.analysis.max_error_rate
    words = f"errors {_percent(canary.error_rate)} (stable {_percent(stable.error_rate)})"
    if canary.error_rate > stable.error_rate and fisher_greater(canary.errors, canary.requests, stable.errors, stable.requests) < alpha:
        return _Finding(Outcome.FAILED, f"{words}, surely more than the stable version's")
    if ceiling is None:
        return _Finding(Outcome.PASSED, words)
    if lower_bound(canary.errors, canary.requests, alpha) > float(ceiling):
        return _Finding(Outcome.FAILED, f"{words}, surely above maxErrorRate {ceiling}")
    open_ = canary.error_rate > float(ceiling)
    return _Finding(Outcome.INCONCLUSIVE if open_ else Outcome.PASSED, f"{words}, {'above' if open_ else 'within'} maxErrorRate {ceiling}")


def _latency(evidence: Evidence, demands: Demands, alpha: float) -> _Finding:
    low, high = evidence.canary.quantile_bounds(P95, alpha / 2)
    stable_low, stable_high = evidence.stable.quantile_bounds(P95, alpha / 2)
    words = f"p95 {_range(low, high)} (stable {_range(stable_low, stable_high)})"
    ceiling = demands.analysis.max_latency_p95
    if ceiling is None:
        slower = low > SLOWER * stable_high
        return _Finding(Outcome.FAILED if slower else Outcome.PASSED, f"{words}, surely {SLOWER:g} times slower" if slower else words)
    limit = ceiling.total_seconds()
    if low > limit:
        return _Finding(Outcome.FAILED, f"{words}, surely above maxLatencyP95 {format_duration(ceiling)}")
    middle = evidence.canary.quantile_bounds(P95, 0.5)[1]
    outcome = Outcome.PASSED if middle <= limit else Outcome.INCONCLUSIVE
    return _Finding(outcome, f"{words}, {'within' if outcome is Outcome.PASSED else 'near'} maxLatencyP95 {format_duration(ceiling)}")


def _agreement(evidence: Evidence, demands: Demands, alpha: float) -> _Finding:
    floor = demands.analysis.min_agreement
    assert floor is not None
    if evidence.compared < demands.min_samples:
        return _Finding(Outcome.INCONCLUSIVE, f"{evidence.compared} of {demands.min_samples} answers compared")
    share = evidence.agreed / evidence.compared
    words = f"agreement {_percent(share)}"
    differing = evidence.compared - evidence.agreed
    if lower_bound(differing, evidence.compared, alpha) > 1.0 - float(floor):
        return _Finding(Outcome.FAILED, f"{words}, surely below minAgreement {floor}")
    outcome = Outcome.PASSED if share >= float(floor) else Outcome.INCONCLUSIVE
    return _Finding(outcome, f"{words}, {'not ' if outcome is Outcome.PASSED else ''}below minAgreement {floor}")


def _accuracy(evidence: Evidence, demands: Demands, alpha: float) -> _Finding:
    canary, stable = evidence.canary, evidence.stable
    words = f"{_percent(canary.accuracy)} of {canary.labelled} answers right (stable {_percent(stable.accuracy)} of {stable.labelled})"
    if canary.accuracy < stable.accuracy and fisher_greater(canary.wrong, canary.labelled, stable.wrong, stable.labelled) < alpha:
        return _Finding(Outcome.FAILED, f"{words}, surely fewer than the stable version's")
    return _Finding(Outcome.PASSED, words)


def _percent(share: float) -> str:
    return f"{share:.2%}"


def _range(low: float, high: float) -> str:
    if high == float("inf"):
        return f"over {_seconds(low)}"
    return f"{_seconds(low)} to {_seconds(high)}"


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
