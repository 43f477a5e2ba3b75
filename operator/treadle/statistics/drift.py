"""How unlike two counts of the same bins are: effect sizes, and how surely it is not chance. No library: the operator's image has none.

An effect size says whether a difference matters, a p-value whether it is there at all. Both are needed: of a hundred thousand requests any difference
is significant, and of fifty any effect is large by chance.
"""

from collections.abc import Sequence
from itertools import accumulate
from math import erfc, exp, lgamma, log, sqrt

SMOOTHING = 0.5
"""Counts that each bin gets beside its own, so that an empty one has a share (Jeffreys' prior)."""
EXPECTED = 5.0
"""Bins are pooled until both sides are expected to have so many (Cochran, 1954, Some methods for strengthening the common chi-square tests)."""


def stability_index(reference: Sequence[int], window: Sequence[int]) -> float:
    """Population stability index: the sum of (p - q) ln(p / q) over the bins' shares.

    It is the Jeffreys divergence (Jeffreys, 1946), an index of credit scoring since Lewis (1992, An Introduction to Credit Scoring). A shift of a
    normal variable by d standard deviations gives about d squared; 0.1 is commonly called small and 0.25 large. Chance alone gives about
    (bins - 1) (1/n + 1/m) for n and m items (Yurdakul and Naranjo, 2020, Statistical properties of the population stability index).
    """
    mine, theirs = _shares(reference), _shares(window)
    return sum((p - q) * log(p / q) for q, p in zip(mine, theirs, strict=True))


def chi_square(reference: Sequence[int], window: Sequence[int]) -> float:
    """p-value of Pearson's chi-square test that both have the same distribution: sensitive to any difference, most to that in single bins.

    Neighbouring bins are pooled until both sides expect enough in each; with a single bin left nothing is said (1.0).
    """
    pooled = _pooled(reference, window)
    mine, theirs = sum(reference), sum(window)
    statistic = 0.0
    for a, b in pooled:
        expected, expected_theirs = (a + b) * mine / (mine + theirs), (a + b) * theirs / (mine + theirs)
        statistic += (a - expected) ** 2 / expected + (b - expected_theirs) ** 2 / expected_theirs
    return chi_square_tail(statistic, len(pooled) - 1) if len(pooled) > 1 else 1.0


def rank_sum(reference: Sequence[int], window: Sequence[int]) -> float:
    """Two-sided p-value of the rank-sum test for bins in order (Mann and Whitney, 1947), values in one bin being ties: sensitive to shifts.

    Normal approximation with the exact variance under ties; 1.0 where there is nothing to rank.
    """
    mine, theirs = sum(reference), sum(window)
    tied = [a + b for a, b in zip(reference, window, strict=True)]
    total = mine + theirs
    if not mine or not theirs:
        return 1.0
    ranks = [below - count / 2 for below, count in zip(accumulate(tied), tied, strict=True)]
    spread = sum(count * (rank - total / 2) ** 2 for count, rank in zip(tied, ranks, strict=True)) / total
    if spread == 0.0:
        return 1.0
    mean = sum(count * rank for count, rank in zip(window, ranks, strict=True)) / theirs
    deviations = (mean - total / 2) / sqrt(spread / theirs * mine / (total - 1))
    return erfc(abs(deviations) / sqrt(2))


def chi_square_tail(statistic: float, freedom: int) -> float:
    """Probability that a chi-square variable with so many degrees of freedom is above `statistic`: the upper incomplete gamma function.

    Series below the bend, Lentz's continued fraction above it (Press et al., Numerical Recipes, section 6.2).
    """
    shape, at = freedom / 2, statistic / 2
    if at <= 0.0:
        return 1.0
    scale = exp(shape * log(at) - at - lgamma(shape))
    return max(0.0, 1.0 - scale * _series(shape, at)) if at < shape + 1 else scale * _fraction(shape, at)


def _series(shape: float, at: float) -> float:
    term = total = 1.0 / shape
    step = shape
    while term > total * PRECISION:
        step += 1.0
        term *= at / step
        total += term
    return total


def _fraction(shape: float, at: float) -> float:
    b = at + 1.0 - shape
    c, d = 1.0 / TINY, 1.0 / b
    total = d
    for i in range(1, ROUNDS):
        a = -i * (i - shape)
        b += 2.0
        d = 1.0 / (a * d + b or TINY)
        c = b + a / c or TINY
        total *= c * d
        if abs(c * d - 1.0) < PRECISION:
            break
    return total


PRECISION = 1e-12
TINY = 1e-300
ROUNDS = 1000


def _shares(counts: Sequence[int]) -> list[float]:
    whole = sum(counts) + SMOOTHING * len(counts)
    return [(count + SMOOTHING) / whole for count in counts]


def _pooled(reference: Sequence[int], window: Sequence[int]) -> list[tuple[int, int]]:
    """Bins, each with its neighbours until both sides expect `EXPECTED` in it; what is left at the end joins the last one."""
    mine, theirs = sum(reference), sum(window)
    needed = EXPECTED * (mine + theirs) / min(mine, theirs) if mine and theirs else float("inf")
    pooled: list[tuple[int, int]] = []
    a = b = 0
    for ours, other in zip(reference, window, strict=True):
        a, b = a + ours, b + other
        if a + b >= needed:
            pooled.append((a, b))
            a = b = 0
    if pooled and (a or b):
        last = pooled.pop()
        pooled.append((last[0] + a, last[1] + b))
    return pooled


__all__ = ["chi_square", "chi_square_tail", "rank_sum", "stability_index"]
