"""Wilson's interval: published figures, and how often it holds the true rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from treadle.statistics.proportions import wilson_interval


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        # Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_intervals_are_found(hits: int, trials: int, low: float, high: float) -> None:
    assert wilson_interval(hits, trials) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert wilson_interval(trials - hits, trials) == (pytest.approx(1 - high, abs=5e-5), pytest.approx(1 - low, abs=5e-5))


@pytest.mark.parametrize("rate", [0.5, 0.9, 0.97])
@pytest.mark.parametrize("trials", [30, 200])
def test_it_holds_the_true_rate_about_as_often_as_it_says(rate: float, trials: int) -> None:
    drawn = np.random.default_rng(1).binomial(trials, rate, 4000)
    held = [low <= rate <= high for low, high in (wilson_interval(int(hits), trials) for hits in drawn)]
    assert 0.92 <= np.mean(held) <= 0.99


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_it_lies_around_what_was_seen_and_within_bounds(trials: int, share: float) -> None:
    hits = round(share * trials)
    low, high = wilson_interval(hits, trials)
    assert 0.0 <= low <= hits / trials <= high <= 1.0
    assert low < high


@given(st.integers(1, 5000), st.floats(0, 1))
def test_it_is_the_one_that_scipy_finds(trials: int, share: float) -> None:
    hits = round(share * trials)
    assert wilson_interval(hits, trials) == pytest.approx(tuple(binomtest(hits, trials).proportion_ci(method="wilson")), abs=1e-12)
