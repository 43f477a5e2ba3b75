"""Sketches: what adds up exactly, and what goes into which bin."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.contracts.sketch import BINS_LIMIT, CATEGORIES_LIMIT, CategorySketch, DifferentBins, NumberSketch, Reference, Sketch
from treadle.statistics.sketches import counted, sketch_of

NUMBERS = st.lists(st.floats(width=32) | st.just(math.nan), max_size=60)
NAMES = st.lists(st.sampled_from(["a", "b", "c", None]), max_size=60)


def columns(numbers: list[float], names: list[str | None]) -> dict[str, np.ndarray]:
    return {"x": np.asarray(numbers, dtype=np.float64), "name": np.asarray(names, dtype=object)}


REFERENCE = sketch_of(
    1000,
    {"x": np.random.default_rng(1).normal(size=1000), "name": np.asarray(["a"] * 700 + ["b"] * 300, dtype=object)},
    {"score": np.linspace(0, 1, 1000)},
)


@given(NUMBERS, NAMES, NUMBERS, NAMES)
def test_what_two_pods_count_adds_up_to_what_one_would_have_counted(
    here: list[float], names_here: list[str | None], there: list[float], names_there: list[str | None]
) -> None:
    empty = REFERENCE.emptied()
    one = counted(empty, len(here), columns(here, names_here), {})
    other = counted(empty, len(there), columns(there, names_there), {})
    together = counted(empty, len(here) + len(there), columns(here + there, names_here + names_there), {})
    assert one.merged(other) == other.merged(one) == together


@given(NUMBERS, NAMES)
def test_every_value_is_in_exactly_one_bin(numbers: list[float], names: list[str | None]) -> None:
    found = counted(REFERENCE.emptied(), len(numbers), columns(numbers, names), {})
    assert sum(found.features["x"].all_counts()) == len(numbers)
    assert sum(found.features["name"].all_counts()) == len(names)


def test_a_reference_has_about_equal_shares_in_its_bins() -> None:
    x = REFERENCE.features["x"]
    assert isinstance(x, NumberSketch)
    assert len(x.counts) == BINS_LIMIT
    assert all(abs(count - 1000 / BINS_LIMIT) <= 1 for count in x.counts)


def test_few_different_numbers_have_a_bin_each() -> None:
    found = sketch_of(5, {"x": np.asarray([1.0, 1.0, 2.0, 7.0, math.nan])}, {}).features["x"]
    assert found == NumberSketch(edges=(1.5, 4.5), counts=(2, 1, 1), missing=1)


def test_a_constant_is_one_bin_and_a_shift_of_it_is_not_lost() -> None:
    found = sketch_of(3, {"x": np.asarray([0.0, 0.0, 0.0])}, {}).features["x"]
    assert found == NumberSketch(edges=(-0.001, 0.001), counts=(0, 3, 0))


def test_a_value_that_the_reference_does_not_know_is_another() -> None:
    found = counted(REFERENCE.emptied(), 2, {"name": np.asarray(["a", "new"], dtype=object)}, {}).features["name"]
    assert found == CategorySketch(values=("a", "b"), counts=(1, 0), other=1)


def test_free_text_is_no_feature() -> None:
    texts = np.asarray([f"text number {index}" for index in range(CATEGORIES_LIMIT)], dtype=object)
    assert sketch_of(len(texts), {"text": texts}, {}).features == {}


def test_sketches_of_different_references_do_not_add_up() -> None:
    other = sketch_of(10, {"x": np.arange(10.0), "name": np.asarray(["a"] * 10, dtype=object)}, {"score": np.linspace(0, 1, 10)})
    with pytest.raises(DifferentBins):
        REFERENCE.merged(other)
    with pytest.raises(DifferentBins):
        REFERENCE.merged(Sketch(items=0))


def test_fifty_features_take_a_few_kilobytes_and_read_back_as_they_were() -> None:
    random = np.random.default_rng(2)
    sketch = sketch_of(5000, {f"x[{index}]": random.normal(index, 1 + index, 5000) for index in range(50)}, {})
    written = Reference(split="test", sketch=sketch).to_json()
    assert len(written) < 20_000
    assert Reference.model_validate(json.loads(written)).sketch == sketch


def test_a_shift_shows() -> None:
    moved = counted(REFERENCE.emptied(), 1000, {"x": np.random.default_rng(3).normal(0.3, 1, 1000)}, {}).features["x"]
    expected, found = (np.asarray(sketch.all_counts()) / 1000 + 1e-6 for sketch in (REFERENCE.features["x"], moved))
    assert float(((found - expected) * np.log(found / expected)).sum()) > 0.05
