"""Between the JSON of the Open Inference Protocol v2 and named arrays."""

import base64
import binascii
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.contracts.model import ITEM
from treadle.predictors import ELEMENTS, Misfit, Model, Prediction
from treadle.runtime._errors import Refused

DATATYPES: Mapping[np.dtype[Any], str] = {np.dtype(element): datatype for datatype, element in ELEMENTS.items()}
"""The OIP datatype of each numpy element type."""
DEEPEST = 8
"""Tensors with more dimensions are not read."""


def read_inputs(body: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The tensors of an infer request, by name.

    Raises:
        Refused: 400, naming the input and what is wrong with it.
    """
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise Refused(400, "`inputs` must be a list of at least one tensor {name, shape, datatype, data}")
    tensors: dict[str, NDArray[Any]] = {}
    for index, tensor in enumerate(inputs):
        if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
            raise Refused(400, f"inputs[{index}] must be an object with a `name`")
        if tensor["name"] in tensors:
            raise Refused(400, f"input {tensor['name']} is there twice")
        tensors[tensor["name"]] = _read_tensor(tensor)
    return tensors


def _read_tensor(tensor: Mapping[str, Any]) -> NDArray[Any]:
    name, shape, datatype, data = tensor["name"], tensor.get("shape"), tensor.get("datatype"), tensor.get("data")
    parameters = tensor.get("parameters") or {}
    if not isinstance(shape, list) or not all(isinstance(size, int) and not isinstance(size, bool) and size >= 0 for size in shape):
        raise Refused(400, f"input {name}: `shape` must be a list of whole numbers")
    if len(shape) > DEEPEST:
        raise Refused(400, f"input {name}: `shape` has {len(shape)} dimensions, at most {DEEPEST} are read")
    if not isinstance(parameters, dict):
        raise Refused(400, f"input {name}: `parameters` must be an object")
    if isinstance(data, bytes):
        return _shaped(name, shape, _from_bytes(name, datatype, data))
    if not isinstance(data, list):
        raise Refused(400, f"input {name}: `data` must be a list")
    if datatype == "BYTES":
        values = _texts(name, data)
        if name == ITEM or parameters.get("content_type") == "base64":
            values = np.asarray([decode_base64(name, index, value) for index, value in enumerate(values)], dtype=object)
    elif isinstance(datatype, str) and datatype in ELEMENTS:
        try:
            values = np.asarray(data, dtype=ELEMENTS[datatype])
        except (ValueError, TypeError, OverflowError) as error:
            raise Refused(400, f"input {name}: `data` is not {datatype}: {error}", misfit=Misfit.TYPE) from error
    else:
        raise Refused(400, f"input {name}: datatype {datatype!r} is not one of {', '.join(ELEMENTS)}")
    return _shaped(name, shape, values)


def _from_bytes(name: str, datatype: object, data: bytes) -> NDArray[Any]:
    """Elements as they lie in memory, little-endian; of BYTES each one after its length in four bytes."""
    if datatype == "BYTES":
        elements: list[bytes] = []
        at = 0
        while at < len(data):
            size = int.from_bytes(data[at : at + 4], "little")
            if at + 4 + size > len(data):
                raise Refused(400, f"input {name}: element {len(elements)} is cut off")
            elements.append(data[at + 4 : at + 4 + size])
            at += 4 + size
        return _objects([element if name == ITEM else element.decode("utf-8", "replace") for element in elements])
    if not isinstance(datatype, str) or datatype not in ELEMENTS:
        raise Refused(400, f"input {name}: datatype {datatype!r} is not one of {', '.join(ELEMENTS)}")
    element = np.dtype(ELEMENTS[datatype])
    if len(data) % element.itemsize:
        raise Refused(400, f"input {name}: {len(data)} bytes are no whole number of {datatype}")
    return np.frombuffer(data, dtype=element.newbyteorder("<")).astype(element)


def _objects(elements: list[Any]) -> NDArray[Any]:
    values = np.empty(len(elements), dtype=object)
    values[:] = elements
    return values


def _shaped(name: str, shape: list[int], values: NDArray[Any]) -> NDArray[Any]:
    if values.size != math.prod(shape):
        raise Refused(400, f"input {name}: `data` has {values.size} elements, `shape` {shape} asks for {math.prod(shape)}", misfit=Misfit.SHAPE)
    try:
        return values.reshape(shape)
    except (ValueError, OverflowError) as error:  # a size beyond what an array can have, beside a size of 0
        raise Refused(400, f"input {name}: `shape` {shape} is not possible: {error}") from error


def _texts(name: str, data: list[Any]) -> NDArray[Any]:
    """The strings of a BYTES tensor, flat or nested as deep as tensors get."""
    for _ in range(DEEPEST):
        if not any(isinstance(value, list) for value in data):
            break
        data = [leaf for value in data for leaf in (value if isinstance(value, list) else [value])]
    if not all(isinstance(value, str) for value in data):
        raise Refused(400, f"input {name}: the elements of a BYTES tensor must be strings", misfit=Misfit.TYPE)
    return np.asarray(data, dtype=object)


def decode_base64(name: str, index: int, text: str) -> bytes:
    """One element of a tensor that carries bytes as text.

    Raises:
        Refused: 400 when it is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(400, f"input {name}: element {index} is not base64: {error}", misfit=Misfit.TYPE) from error


def write_outputs(prediction: Prediction, model: Model, wanted: object) -> list[dict[str, Any]]:
    """The tensors of an infer answer; only those named in the request's `outputs`, if it names any.

    Raises:
        Refused: 400 for a name that the model does not answer.
    """
    names = _names(wanted)
    if unknown := [name for name in names if name not in prediction.outputs]:
        raise Refused(400, f"unknown outputs: {', '.join(unknown)}; the model answers {', '.join(prediction.outputs)}")
    datatypes = {tensor.name: tensor.datatype for tensor in model.outputs}
    return [
        {"name": name, "shape": list(values.shape), "datatype": _datatype(values, datatypes.get(name)), "data": plain(values.reshape(-1))}
        for name, values in prediction.outputs.items()
        if not names or name in names
    ]


def _names(wanted: object) -> list[str]:
    asked = [] if wanted is None else wanted
    if not isinstance(asked, list) or not all(isinstance(output, dict) and isinstance(output.get("name"), str) for output in asked):
        raise Refused(400, "`outputs` must be a list of objects with a `name`")
    return [output["name"] for output in asked]


def _datatype(values: NDArray[Any], declared: str | None) -> str:
    return DATATYPES.get(values.dtype) or declared or "BYTES"


def plain(values: NDArray[Any]) -> list[Any]:
    """An array as JSON values: numbers that JSON cannot say (NaN, infinity) become null, bytes become base64 text."""
    if values.dtype.kind in "biu":
        return list(values.tolist())
    return [_plain_value(value) for value in values.tolist()]


def _plain_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain_value(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value if isinstance(value, bool | int | float | str | None) else str(value)
