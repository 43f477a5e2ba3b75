"""Making sketches and counting into them; what a sketch is stands in `contracts.sketch`."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.contracts.sketch import BINS_LIMIT, CATEGORIES_LIMIT, FEATURES_LIMIT, CategorySketch, FeatureSketch, NumberSketch, Sketch

DIGITS = 6
NAME_LIMIT = 128  # characters of a category


def sketch_of(items: int, features: Mapping[str, NDArray[Any]], predictions: Mapping[str, NDArray[Any]]) -> Sketch:
    """A sketch of one-dimensional arrays, with bins that fit these very values. Of more than `FEATURES_LIMIT` features the first are kept; free text,
    of which no value comes often, is left out.
    """
    kept = [(name, values) for name, values in features.items() if not _free_text(values)][:FEATURES_LIMIT]
    return Sketch(
        items=items,
        features={name: _counted(_bins(values), values) for name, values in kept},
        predictions={name: _counted(_bins(values), values) for name, values in predictions.items()},
    )


def counted(sketch: Sketch, items: int, features: Mapping[str, NDArray[Any]], predictions: Mapping[str, NDArray[Any]]) -> Sketch:
    """The sketch with further values in it. What it has no bins for is passed over; what it has bins for and is not given counts as nothing."""
    return Sketch(
        items=sketch.items + items,
        features={name: _counted(one, features[name]) if name in features else one for name, one in sketch.features.items()},
        predictions={name: _counted(one, predictions[name]) if name in predictions else one for name, one in sketch.predictions.items()},
    )


def places(sketch: FeatureSketch, values: NDArray[Any]) -> NDArray[np.intp]:
    """The bin of each value, by its place in `all_counts`."""
    if isinstance(sketch, NumberSketch):
        numbers = np.asarray(values, dtype=np.float64)
        found = np.searchsorted(np.asarray(sketch.edges), numbers, side="right")
        return np.where(np.isfinite(numbers), found, len(sketch.counts))
    listed: dict[str | None, int] = {name: place for place, name in enumerate(sketch.values)}
    listed[None] = len(sketch.values) + 1
    return np.asarray([listed.get(_category(value), len(sketch.values)) for value in values.tolist()], dtype=np.intp)


def _counted(sketch: FeatureSketch, values: NDArray[Any]) -> FeatureSketch:
    counts = sketch.all_counts()
    added = np.bincount(places(sketch, values), minlength=len(counts))
    return sketch.with_counts(tuple(a + b for a, b in zip(counts, added.tolist(), strict=True)))


def _bins(values: NDArray[Any]) -> FeatureSketch:
    """Empty bins: of numbers between quantiles, of few different numbers between these; of anything else the most frequent values."""
    if values.dtype.kind in "iuf":
        edges = _edges(np.asarray(values, dtype=np.float64))
        return NumberSketch(edges=edges, counts=(0,) * (len(edges) + 1))
    frequent = Counter(name for value in values.tolist() if (name := _category(value)) is not None).most_common(CATEGORIES_LIMIT)
    names = tuple(sorted(name for name, _ in frequent))
    return CategorySketch(values=names, counts=(0,) * len(names))


def _free_text(values: NDArray[Any]) -> bool:
    return values.dtype.kind == "O" and len({_category(value) for value in values.tolist()}) > min(CATEGORIES_LIMIT, len(values) // 2)


def _edges(numbers: NDArray[np.float64]) -> tuple[float, ...]:
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return ()
    different = np.unique(known)
    if len(different) == 1:  # a bin for it, so that anything below or above is told apart
        near = max(abs(different[0]), 1.0) / 1000
        different = np.asarray([different[0] - 2 * near, different[0], different[0] + 2 * near])
    few = len(different) <= BINS_LIMIT
    edges = (different[:-1] + different[1:]) / 2 if few else np.quantile(known, np.arange(1, BINS_LIMIT) / BINS_LIMIT)
    return tuple(sorted({float(f"{edge:.{DIGITS}g}") for edge in edges}))


def _category(value: object) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(value)[:NAME_LIMIT]
