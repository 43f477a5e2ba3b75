"""The exact tests agree with SciPy, which is not part of what we ship."""

import pytest
from scipy import stats

from treadle.serving.judgement.exact import binomial_at_least, fisher_greater, lower_bound

TABLES = [
    (5, 1000, 1, 1000),
    (50, 1000, 10, 1000),
    (3, 20, 0, 180),
    (0, 50, 0, 50),
    (300, 300, 1, 300),
    (40, 1000, 38, 900),
    (700, 20_000, 500, 20_000),
]


@pytest.mark.parametrize(("hits", "trials", "other_hits", "other_trials"), TABLES)
def test_fishers_test(hits: int, trials: int, other_hits: int, other_trials: int) -> None:
    table = [[hits, trials - hits], [other_hits, other_trials - other_hits]]
    expected = stats.fisher_exact(table, alternative="greater").pvalue
    assert fisher_greater(hits, trials, other_hits, other_trials) == pytest.approx(expected, rel=1e-7, abs=1e-15)


@pytest.mark.parametrize(("hits", "trials"), [(0, 30), (1, 30), (29, 30), (30, 30), (12, 1000), (9_500, 10_000)])
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_the_lower_bound_is_clopper_and_pearsons(hits: int, trials: int, alpha: float) -> None:
    expected = stats.binomtest(hits, trials).proportion_ci(1 - 2 * alpha, method="exact").low
    assert lower_bound(hits, trials, alpha) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("hits", "trials", "rate"), [(0, 10, 0.3), (3, 10, 0.3), (950, 1000, 0.95), (990, 1000, 0.95), (1, 5, 0.0), (5, 5, 1.0)])
def test_the_binomial_tail(hits: int, trials: int, rate: float) -> None:
    assert binomial_at_least(hits, trials, rate) == pytest.approx(float(stats.binom.sf(hits - 1, trials, rate)), abs=1e-12)
