"""What users write about a ModelDeployment's rollout."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from treadle.api.base import Atomic, Cel, Duration, Fraction, Model, exactly_one, needs


class RolloutStep(Model):
    """One step of a canary: a shadow that answers nobody, or a share of the traffic."""

    rules: ClassVar[tuple[Cel, ...]] = (exactly_one("shadow", "weight"), needs("hold", "weight"))

    shadow: Duration | None = None
    """For so long the new version gets copies of requests, and its answers are only compared."""
    weight: Annotated[int, Field(ge=1, le=100)] | None = None
    """Percent of the traffic that the new version answers. 100, as the last step: it takes over there, since nothing is left to compare it with."""
    hold: Duration | None = None
    """So long at this weight before it is judged; not at weight 100. Silent: until there are enough samples."""


Steps = Annotated[
    tuple[RolloutStep, ...],
    Field(max_length=10),
    Atomic(),
    Cel(
        "self.all(i, s, !has(s.weight) || self.all(j, t, j <= i || !has(t.weight) || t.weight > s.weight))",
        "order the steps by growing weight",
    ),
    Cel(
        "self.all(i, s, !has(s.weight) || s.weight < 100 || (i > 0 && i == self.size() - 1))",
        "make the step of weight 100 the last one, after at least one other: there the new version takes over, with nothing left to compare it with",
    ),
]


class Analysis(Model):
    """What the new version must show on live traffic, beside the stable one at the same time."""

    min_samples: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Fewer requests than this prove nothing. Silent: 200."""
    max_error_rate: Fraction | None = None
    """Highest share of failed requests. Silent: not significantly above the stable version's."""
    max_latency_p95: Duration | None = Field(default=None, alias="maxLatencyP95")
    """Longest time within which 95 % of the answers come. Silent: not surely longer than 1.25 times the stable version's."""
    min_agreement: Fraction | None = None
    """Lowest share of shadowed requests answered as the stable version does; judged in shadow steps. Silent: not judged."""
    on_inconclusive: Literal["Hold", "Rollback"] = "Hold"
    """When a step has too little evidence at its end: wait for more up to the deadline, or give the new version up."""


class Rollout(Model):
    """How a new version takes over."""

    rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "self.strategy != 'Replace' || (!has(self.steps) && !has(self.analysis))",
            "remove steps and analysis, or set strategy: Canary: Replace judges nothing",
        ),
        Cel(
            "!has(self.analysis) || !has(self.analysis.minAgreement) || !has(self.steps) || self.steps.exists(s, has(s.shadow))",
            "add a shadow step: minAgreement compares the answers that both versions give to the same requests",
        ),
    )

    strategy: Literal["Canary", "Replace"] = "Canary"
    """Canary proves a new version beside the old one; Replace exchanges it in place, for scarce GPUs."""
    steps: Steps | None = None
    """Steps of the canary. Silent: shadow 5m, then weights 10 and 50, 5m and 10m each."""
    analysis: Analysis = Analysis()
    """What the new version must show. Silent: 200 samples, errors not above the stable version's."""
    deadline: Duration | None = None
    """A rollout that is not decided by then is rolled back. Silent: 24h."""
    traffic: Literal["Runtime", "Gateway"] = "Runtime"
    """Who divides the traffic: the serving pods themselves, or a Gateway."""
    keep_revisions: Annotated[int, Field(ge=0, le=10)] = 1
    """So many former revisions are kept at no replicas, for a quick way back."""


__all__ = ["Analysis", "Rollout", "RolloutStep", "Steps"]
