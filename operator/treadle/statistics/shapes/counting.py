"""Answers as a table of counts: what measures of agreement take."""

from collections.abc import Sequence

import numpy as np

from treadle.statistics.agreement import Counts


def counts(items: Sequence[Sequence[str]], names: Sequence[str]) -> Counts:
    """One row per item, one column per label name: how many answers say so.

    Raises:
        KeyError: for a label that is not among `names`.
    """
    column = {name: index for index, name in enumerate(names)}
    table = np.zeros((len(items), len(names)), dtype=np.int64)
    for row, answers in enumerate(items):
        for answer in answers:
            table[row, column[answer]] += 1
    return table
