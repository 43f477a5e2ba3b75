"""How far each two people agree, over the items that both answered."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import TypeVar

import numpy as np

from treadle.statistics.agreement import cohen_kappa
from treadle.statistics.shapes import Shape

Shaped = TypeVar("Shaped")


@dataclass(frozen=True)
class Pair:
    """Two people.

    Attributes:
        one: the name that comes first.
        other: the other name.
        items: that both answered.
        alike: how like each other their answers are on average, 0 to 1.
        kappa: Cohen's, of labels that are one name; of a scale, weighted by the square of the distance. None where it is not defined.
    """

    one: str
    other: str
    items: int
    alike: float
    kappa: float | None = None


def pairs_of(shape: Shape[Shaped], items: Sequence[Sequence[tuple[str, Shaped]]], names: Sequence[str]) -> list[Pair]:
    """Every two people who answered the same items, by their names; `names` are those of the labels, in their order."""
    both: defaultdict[tuple[str, str], list[tuple[Shaped, Shaped]]] = defaultdict(list)
    for answers in items:
        for (one, first), (other, second) in combinations(sorted(answers, key=lambda answer: answer[0]), 2):
            both[one, other].append((first, second))
    return [
        Pair(one, other, len(found), fmean(shape.similarity(*answers) for answers in found), _kappa(shape, found, names))
        for (one, other), found in sorted(both.items())
    ]


def _kappa(shape: Shape[Shaped], answers: Sequence[tuple[Shaped, Shaped]], names: Sequence[str]) -> float | None:
    if shape.category is None:
        return None
    column = {name: place for place, name in enumerate(names)}
    table = np.zeros((len(names), len(names)), dtype=np.int64)
    for one, other in answers:
        table[column[shape.category(one)], column[shape.category(other)]] += 1
    return cohen_kappa(table, ordered=shape.ordered)
