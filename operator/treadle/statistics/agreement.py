"""How far people agree beyond chance, from a table of counts: one row per item, one column per category, how many said so.

Items may have different numbers of answers; those with fewer than two say nothing about agreement and are passed over.
Krippendorff, K. (2011), Computing Krippendorff's Alpha-Reliability.
"""

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


def krippendorff_alpha(counts: Counts) -> float | None:
    """Nominal alpha: 1 is perfect agreement, 0 is what chance gives, below 0 is systematic disagreement.

    None where it is not defined: no item has two answers, or only one category was ever used.
    """
    pairable = _pairable(counts)
    answers = pairable.sum(axis=1)
    total = int(answers.sum())
    if total == 0:
        return None
    per_category = pairable.sum(axis=0)
    expected = (total**2 - int((per_category**2).sum())) / (total - 1)
    if expected == 0:
        return None
    observed = float(((answers**2 - (pairable**2).sum(axis=1)) / (answers - 1)).sum())
    return 1.0 - observed / expected


def percent_agreement(counts: Counts) -> float | None:
    """Mean over the items of the share of pairs of answers that are equal, 0 to 1. None when no item has two answers."""
    pairable = _pairable(counts)
    if len(pairable) == 0:
        return None
    answers = pairable.sum(axis=1)
    equal = (pairable * (pairable - 1)).sum(axis=1)
    return float((equal / (answers * (answers - 1))).mean())


def fleiss_kappa(counts: Counts) -> float | None:
    """Agreement beyond what the categories' shares alone give (Fleiss, 1971); items may have different numbers of answers.

    None where it is not defined; see `krippendorff_alpha`, which corrects for small numbers of answers besides.
    """
    pairable = _pairable(counts)
    observed = percent_agreement(counts)
    if observed is None:
        return None
    shares = pairable.sum(axis=0) / pairable.sum()
    expected = float((shares**2).sum())
    return None if expected == 1.0 else (observed - expected) / (1.0 - expected)


def cohen_kappa(table: Counts, *, ordered: bool = False) -> float | None:
    """Agreement of two people beyond chance (Cohen, 1960), from how often the one said the row and the other the column.

    With `ordered` categories an answer further off counts more, by the square of the distance (Cohen, 1968). None where it is not defined.
    """
    total = int(table.sum())
    places = np.arange(len(table))
    apart = (places[:, None] - places[None]) ** 2 if ordered else (places[:, None] != places[None]).astype(np.int64)
    expected = float(table.sum(axis=1) @ apart @ table.sum(axis=0))
    return None if expected == 0.0 else 1.0 - total * float((table * apart).sum()) / expected


def alpha_of_category(counts: Counts, category: int) -> float | None:
    """Alpha of "this category or any other": which of the categories people confuse."""
    chosen = counts[:, category]
    return krippendorff_alpha(np.stack([chosen, counts.sum(axis=1) - chosen], axis=1))


def _pairable(counts: Counts) -> Counts:
    pairable: Counts = counts[counts.sum(axis=1) >= 2]
    return pairable
