"""Ratings: places on a scale. Near ones are more alike than far ones, and the one in the middle decides."""

from collections.abc import Sequence

from treadle.contracts.labels import Rating
from treadle.statistics.agreement import krippendorff_alpha, percent_agreement
from treadle.statistics.ordinal import interval_alpha, ordinal_alpha
from treadle.statistics.shapes._shape import Agreement, Consensus, Shape
from treadle.statistics.shapes.counting import counts


def similarity(one: Rating, other: Rating) -> float:
    """1 for the same step, a half for the next one, and so on: 1 / (1 + steps between them)."""
    return 1 / (1 + abs(one.step - other.step))


def median(answers: Sequence[Rating]) -> Consensus[Rating] | None:
    """The step in the middle of all. None: two different ones are in the middle, or there is no answer at all."""
    if not answers:
        return None
    in_order = sorted(answers, key=lambda answer: answer.step)
    low, high = in_order[(len(in_order) - 1) // 2], in_order[len(in_order) // 2]
    if low.step != high.step:
        return None
    return Consensus(low, sum(similarity(answer, low) for answer in answers) / len(answers))


def agreement(items: Sequence[Sequence[Rating]], names: Sequence[str]) -> Agreement:
    """Krippendorff's ordinal alpha; beside it the interval one, and the nominal one, for which any two steps differ alike. They are of the scale as a
    whole: single steps have none.
    """
    table = counts([[answer.label for answer in answers] for answers in items], names)
    beside = {"PercentAgreement": percent_agreement(table), "IntervalAlpha": interval_alpha(table), "NominalAlpha": krippendorff_alpha(table)}
    return Agreement(ordinal_alpha(table), dict.fromkeys(names), beside)


RATINGS = Shape(similarity=similarity, consensus=median, agreement=agreement, category=lambda rating: rating.label, ordered=True)
