import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from treadle.statistics.agreement import Counts, alpha_of_category, krippendorff_alpha, percent_agreement

TEXTBOOK = [  # Krippendorff (2011), section C: four observers, twelve units, some values missing
    [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
    [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
]
tables = some.lists(some.lists(some.integers(0, 4), min_size=3, max_size=3), min_size=1, max_size=20)


def table(rows: list[list[int]]) -> Counts:
    return np.asarray(rows, dtype=np.int64)


def textbook() -> Counts:
    counts = np.zeros((12, 5), dtype=np.int64)
    for observer in TEXTBOOK:
        for unit, value in enumerate(observer):
            if value:
                counts[unit, value - 1] += 1
    return counts


def by_definition(rows: list[list[int]]) -> float | None:
    """Alpha straight from its definition, pair by pair."""
    units = [[category for category, count in enumerate(row) for _ in range(count)] for row in rows]
    units = [unit for unit in units if len(unit) >= 2]
    values = [value for unit in units for value in unit]
    total = len(values)
    if not total:
        return None
    observed = sum(sum(a != b for i, a in enumerate(unit) for j, b in enumerate(unit) if i != j) / (len(unit) - 1) for unit in units) / total
    expected = sum(a != b for i, a in enumerate(values) for j, b in enumerate(values) if i != j) / (total * (total - 1))
    return None if expected == 0 else 1 - observed / expected


def test_alpha_is_the_textbooks() -> None:
    assert krippendorff_alpha(textbook()) == pytest.approx(0.743, abs=0.0005)


@given(tables)
def test_alpha_is_its_definition(rows: list[list[int]]) -> None:
    expected = by_definition(rows)
    found = krippendorff_alpha(table(rows))
    assert found is None if expected is None else found == pytest.approx(expected)


@given(tables, some.permutations([0, 1, 2]))
def test_neither_the_order_of_items_nor_the_names_of_categories_matter(rows: list[list[int]], order: list[int]) -> None:
    counts = table(rows)
    shuffled = counts[::-1, order]
    assert krippendorff_alpha(counts) == pytest.approx(krippendorff_alpha(shuffled))
    assert percent_agreement(counts) == pytest.approx(percent_agreement(shuffled))


@given(tables)
def test_items_with_one_answer_say_nothing_about_agreement(rows: list[list[int]]) -> None:
    alone = [[1, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert krippendorff_alpha(table(rows + alone)) == krippendorff_alpha(table(rows))
    assert percent_agreement(table(rows + alone)) == percent_agreement(table(rows))


def test_perfect_agreement_is_one_and_constant_disagreement_is_below_zero() -> None:
    assert krippendorff_alpha(table([[2, 0], [0, 2], [2, 0]])) == 1.0
    below = krippendorff_alpha(table([[1, 1], [1, 1]]))
    assert below is not None
    assert below < 0
    assert percent_agreement(table([[2, 0], [1, 1]])) == 0.5


@pytest.mark.parametrize("rows", [[[0, 0]], [[1, 0], [0, 1]], [[3, 0], [2, 0]]])
def test_alpha_is_unknown_rather_than_perfect_where_nothing_can_be_said(rows: list[list[int]]) -> None:
    assert krippendorff_alpha(table(rows)) is None


def test_an_empty_table_is_no_error() -> None:
    empty = np.zeros((0, 3), dtype=np.int64)
    assert krippendorff_alpha(empty) is None
    assert percent_agreement(empty) is None


def test_the_alpha_of_a_category_tells_which_one_is_confused() -> None:
    counts = table([[2, 0, 0], [2, 0, 0], [0, 1, 1], [0, 1, 1], [0, 2, 0], [0, 0, 2]])
    assert alpha_of_category(counts, 0) == 1.0
    confused = alpha_of_category(counts, 1)
    assert confused is not None
    assert confused < 0.5
