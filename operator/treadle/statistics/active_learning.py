"""Which items teach the most, by what a model says about them or by where they lie. Small numbers come first.

LeastConfidence   the probability of the likeliest class
Margin            by how much it exceeds that of the second
Entropy           1 less the entropy, as a share of the largest possible

Of an item with several parts (boxes, spans) each part is a decision between itself and nothing, and the least certain part speaks for the item.

Sener, O. and Savarese, S. (2018), Active Learning for Convolutional Neural Networks: A Core-Set Approach: `core_set` is its greedy k-centre.
Settles, B. (2009), Active Learning Literature Survey: the others.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

CHUNK = 8192  # items at a time

Numbers = NDArray[np.float64]
Matrix = NDArray[np.float32]


def least_confidence(chances: Numbers) -> Numbers:
    """The probability of the likeliest class; one row per decision, rows add up to 1."""
    return np.asarray(chances.max(axis=1), dtype=np.float64)


def margin(chances: Numbers) -> Numbers:
    """By how much the likeliest class exceeds the second."""
    if chances.shape[1] < 2:
        return np.ones(len(chances))
    two = np.partition(chances, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0], dtype=np.float64)


def entropy(chances: Numbers) -> Numbers:
    """1 for a sure decision, 0 where all classes are alike."""
    if chances.shape[1] < 2:
        return np.ones(len(chances))
    with np.errstate(divide="ignore", invalid="ignore"):
        surprise = np.where(chances > 0, chances * np.log(chances), 0.0)
    return np.asarray(1 + surprise.sum(axis=1) / np.log(chances.shape[1]), dtype=np.float64)


CERTAINTY: Mapping[str, Callable[[Numbers], Numbers]] = {"LeastConfidence": least_confidence, "Margin": margin, "Entropy": entropy}
"""By the name of the strategy."""


def core_set(data: Matrix, known: NDArray[np.bool_], count: int) -> list[int]:
    """Items that are farthest from all that is known, one after the other; each counts as known from then on.

    Args:
        data: one row of numbers per item; columns of like scale.
        known: which items are labelled already. With none, the one nearest to the middle comes first.
        count: how many are wanted.
    """
    squares = np.einsum("ij,ij->i", data, data, dtype=np.float64)
    nearest = np.full(len(data), np.inf)
    chosen: list[int] = []
    for index in np.flatnonzero(known):
        _closer(nearest, data, squares, int(index))
    if not known.any() and len(data) and count:
        middle = data.mean(axis=0, dtype=np.float64)
        chosen.append(int(np.argmin(squares - 2 * data @ middle)))
        _closer(nearest, data, squares, chosen[0])
    nearest[known] = -1.0
    while len(chosen) < min(count, int((~known).sum())):
        if chosen:
            nearest[chosen[-1]] = -1.0
        chosen.append(int(np.argmax(nearest)))
        _closer(nearest, data, squares, chosen[-1])
    return chosen


def _closer(nearest: Numbers, data: Matrix, squares: Numbers, centre: int) -> None:
    """Every item's squared distance to the nearest centre, now that there is one more."""
    for start in range(0, len(data), CHUNK):
        part = slice(start, start + CHUNK)
        apart = np.maximum(squares[part] + squares[centre] - 2.0 * (data[part] @ data[centre]), 0.0)
        np.minimum(nearest[part], apart, out=nearest[part])
