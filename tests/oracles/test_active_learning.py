"""Which items teach the most, against scikit-activeml."""

from __future__ import annotations

import numpy as np
import pytest
from skactiveml.pool import CoreSet, uncertainty_scores
from skactiveml.utils import MISSING_LABEL

from treadle.statistics.active_learning import CERTAINTY, core_set

EXACT = 1e-9
METHODS = {"LeastConfidence": "least_confident", "Margin": "margin_sampling", "Entropy": "entropy"}


@pytest.mark.parametrize("strategy", METHODS)
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_items_come_in_the_same_order_by_what_a_model_says(chance: np.random.Generator, strategy: str, classes: int) -> None:
    chances = chance.dirichlet(np.ones(classes), size=500)
    ours = CERTAINTY[strategy](chances)
    theirs = uncertainty_scores(chances, method=METHODS[strategy])
    largest = np.log(classes) if strategy == "Entropy" else 1.0
    assert 1 - theirs / largest == pytest.approx(ours, abs=EXACT)
    assert list(np.argsort(ours, kind="stable")[:50]) == list(np.argsort(-theirs, kind="stable")[:50])


def test_items_are_chosen_in_the_same_order_by_where_they_lie(chance: np.random.Generator) -> None:
    data = chance.normal(size=(300, 5)).astype(np.float32)
    known = np.zeros(len(data), dtype=np.bool_)
    known[chance.choice(len(data), size=20, replace=False)] = True
    labels = np.where(known, 0.0, MISSING_LABEL)
    theirs = CoreSet(random_state=0).query(data.astype(np.float64), labels, batch_size=30)
    assert core_set(data, known, 30) == theirs.tolist()
