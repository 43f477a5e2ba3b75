"""One window against the reference: what is found, how seldom a clean window is called drifted, and what is told."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from treadle.contracts.sketch import CategorySketch, NumberSketch, Sketch
from treadle.serving.drift.compare import Outcome, compare
from treadle.statistics.sketches import counted, sketch_of

FEATURES = 50
REQUESTS = 1000
TRAINED_ON = 1000
"""The fewest that a reference is commonly made of: with more, more is found."""
EFFECT = 0.05
RANDOM = np.random.default_rng


def table(random: np.random.Generator, rows: int, shift: float = 0.0) -> dict[str, Any]:
    """Fifty normal features, the first of them shifted by so many standard deviations."""
    return {f"x{index}": random.normal(shift if index == 0 else 0.0, 1.0, rows) for index in range(FEATURES)}


def outcomes(windows: int, shift: float) -> list[Outcome]:
    """What is found in so many windows, each against a reference of its own."""
    found = []
    for seed in range(windows):
        random = RANDOM(seed)
        reference = sketch_of(TRAINED_ON, table(random, TRAINED_ON), {})
        window = counted(reference.emptied(), REQUESTS, table(random, REQUESTS, shift), {})
        found.append(compare(reference, window, EFFECT).outcome)
    return found


def test_a_shift_of_a_third_of_a_deviation_in_one_of_fifty_features_is_found() -> None:
    assert outcomes(100, 0.3).count(Outcome.DRIFTED) >= 95


def test_clean_windows_raise_no_alarm() -> None:
    assert outcomes(100, 0.0).count(Outcome.DRIFTED) <= 1


def test_a_wider_spread_without_a_shift_is_found_too() -> None:
    random = RANDOM(1)
    reference = sketch_of(5000, {"x": random.normal(size=5000)}, {})
    window = counted(reference.emptied(), 1000, {"x": random.normal(scale=1.5, size=1000)}, {})
    assert compare(reference, window, EFFECT).outcome is Outcome.DRIFTED


def test_a_new_category_missing_values_and_other_answers_are_found_and_named() -> None:
    kinds = np.asarray(["a"] * 600 + ["b"] * 400, dtype=object)
    reference = sketch_of(1000, {"kind": kinds, "size": np.linspace(0, 1, 1000)}, {"label": kinds, "score": np.linspace(0.5, 1, 1000)})
    features = {"kind": np.asarray(["a"] * 500 + ["z"] * 200, dtype=object), "size": np.asarray([0.5, np.nan] * 350)}
    window = counted(reference.emptied(), 700, features, {"label": np.asarray(["a"] * 700, dtype=object)})
    found = compare(reference, window, EFFECT)
    assert found.outcome is Outcome.DRIFTED
    assert {shift.name for shift in found.shifts} == {"kind", "size", "answer label"}, "scores were not told, so that they are not judged"
    assert found.words.startswith("700 requests are unlike the reference: ")


def test_a_sure_difference_that_is_small_does_not_count() -> None:
    random = RANDOM(2)
    reference = sketch_of(100_000, {"x": random.normal(size=100_000)}, {})
    window = counted(reference.emptied(), 100_000, {"x": random.normal(0.05, 1.0, 100_000)}, {})
    assert compare(reference, window, EFFECT).outcome is Outcome.CALM
    assert compare(reference, window, 0.0).outcome is Outcome.DRIFTED


def test_a_large_difference_that_may_be_chance_decides_nothing() -> None:
    reference = sketch_of(1000, {"x": np.linspace(0, 1, 1000)}, {})
    window = counted(reference.emptied(), 200, {"x": np.linspace(0, 1, 200) ** 1.3}, {})
    assert compare(reference, window, EFFECT).outcome is Outcome.OPEN


def test_a_message_stays_short() -> None:
    names = [f"{index} {'long' * 100}" for index in range(200)]
    reference = sketch_of(1000, {name: np.linspace(0, 1, 1000) for name in names}, {})
    window = counted(reference.emptied(), 1000, {name: np.full(1000, 0.2) for name in names}, {})
    words = compare(reference, window, EFFECT).words
    assert words.endswith(" and 195 more")
    assert len(words.encode()) < 600


SKETCHES = st.one_of(
    st.lists(st.integers(0, 300), min_size=4, max_size=4).map(
        lambda counts: NumberSketch(edges=(1.0, 2.0), counts=tuple(counts[:3]), missing=counts[3])
    ),
    st.lists(st.integers(0, 300), min_size=4, max_size=4).map(
        lambda counts: CategorySketch(values=("a", "b"), counts=tuple(counts[:2]), other=counts[2], missing=counts[3])
    ),
)


@given(st.dictionaries(st.sampled_from("abc"), SKETCHES), st.dictionaries(st.sampled_from("abc"), SKETCHES), st.floats(0, 2))
def test_any_two_sketches_can_be_compared(mine: dict[str, Any], theirs: dict[str, Any], effect: float) -> None:
    reference, window = Sketch(items=10, features=mine, predictions=mine), Sketch(items=10, features=theirs, predictions=theirs)
    found = compare(reference, window, effect)
    assert all(0 <= shift.p_value <= 1 for shift in found.shifts)
    assert all(shift.effect >= effect for shift in found.shifts) or found.outcome is Outcome.CALM
    assert compare(reference, reference, effect).outcome is Outcome.CALM


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=4, max_size=4), st.integers(2, 5))
def test_the_same_shares_in_more_requests_are_never_less_sure(counts: list[tuple[int, int]], times: int) -> None:
    def sketch(numbers: list[int], factor: int) -> Sketch:
        told = tuple(number * factor for number in numbers)
        return Sketch(items=sum(told), features={"x": CategorySketch(values=("a", "b"), counts=told[:2], other=told[2], missing=told[3])})

    mine, theirs = [a + 10 for a, _ in counts], [b + 10 for _, b in counts]
    once = compare(sketch(mine, 1), sketch(theirs, 1), 0.0)
    often = compare(sketch(mine, times), sketch(theirs, times), 0.0)
    assert often.shifts[0].p_value <= once.shifts[0].p_value + 1e-9
