"""From named tensors, as a request carries them, to what an estimator takes: one array, or one data frame."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from treadle.predictors._elements import ELEMENTS
from treadle.predictors._errors import BadInput, Misfit
from treadle.predictors._signature import Signature, Tensor


def arrange(signature: Signature, inputs: Mapping[str, NDArray[Any]]) -> Any:
    """Check the inputs against the signature and put them into the form that the model was trained with.

    Raises:
        BadInput: when an input is missing, unknown, of another shape, or not convertible to the element type.
    """
    if not inputs:
        raise BadInput("the request has no inputs", Misfit.MISSING)
    if not signature.inputs:
        return _only(inputs)
    if signature.table:
        return _table(signature, inputs)
    if len(signature.inputs) > 1:
        raise BadInput("models with several tensor inputs are not served yet; log the model with one tensor or with columns")
    (wanted,) = signature.inputs
    return _fit(wanted, inputs[wanted.name] if wanted.name in inputs else _only(inputs))


def _only(inputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    if len(inputs) != 1:
        raise BadInput(f"one input is expected, the request has {len(inputs)}: {', '.join(inputs)}", Misfit.UNKNOWN)
    return next(iter(inputs.values()))


def _table(signature: Signature, inputs: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    names = [tensor.name for tensor in signature.inputs]
    whole = next(iter(inputs.values()))
    if len(inputs) == 1 and not set(inputs) & set(names) and whole.ndim == 2:
        inputs = _columns(whole, names)
    if unknown := sorted(set(inputs) - set(names)):
        raise BadInput(f"unknown columns: {', '.join(unknown)}; the model takes {', '.join(names)}", Misfit.UNKNOWN)
    if missing := [name for name in names if name not in inputs and name not in signature.optional]:
        raise BadInput(f"missing columns: {', '.join(missing)}", Misfit.MISSING)
    columns = {tensor.name: _column(tensor, inputs[tensor.name]) for tensor in signature.inputs if tensor.name in inputs}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise BadInput(f"columns differ in length: {lengths}", Misfit.SHAPE)
    return pd.DataFrame(columns)


def _columns(whole: NDArray[Any], names: list[str]) -> dict[str, NDArray[Any]]:
    """A single matrix for a table: its columns in the order of the signature."""
    if whole.shape[1] != len(names):
        raise BadInput(f"the matrix has {whole.shape[1]} columns, the model takes {len(names)}: {', '.join(names)}", Misfit.SHAPE)
    return {name: whole[:, index] for index, name in enumerate(names)}


def _column(tensor: Tensor, values: NDArray[Any]) -> NDArray[Any]:
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    return _fit(tensor, values)


def _fit(tensor: Tensor, values: NDArray[Any]) -> NDArray[Any]:
    fits = values.ndim == len(tensor.shape) and all(size in (-1, given) for size, given in zip(tensor.shape, values.shape, strict=True))
    if not fits:
        raise BadInput(f"input {tensor.name} has shape {list(values.shape)}, expected is {list(tensor.shape)} (-1 is any)", Misfit.SHAPE)
    element = ELEMENTS[tensor.datatype]
    if tensor.datatype != "BYTES" and values.dtype.kind in "OSU":
        raise BadInput(f"input {tensor.name} holds text, expected is {tensor.datatype}", Misfit.TYPE)
    return values.astype(element, copy=False)
