"""What a plain model says about each item that it was not trained with: ridge regression on random features, cross-validated.

The model has one linear output per category (least squares on 0 and 1) over random cosine features, which stand for a Gaussian kernel
(Rahimi, A. and Recht, B. (2007), Random Features for Large-Scale Kernel Machines). Least squares needs sums of products only, so that leaving a fold
out is subtracting its sums: the data are passed twice, however many folds there are. Outputs become probabilities by a softmax, whose one scale is
chosen to fit the labels. Everything is drawn from a fixed seed: the same data give the same numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FOLDS = 5
WIDTH = 1024
"""Random features."""
RIDGE = 1e-4
"""Penalty on the weights, as a share of the number of items."""
SCALES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
CHUNK = 8192  # items at a time
SAMPLE = 500  # items that the width of the kernel is chosen from
SEED = 20191

Matrix = NDArray[np.float32]
Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class _Features:
    """Random cosines of the centred data."""

    centre: Matrix
    directions: Matrix
    phases: Matrix

    def of(self, data: Matrix) -> Numbers:
        turned = np.cos((data - self.centre) @ self.directions + self.phases) * np.sqrt(2 / len(self.phases))
        return np.hstack([turned, np.ones((len(data), 1))]).astype(np.float64)


def held_out_probabilities(data: Matrix, labels: Indices, categories: int) -> Numbers:
    """One row per item: how likely each category is, said by a model that has not seen the item. Rows add up to 1.

    Args:
        data: one row of numbers per item; columns of like scale.
        labels: index of the category of each item, as given.
        categories: how many there are.
    """
    chance = np.random.default_rng(SEED)
    features = _features(data, chance)
    fold = chance.permutation(len(data)) % FOLDS
    answers = np.eye(categories)[labels]
    squares, products = np.zeros((FOLDS, WIDTH + 1, WIDTH + 1)), np.zeros((FOLDS, WIDTH + 1, categories))
    for part, turned in _chunks(data, features):
        for each in range(FOLDS):
            mine = fold[part] == each
            squares[each] += turned[mine].T @ turned[mine]
            products[each] += turned[mine].T @ answers[part][mine]
    penalty = RIDGE * len(data) * np.eye(WIDTH + 1)
    weights = [np.linalg.solve(squares.sum(0) - squares[each] + penalty, products.sum(0) - products[each]) for each in range(FOLDS)]
    outputs = np.zeros((len(data), categories))
    for part, turned in _chunks(data, features):
        for each in range(FOLDS):
            mine = fold[part] == each
            outputs[part][mine] = turned[mine] @ weights[each]
    return max((_softmax(scale * outputs) for scale in SCALES), key=lambda chances: _likelihood(chances, labels))


def _features(data: Matrix, chance: np.random.Generator) -> _Features:
    centre = data.mean(axis=0, dtype=np.float64).astype(np.float32)
    some = data[chance.choice(len(data), min(SAMPLE, len(data)), replace=False)].astype(np.float64)
    squares = (some**2).sum(axis=1)
    apart = squares[:, None] + squares[None] - 2 * some @ some.T
    typical = float(np.median(apart[apart > 1e-9])) if (apart > 1e-9).any() else 1.0
    directions = chance.normal(size=(data.shape[1], WIDTH)) * np.sqrt(2 / typical)
    return _Features(centre, directions.astype(np.float32), chance.uniform(0, 2 * np.pi, WIDTH).astype(np.float32))


def _chunks(data: Matrix, features: _Features) -> Iterator[tuple[slice, Numbers]]:
    for start in range(0, len(data), CHUNK):
        part = slice(start, min(start + CHUNK, len(data)))
        yield part, features.of(data[part])


def _softmax(outputs: Numbers) -> Numbers:
    raised: Numbers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float64)


def _likelihood(chances: Numbers, labels: Indices) -> float:
    return float(np.log(np.maximum(chances[np.arange(len(labels)), labels], 1e-12)).mean())
