"""What a model was given, as named columns: what drift is measured on, at evaluation and while serving alike.

A number of a table or of a narrow array is a feature of its own. Wide arrays (images) become a few figures per row. A text becomes its length in
characters and words; a text column of a table is a category as well.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

NARROW = 100
"""Up to so many numbers per row are features of their own."""


def feature_columns(given: Any) -> Mapping[str, NDArray[Any]]:
    """One-dimensional arrays by name, one entry per row, of what an estimator was given: a data frame or an array."""
    if isinstance(given, pd.DataFrame):
        told: dict[str, NDArray[Any]] = {}
        for name in given.columns:
            values = given[name].to_numpy()
            told |= {str(name): values} if values.dtype.kind != "O" else {str(name): values, **_text(str(name), values)}
        return told
    rows = np.asarray(given)
    if rows.dtype.kind in "OSU":
        return _text("item", rows.reshape(len(rows), -1)[:, 0]) if rows.size else {}
    numbers = rows.reshape(len(rows), -1).astype(np.float64)
    if numbers.shape[1] <= NARROW:
        return {f"x[{index}]": numbers[:, index] for index in range(numbers.shape[1])}
    low, high = np.quantile(numbers, (0.05, 0.95), axis=1)
    return {"x.mean": numbers.mean(axis=1), "x.deviation": numbers.std(axis=1), "x.low": low, "x.high": high}


def joined(several: Sequence[Any]) -> Any:
    """What an estimator was given several times, as if at once: data frames one below the other, arrays of the first one's shape."""
    if isinstance(several[0], pd.DataFrame):
        return pd.concat(several, ignore_index=True)
    arrays = [np.asarray(given) for given in several]
    return np.concatenate([array for array in arrays if array.shape[1:] == arrays[0].shape[1:]])


def _text(name: str, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    texts = ["" if value is None else str(value) for value in values.tolist()]
    return {
        f"{name}.characters": np.asarray([len(text) for text in texts], dtype=np.float64),
        f"{name}.words": np.asarray([len(text.split()) for text in texts], dtype=np.float64),
    }
