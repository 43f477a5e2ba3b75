"""Agreement on a scale beyond chance: Krippendorff's alpha with the ordinal and the interval difference.

Krippendorff, K. (2011), Computing Krippendorff's Alpha-Reliability. Ordinal: two steps are as far apart as many answers lie between them. Interval:
as far as there are steps.
"""

import numpy as np
from numpy.typing import NDArray

from treadle.statistics.agreement import Counts


def ordinal_alpha(counts: Counts) -> float | None:
    """1 is perfect agreement, 0 is what chance gives. None where it is not defined; see `agreement.krippendorff_alpha`.

    Args:
        counts: one row per item, one column per step of the scale in order: how many said so.
    """
    per_step = _pairable(counts).sum(axis=0)
    return _alpha(counts, np.cumsum(per_step) - per_step / 2)  # answers up to the middle of each step


def interval_alpha(counts: Counts) -> float | None:
    """As `ordinal_alpha`, where each step of the scale is as large as any other."""
    return _alpha(counts, np.arange(counts.shape[1], dtype=np.float64))


def _alpha(counts: Counts, places: NDArray[np.float64]) -> float | None:
    """Alpha with the square of the distance between the places of two steps as their difference."""
    pairable = _pairable(counts)
    per_step = pairable.sum(axis=0)
    total = per_step.sum()
    if total == 0:
        return None
    apart = (places[:, None] - places[None]) ** 2
    expected = float(per_step @ apart @ per_step) / (total - 1)
    if expected == 0.0:
        return None
    answers = pairable.sum(axis=1)
    observed = float((np.einsum("ij,jk,ik->i", pairable, apart, pairable) / (answers - 1)).sum())
    return 1.0 - observed / float(expected)


def _pairable(counts: Counts) -> NDArray[np.float64]:
    pairable: NDArray[np.float64] = counts[counts.sum(axis=1) >= 2].astype(np.float64)
    return pairable
