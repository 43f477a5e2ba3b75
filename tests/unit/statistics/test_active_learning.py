"""What teaches the most: certainty of classes against their definitions, and the greedy k-centre against a plain one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy as surprise

from treadle.statistics.active_learning import CERTAINTY, core_set, entropy, least_confidence, margin

CHANCES = np.random.default_rng(7).dirichlet([0.5] * 5, size=200)


def test_certainties_are_what_their_names_say() -> None:
    ordered = np.sort(CHANCES, axis=1)
    assert least_confidence(CHANCES) == pytest.approx(ordered[:, -1], abs=1e-12)
    assert margin(CHANCES) == pytest.approx(ordered[:, -1] - ordered[:, -2], abs=1e-12)
    assert entropy(CHANCES) == pytest.approx(1 - surprise(CHANCES, axis=1) / np.log(5), abs=1e-9)


@pytest.mark.parametrize("strategy", CERTAINTY)
def test_a_sure_answer_is_certain_and_a_coin_is_not(strategy: str) -> None:
    sure, coin = CERTAINTY[strategy](np.array([[0.0, 1.0], [0.5, 0.5]]))
    assert sure == pytest.approx(1.0)
    assert coin == pytest.approx(0.5 if strategy == "LeastConfidence" else 0.0)
    assert CERTAINTY[strategy](np.array([[1.0]])) == pytest.approx(1.0)


def plain_core_set(data: np.ndarray, known: list[int], count: int) -> list[int]:
    chosen: list[int] = []
    for _ in range(count):
        apart = [min(float(((row - data[centre]) ** 2).sum()) for centre in [*known, *chosen]) for row in data]
        rest = [index for index in range(len(data)) if index not in known and index not in chosen]
        chosen.append(max(rest, key=lambda index: (apart[index], -index)))
    return chosen


def test_the_core_set_is_the_greedy_k_centre() -> None:
    data = np.random.default_rng(1).normal(size=(60, 3)).astype(np.float32)
    known = np.zeros(60, dtype=bool)
    known[[3, 17]] = True
    assert core_set(data, known, 12) == plain_core_set(data, [3, 17], 12)


def test_the_core_set_of_nothing_known_begins_in_the_middle() -> None:
    data = np.array([[0.0], [4.0], [5.0], [6.0], [11.0]], dtype=np.float32)
    assert core_set(data, np.zeros(5, dtype=bool), 3) == [2, 4, 0]


def test_the_core_set_holds_no_more_than_there_is() -> None:
    data = np.eye(3, dtype=np.float32)
    assert sorted(core_set(data, np.array([True, False, False]), 9)) == [1, 2]
    assert core_set(data, np.ones(3, dtype=bool), 9) == []
    assert core_set(np.zeros((0, 2), dtype=np.float32), np.zeros(0, dtype=bool), 4) == []
    assert sorted(core_set(np.zeros((4, 2), dtype=np.float32), np.array([True, False, False, False]), 3)) == [1, 2, 3], "all alike"
