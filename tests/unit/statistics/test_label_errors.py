"""Confident learning against an example by hand and the bound of the issue, on digits with flipped labels."""

import numpy as np
import pytest

from tests.bench.flipped_labels import flipped, searched
from treadle.statistics.confident_learning import suspects, thresholds
from treadle.statistics.held_out import held_out_probabilities


def test_an_example_by_hand() -> None:
    """Category 0 is given 0.7 on average by its own items, category 1 is given 0.6. Items 2 and 5 look like the other."""
    chances = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.2, 0.8], [0.2, 0.8], [0.8, 0.2]])
    labels = np.array([0, 0, 0, 1, 1, 1])
    assert thresholds(chances, labels) == pytest.approx([0.7, 0.6])
    assert [(each.item, each.suggested, round(each.margin, 6)) for each in suspects(chances, labels)] == [(5, 0, 0.6), (2, 1, 0.4)]
    timid = np.array([[0.9, 0.1], [0.9, 0.1], [0.45, 0.55], [0.2, 0.8], [0.2, 0.8], [0.1, 0.9]])
    assert suspects(timid, labels) == []


def test_a_label_that_nobody_uses_is_never_suggested() -> None:
    chances = np.array([[0.1, 0.2, 0.7], [0.1, 0.8, 0.1]])
    assert suspects(chances, np.array([0, 1])) == []


def test_flipped_digits_are_found() -> None:
    """Medians of 20 seeds are in docs/evidence/learning.md, which `make bench-learning` writes. The bound: precision 0.7 at recall 0.8."""
    (found,) = searched(1)
    assert found.precision >= 0.9
    assert found.recall >= 0.8


def test_labels_that_are_all_right_are_left_alone() -> None:
    images, labels, _ = flipped(0, share=0.0)
    assert len(suspects(held_out_probabilities(images, labels, 10), labels)) < 0.01 * len(labels)
