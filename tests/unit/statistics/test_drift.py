"""Drift statistics agree with SciPy, which the operator's image has not, and behave as effect sizes and p-values must."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from treadle.statistics.drift import chi_square, chi_square_tail, rank_sum, stability_index

COUNTS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=20)
TABLES = [([100, 200, 300], [90, 250, 260]), ([50] * 20, [50] * 20), ([500, 500], [100, 900]), ([1000, 10, 7], [900, 8, 40])]


@pytest.mark.parametrize(("reference", "window"), TABLES)
def test_chi_square(reference: list[int], window: list[int]) -> None:
    expected = stats.chi2_contingency([reference, window], correction=False).pvalue
    assert chi_square(reference, window) == pytest.approx(expected, rel=1e-9, abs=1e-290)


@pytest.mark.parametrize(("reference", "window"), TABLES)
def test_rank_sum(reference: list[int], window: list[int]) -> None:
    mine, theirs = np.repeat(range(len(reference)), reference), np.repeat(range(len(window)), window)
    expected = stats.mannwhitneyu(mine, theirs, method="asymptotic", use_continuity=False).pvalue
    assert rank_sum(reference, window) == pytest.approx(expected, rel=1e-9, abs=1e-290)


@pytest.mark.parametrize("freedom", [1, 2, 19, 101])
@pytest.mark.parametrize("statistic", [0.0, 0.1, 1.0, 20.0, 57.0, 300.0, 2000.0])
def test_the_tail_of_chi_square(freedom: int, statistic: float) -> None:
    assert chi_square_tail(statistic, freedom) == pytest.approx(float(stats.chi2.sf(statistic, freedom)), rel=1e-9, abs=1e-300)


@given(COUNTS)
def test_probabilities_are_probabilities_and_no_side_is_preferred(counts: list[tuple[int, int]]) -> None:
    reference, window = [a for a, _ in counts], [b for _, b in counts]
    for test in (chi_square, rank_sum):
        assert 0.0 <= test(reference, window) <= 1.0
        assert test(reference, window) == pytest.approx(test(window, reference), rel=1e-6, abs=1e-300)
    assert stability_index(reference, window) == pytest.approx(stability_index(window, reference))
    assert stability_index(reference, window) >= 0.0


@given(st.lists(st.integers(0, 500), min_size=1, max_size=20))
def test_equal_counts_are_no_drift(counts: list[int]) -> None:
    assert stability_index(counts, counts) == 0.0
    assert chi_square(counts, counts) == pytest.approx(1.0)
    assert rank_sum(counts, counts) == pytest.approx(1.0)


def test_a_shift_by_d_deviations_has_an_index_of_about_d_squared() -> None:
    edges = stats.norm.ppf(np.arange(1, 20) / 20)
    shifted = np.diff(stats.norm.cdf(np.concatenate([[-math.inf], edges, [math.inf]]), 0.3) * 1_000_000).astype(int)
    assert stability_index([50_000] * 20, shifted.tolist()) == pytest.approx(0.09, rel=0.05)


def test_bins_that_hold_next_to_nothing_are_pooled() -> None:
    assert chi_square([500, 500, 0, 0], [499, 498, 2, 1]) > 0.5
    assert chi_square([3, 0], [0, 2]) == 1.0
