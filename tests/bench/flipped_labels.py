"""How many wrong labels are found: scikit-learn's digits, some of them called what they are not, and what the quality Job's functions suspect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from treadle.statistics.confident_learning import suspects
from treadle.statistics.held_out import held_out_probabilities

SHARE = 0.05
CLASSES = 10


@dataclass(frozen=True)
class Found:
    """What came out with one seed: how much of what is suspected is wrong, and how much of what is wrong is suspected."""

    seed: int
    precision: float
    recall: float


def flipped(seed: int, share: float = SHARE) -> tuple[NDArray[np.float32], NDArray[np.int64], set[int]]:
    """Digits as numbers, their labels with some of them wrong, and which."""
    images, truth = load_digits(return_X_y=True)
    chance = np.random.default_rng(seed)
    wrong = chance.choice(len(truth), int(share * len(truth)), replace=False)
    labels = truth.copy()
    labels[wrong] = (labels[wrong] + chance.integers(1, CLASSES, len(wrong))) % CLASSES
    return (images / 16).astype(np.float32), labels, set(wrong.tolist())


def searched(seeds: int) -> Iterator[Found]:
    """Look for them, once with each seed."""
    for seed in range(seeds):
        images, labels, wrong = flipped(seed)
        suspected = {each.item for each in suspects(held_out_probabilities(images, labels, CLASSES), labels)}
        right = len(suspected & wrong)
        yield Found(seed, right / len(suspected), right / len(wrong))
