"""Where no evaluation stored a reference, the first requests become it: as they were until the first window was whole."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.contracts.sketch import Sketch
from treadle.statistics.sketches import sketch_of

Columns = Mapping[str, NDArray[Any]]

ENOUGH = 200
"""Items that a reference needs at least."""
BATCHES_LIMIT = 500
"""Batches that are kept; when there are more, every other one goes, and so do later ones: what is kept stays spread over the whole time."""


class FirstWindow:
    """Collects what requests look like, a batch per second.

    Args:
        sensitive: of features only numbers are kept.
    """

    def __init__(self, *, sensitive: bool) -> None:
        self._sensitive = sensitive
        self._batches: list[tuple[Columns, Columns]] = []
        self._stride, self._met = 1, 0

    def add(self, features: Columns, predictions: Columns) -> None:
        """Another batch."""
        self._met += 1
        if self._met % self._stride:
            return
        kept = {name: values for name, values in features.items() if not self._sensitive or values.dtype.kind in "biuf"}
        self._batches.append((kept, predictions))
        if len(self._batches) > BATCHES_LIMIT:
            self._batches, self._stride = self._batches[::2], self._stride * 2

    def reference(self) -> Sketch | None:
        """What was met, as a reference; None while that is too little."""
        features, predictions = _joined([batch[0] for batch in self._batches]), _joined([batch[1] for batch in self._batches])
        items = max((len(values) for values in (*features.values(), *predictions.values())), default=0)
        return sketch_of(items, features, predictions) if items >= ENOUGH else None


def _joined(batches: list[Columns]) -> Columns:
    """Columns that all batches have."""
    names = [name for name in batches[0] if all(name in batch for batch in batches)] if batches else []
    return {name: np.concatenate([batch[name] for batch in batches]) for name in names}
