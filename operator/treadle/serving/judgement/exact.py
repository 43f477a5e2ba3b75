"""Exact tests on counts. No approximation, so that they hold for three errors as well as for three thousand; no library, so that the operator's
image needs none.
"""

from collections.abc import Callable, Iterable
from math import exp, lgamma, log


def fisher_greater(hits: int, trials: int, other_hits: int, other_trials: int) -> float:
    """One-sided p-value of Fisher's exact test: how likely are `hits` or more of `trials`, if both sides have the same rate.

    Fisher, R. A. (1935), The Logic of Inductive Inference: given the margins, the number of hits on one side is hypergeometric.
    """
    total, population = hits + other_hits, trials + other_trials
    most = min(total, trials)
    whole = _log_choose(population, trials)
    return min(1.0, _sum_exp(_log_choose(total, k) + _log_choose(population - total, trials - k) - whole for k in range(hits, most + 1)))


def lower_bound(hits: int, trials: int, alpha: float) -> float:
    """The rate below which the true one lies with probability at most `alpha`: one-sided Clopper-Pearson bound (1934)."""
    if hits == 0:
        return 0.0
    return _solve(lambda rate: binomial_at_least(hits, trials, rate), alpha)


def binomial_at_least(hits: int, trials: int, rate: float) -> float:
    """Probability of `hits` or more in so many trials with this rate."""
    if hits <= 0:
        return 1.0
    if rate <= 0.0:
        return 0.0
    if rate >= 1.0:
        return 1.0
    success, failure = log(rate), log(1.0 - rate)
    if hits > trials * rate:
        return min(1.0, _sum_exp(_log_choose(trials, k) + k * success + (trials - k) * failure for k in range(hits, trials + 1)))
    return max(0.0, 1.0 - _sum_exp(_log_choose(trials, k) + k * success + (trials - k) * failure for k in range(hits - 1, -1, -1)))


def _log_choose(whole: int, part: int) -> float:
    if not 0 <= part <= whole:
        return float("-inf")
    return lgamma(whole + 1) - lgamma(part + 1) - lgamma(whole - part + 1)


NEGLIGIBLE = 40.0
"""Terms smaller than the largest by this many powers of e add nothing."""


def _sum_exp(terms: Iterable[float]) -> float:
    """Sum of exp(term) over terms that fall, or rise and then fall, leaving off the vanishing end."""
    total, largest = 0.0, float("-inf")
    for term in terms:
        largest = max(largest, term)
        if term < largest - NEGLIGIBLE and total > 0.0:
            break
        total += exp(term)
    return total


STEPS = 60


def _solve(probability: Callable[[float], float], wanted: float) -> float:
    """Where a probability that rises with the rate reaches `wanted`, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        if probability(middle) < wanted:
            low = middle
        else:
            high = middle
    return low
