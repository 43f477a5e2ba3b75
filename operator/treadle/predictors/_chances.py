"""How likely each class is, as models tell it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from treadle.contracts.model import ClassPrediction

Chances = tuple[Sequence[str], NDArray[np.float64]]
"""Classes by column, items by row."""
UNSAID = 0.5
"""The score of an answer whose model does not say how sure it is: neither sure nor unsure."""
DIGITS = 6


def of_chances(labels: Sequence[str], row: NDArray[np.float64]) -> ClassPrediction:
    """The likeliest class, and how likely each is."""
    scores = {label: in_unit(score) for label, score in zip(labels, row, strict=True)}
    best = labels[int(np.argmax(row))]
    return ClassPrediction(label=best, score=scores[best], scores=scores)


def in_unit(score: float) -> float:
    """A probability as it is written: between 0 and 1 whatever rounding did, and 0 for what is no number."""
    return round(min(max(float(score), 0.0), 1.0), DIGITS) if np.isfinite(score) else 0.0
