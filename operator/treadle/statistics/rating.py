"""How well ratings match the true ones: near is better than far."""

import math
from collections.abc import Sequence

from treadle.contracts.labels import Rating
from treadle.statistics.classification import Confusion


def rating_metrics(truths: Sequence[Rating], answers: Sequence[Rating]) -> dict[str, float]:
    """`accuracy`, `f1` and so on as of classes; `mae`, the mean number of steps that the answer is off; `kappa`, Cohen's with quadratic weights.

    `kappa` is 1 for perfect answers and 0 for what chance gives; NaN when all truths and answers are one and the same step.

    Raises:
        ValueError: when there are not as many answers as truths.
    """
    metrics = Confusion.of([truth.label for truth in truths], [answer.label for answer in answers]).metrics()
    if not truths:
        return metrics | {"mae": math.nan, "kappa": math.nan}
    real, told = [truth.step for truth in truths], [answer.step for answer in answers]
    off = [abs(one - other) for one, other in zip(real, told, strict=True)]
    # The mean square of the difference of every truth and every answer, times their number: from sums, not from pairs.
    by_chance = sum(step**2 for step in (*real, *told)) - 2 * sum(real) * sum(told) / len(real)
    kappa = 1 - sum(steps**2 for steps in off) / by_chance if by_chance else math.nan
    return metrics | {"mae": sum(off) / len(off), "kappa": kappa}
