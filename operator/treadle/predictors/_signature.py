"""What a model takes and gives, read from an MLflow signature and told in the words of the Open Inference Protocol."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from treadle.api.reasons import Reason
from treadle.predictors._errors import NotLoadable

COLUMN_DATATYPES: Mapping[str, str] = {
    "boolean": "BOOL",
    "integer": "INT32",
    "long": "INT64",
    "float": "FP32",
    "double": "FP64",
    "string": "BYTES",
    "binary": "BYTES",
    "datetime": "BYTES",
}
"""MLflow column types, as the datatypes of OIP v2. A datetime travels as ISO 8601 text."""

TENSOR_DATATYPES: Mapping[str, str] = {
    "bool": "BOOL",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    "str": "BYTES",
    "object": "BYTES",
    "bytes": "BYTES",
}
"""numpy's names of element types, as the datatypes of OIP v2."""


@dataclass(frozen=True)
class Tensor:
    """One input or output. In `shape` the first size is the batch; -1 means any. One that its author did not name has a name of ours."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    named: bool = field(default=True, compare=False)


@dataclass(frozen=True)
class Signature:
    """All inputs and outputs of a model.

    `table` says that the inputs are the columns of one table (the model wants a data frame); otherwise each input is an array of its own.
    `optional` names columns that may be missing. A model logged without a signature has no inputs and no outputs here, and takes any one array.
    """

    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    table: bool = False
    optional: frozenset[str] = frozenset()


def read_signature(written: Mapping[str, Any] | None) -> Signature:
    """The signature as the `signature` block of an `MLmodel` file has it.

    Raises:
        NotLoadable: when it holds a type that cannot be served.
    """
    if not written:
        return Signature()
    try:
        return _read(written)
    except (AttributeError, TypeError, ValueError) as error:  # of another form than MLflow's, anywhere in it
        raise NotLoadable(Reason.ModelNotReadable, f"the signature in MLmodel is not what MLflow writes: {error}") from error


def _read(written: Mapping[str, Any]) -> Signature:
    inputs, outputs = _entries(written.get("inputs")), _entries(written.get("outputs"))
    return Signature(
        inputs=tuple(_tensor(entry, "input", index) for index, entry in enumerate(inputs)),
        outputs=tuple(_tensor(entry, "output", index) for index, entry in enumerate(outputs)),
        table=bool(inputs) and all(entry.get("type") != "tensor" for entry in inputs),
        optional=frozenset(entry["name"] for entry in inputs if entry.get("required") is False and "name" in entry),
    )


def _entries(text: str | None) -> Sequence[Mapping[str, Any]]:
    try:
        entries = json.loads(text) if text else []
    except (TypeError, ValueError, RecursionError) as error:
        raise NotLoadable(Reason.ModelNotReadable, f"the signature in MLmodel is not JSON: {error}") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise NotLoadable(Reason.ModelNotReadable, "the signature in MLmodel is not a list of inputs and outputs")
    return entries


def _tensor(entry: Mapping[str, Any], role: str, index: int) -> Tensor:
    name, named = str(entry.get("name") or f"{role}-{index}"), bool(entry.get("name"))
    kind = entry.get("type")
    if kind == "tensor":
        specification = entry.get("tensor-spec") or {}
        element = str(specification.get("dtype"))
        shape = specification.get("shape")
        if element not in TENSOR_DATATYPES or not isinstance(shape, list) or not shape:
            raise NotLoadable(Reason.ModelNotReadable, f"signature: {role} {name} has dtype {element!r} and shape {shape!r}, which cannot be served")
        return Tensor(name, TENSOR_DATATYPES[element], tuple(int(size) for size in shape), named)
    if kind not in COLUMN_DATATYPES:
        raise NotLoadable(
            Reason.ModelNotReadable, f"signature: {role} {name} has type {kind!r}; served are {', '.join(COLUMN_DATATYPES)} and tensors"
        )
    return Tensor(name, COLUMN_DATATYPES[str(kind)], (-1,), named)
