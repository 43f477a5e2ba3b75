"""MLflow's scoring protocol: `dataframe_split`, `dataframe_records`, `instances` and `inputs`, as `mlflow models serve` takes them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.contracts.model import ITEM
from treadle.predictors import Model
from treadle.runtime._errors import Refused
from treadle.runtime._tensors import decode_base64


def read_invocation(body: Mapping[str, Any], model: Model) -> dict[str, NDArray[Any]]:
    """The inputs of the request, by name.

    Raises:
        Refused: 400 when it is in none of the formats, or in several.
    """
    formats = [name for name in FORMATS if name in body]
    if len(formats) != 1:
        raise Refused(400, f"the body must hold exactly one of {', '.join(FORMATS)}")
    (name,) = formats
    try:
        arrays = FORMATS[name](body[name])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused(400, f"`{name}` is not understood: {error}") from error
    if ITEM in arrays and model.items:
        arrays[ITEM] = np.asarray([decode_base64(ITEM, index, str(item)) for index, item in enumerate(arrays[ITEM].reshape(-1))], dtype=object)
    return arrays


def _split(data: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    rows, columns = data["data"], data.get("columns")
    if columns is None:
        return {"inputs": np.asarray(rows)}
    if any(len(row) != len(columns) for row in rows):
        raise ValueError(f"every row must have {len(columns)} values, one per column")
    return {str(column): np.asarray([row[index] for row in rows]) for index, column in enumerate(columns)}


def _records(data: list[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    columns = list(dict.fromkeys(name for row in data for name in row))
    if any(len(row) != len(columns) for row in data):
        raise ValueError(f"every record must have the fields {', '.join(columns)}")
    return {column: np.asarray([row[column] for row in data]) for column in columns}


def _instances(data: list[Any]) -> dict[str, NDArray[Any]]:
    return _records(data) if data and all(isinstance(row, dict) for row in data) else _inputs(data)


def _inputs(data: Any) -> dict[str, NDArray[Any]]:
    if isinstance(data, dict):
        return {str(name): np.asarray(values) for name, values in data.items()}
    if not isinstance(data, list):
        raise TypeError("a list, or an object of lists, is expected")
    return {"inputs": np.asarray(data)}


FORMATS: Mapping[str, Callable[[Any], dict[str, NDArray[Any]]]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _instances,
    "inputs": _inputs,
}
