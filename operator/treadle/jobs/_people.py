"""How each person stands: measured by gold items, whose answers are known."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from statistics import fmean

from treadle.contracts.labels import Label
from treadle.contracts.quality import GoldPolicy
from treadle.jobs._given import Given, Identity
from treadle.statistics.shapes import Shape

ENOUGH = 5
"""Gold items that a person must have answered before they are judged by them: fewer say more about luck."""


@dataclass(frozen=True)
class Standing:
    """One person.

    Attributes:
        answers: valid ones, to items that are not gold.
        gold: gold items that they answered.
        gold_accuracy: how like the known answers theirs are on average, 0 to 1; None without any.
        below: they answered enough gold items, and miss the bound.
        excluded: their answers count for nothing.
        reliability: how likely an answer is right, where that was estimated.
    """

    answers: int
    gold: int
    gold_accuracy: float | None
    below: bool
    excluded: bool
    reliability: float | None = None

    def with_reliability(self, reliability: float | None) -> "Standing":
        """The same person, once the reliability is known."""
        return replace(self, reliability=reliability)


def standings(shape: Shape[Label], items: Sequence[Given], known: Mapping[Identity, Label], policy: GoldPolicy | None) -> dict[str, Standing]:
    """Everybody who answered anything, by name."""
    given: Counter[str] = Counter()
    scores: defaultdict[str, list[float]] = defaultdict(list)
    for item in items:
        right = known.get((item.key, item.sha256))
        for who in item.answers.people:
            given[who] += right is None
        if right is not None:
            for who, label in item.answers:
                scores[who].append(shape.similarity(label, right))
    return {who: _standing(given[who], scores[who], policy) for who in sorted(given)}


def _standing(answers: int, scores: Sequence[float], policy: GoldPolicy | None) -> Standing:
    accuracy = fmean(scores) if scores else None
    below = policy is not None and accuracy is not None and len(scores) >= ENOUGH and Decimal(repr(accuracy)) < Decimal(policy.minimum)
    return Standing(answers, len(scores), accuracy, below, excluded=below and policy is not None and policy.exclude)
