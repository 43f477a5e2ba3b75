"""Agreement between people, against scikit-learn, statsmodels and krippendorff."""

from __future__ import annotations

import krippendorff
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa as fleiss_of_statsmodels

from treadle.contracts.labels import ClassLabel, Rating
from treadle.statistics.agreement import alpha_of_category, cohen_kappa, fleiss_kappa, krippendorff_alpha
from treadle.statistics.ordinal import interval_alpha, ordinal_alpha
from treadle.statistics.pairs import pairs_of
from treadle.statistics.shapes import SHAPES

CATEGORIES, ITEMS, PEOPLE = 5, 200, 4
EXACT = 1e-9


def answers(chance: np.random.Generator, missing: float) -> NDArray[np.float64]:
    """One row per person, one column per item; NaN where a person was not asked."""
    truth = chance.integers(CATEGORIES, size=ITEMS)
    right = chance.random((PEOPLE, ITEMS)) < 0.7
    said = np.where(right, truth, chance.integers(CATEGORIES, size=(PEOPLE, ITEMS))).astype(np.float64)
    said[chance.random((PEOPLE, ITEMS)) < missing] = np.nan
    return said


def counted(said: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.stack([(said == category).sum(axis=0) for category in range(CATEGORIES)], axis=1).astype(np.int64)


@pytest.mark.parametrize("missing", [0.0, 0.4, 0.7])
def test_krippendorffs_alphas(chance: np.random.Generator, missing: float) -> None:
    said = answers(chance, missing)
    ours = {"nominal": krippendorff_alpha, "ordinal": ordinal_alpha, "interval": interval_alpha}
    for level, measure in ours.items():
        assert measure(counted(said)) == pytest.approx(krippendorff.alpha(said, level_of_measurement=level), abs=EXACT), level


def test_krippendorffs_alpha_of_each_label(chance: np.random.Generator) -> None:
    said = answers(chance, 0.3)
    for category in range(CATEGORIES):
        one = np.where(np.isnan(said), np.nan, said == category)
        assert alpha_of_category(counted(said), category) == pytest.approx(krippendorff.alpha(one, level_of_measurement="nominal"), abs=EXACT)


def test_fleiss_kappa(chance: np.random.Generator) -> None:
    table = counted(answers(chance, 0.0))
    assert fleiss_kappa(table) == pytest.approx(fleiss_of_statsmodels(table, method="fleiss"), abs=EXACT)


@pytest.mark.parametrize(("ordered", "weights"), [(False, None), (True, "quadratic")])
def test_cohens_kappa(chance: np.random.Generator, ordered: bool, weights: str | None) -> None:
    one, other = answers(chance, 0.0)[:2].astype(int)
    table = np.zeros((CATEGORIES, CATEGORIES), dtype=np.int64)
    np.add.at(table, (one, other), 1)
    assert cohen_kappa(table, ordered=ordered) == pytest.approx(cohen_kappa_score(one, other, weights=weights), abs=EXACT)


@pytest.mark.parametrize("shape", ["Class", "Rating"])
def test_cohens_kappa_of_each_two_people(chance: np.random.Generator, shape: str) -> None:
    said = answers(chance, 0.5)
    names = [f"{category}" for category in range(CATEGORIES)]

    def label(value: float) -> ClassLabel | Rating:
        return ClassLabel(label=f"{value:.0f}") if shape == "Class" else Rating(step=int(value) + 1, label=f"{value:.0f}")

    items = [[(f"u{person}", label(value)) for person, value in enumerate(item) if not np.isnan(value)] for item in said.T]
    found = pairs_of(SHAPES[shape], items, names)
    assert [(pair.one, pair.other) for pair in found] == [(f"u{one}", f"u{other}") for one in range(PEOPLE) for other in range(one + 1, PEOPLE)]
    for pair in found:
        one, other = said[int(pair.one[1:])], said[int(pair.other[1:])]
        both = ~np.isnan(one) & ~np.isnan(other)
        wanted = cohen_kappa_score(one[both].astype(int), other[both].astype(int), weights="quadratic" if shape == "Rating" else None)
        assert (pair.items, pair.kappa) == (both.sum(), pytest.approx(wanted, abs=EXACT))
