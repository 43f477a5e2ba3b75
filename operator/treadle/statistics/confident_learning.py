"""Labels that are probably wrong, from what a model says that has not seen them.

Northcutt, C., Jiang, L. and Chuang, I. (2021), Confident Learning: Estimating Uncertainty in Dataset Labels, JAIR 70.

The model is confident of a category for an item when it gives it at least the probability that it gives the category on average to items that are
labelled so. An item labelled one way, while the model is confident of another category, is counted off the diagonal of the confident joint: these
are the label errors. Since each category has its own threshold, a timid model or a rare category does not hide errors.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Suspect:
    """An item whose label is probably wrong.

    Attributes:
        item: its index.
        suggested: index of the category that the model is confident of.
        margin: by how much more likely that is than the given label, 0 to 1.
    """

    item: int
    suggested: int
    margin: float


def thresholds(probabilities: Numbers, labels: Indices) -> Numbers:
    """Per category, the mean probability that its own items are given; never reached where nothing is labelled so."""
    categories = probabilities.shape[1]
    found = np.full(categories, np.inf)
    for category in range(categories):
        mine = labels == category
        if mine.any():
            found[category] = probabilities[mine, category].mean()
    return found


def suspects(probabilities: Numbers, labels: Indices) -> list[Suspect]:
    """Items off the diagonal of the confident joint, the surest first.

    Args:
        probabilities: one row per item, said by a model that has not seen the item's label.
        labels: index of the category of each item, as given.
    """
    above = probabilities >= thresholds(probabilities, labels)
    confident = np.where(above, probabilities, -1.0).argmax(axis=1)
    wrong = np.flatnonzero(above.any(axis=1) & (confident != labels))
    found = [Suspect(int(i), int(confident[i]), float(probabilities[i, confident[i]] - probabilities[i, labels[i]])) for i in wrong]
    return sorted((each for each in found if each.margin > 0), key=lambda each: (-each.margin, each.item))
