"""The binary tensor data extension, as Triton's clients send it by default: the same tensors as from JSON, and nothing that does not add up."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from starlette.requests import Request

from treadle.predictors import ELEMENTS
from treadle.runtime._bodies import BINARY_SIZE, HEADER_LENGTH, parse_json
from treadle.runtime._errors import Refused
from treadle.runtime._tensors import read_inputs


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": raw})


def sent(tensors: dict[str, tuple[str, list[int], bytes]], surplus: bytes = b"") -> dict[str, NDArray[Any]]:
    """What is read of a request whose tensors all travel as bytes."""
    inputs = [
        {"name": name, "datatype": datatype, "shape": shape, "parameters": {BINARY_SIZE: len(data)}}
        for name, (datatype, shape, data) in tensors.items()
    ]
    head = json.dumps({"inputs": inputs}).encode()
    content = head + b"".join(data for _, _, data in tensors.values()) + surplus
    return read_inputs(parse_json(request(**{HEADER_LENGTH: str(len(head)), "content_type": "application/octet-stream"}), content))


def lengthened(*elements: bytes) -> bytes:
    return b"".join(len(element).to_bytes(4, "little") + element for element in elements)


@pytest.mark.parametrize("datatype", [name for name in ELEMENTS if name != "BYTES"])
def test_numbers_come_as_they_were(datatype: str) -> None:
    values = np.asarray([[1, 0, 1], [0, 1, 1]], dtype=ELEMENTS[datatype])
    read = sent({"x": (datatype, [2, 3], values.tobytes()), "y": (datatype, [3], values[0].tobytes())})
    assert read["x"].dtype == values.dtype
    assert read["x"].tolist() == values.tolist()
    assert read["y"].tolist() == values[0].tolist()


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_items_come_as_bytes_and_texts_as_text(elements: list[bytes]) -> None:
    read = sent({"item": ("BYTES", [len(elements)], lengthened(*elements)), "words": ("BYTES", [2], lengthened("ä".encode(), b""))})
    assert read["item"].tolist() == elements
    assert read["words"].tolist() == ["ä", ""]


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "words"),
    [
        ("FP64", [1], b"1234567", "no whole number of FP64"),
        ("FP64", [2], b"12345678", "`shape` \\[2\\] asks for 2"),
        ("BYTES", [1], b"\5\0\0\0ab", "element 0 is cut off"),
        ("BYTES", [1], b"\5\0", "element 0 is cut off"),
        ("FP128", [1], b"", "is not one of"),
    ],
)
def test_what_does_not_add_up_is_refused(datatype: str, shape: list[int], data: bytes, words: str) -> None:
    with pytest.raises(Refused, match=words):
        sent({"x": (datatype, shape, data)})


def test_bytes_that_belong_to_no_input_are_refused() -> None:
    with pytest.raises(Refused, match="3 bytes follow the JSON that belong to no input"):
        sent({"x": ("UINT8", [1], b"a")}, surplus=b"bcd")


@pytest.mark.parametrize("length", ["3", "-1", "1e3", "99999999999999999999999", "ten", ""])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    with pytest.raises(Refused):
        parse_json(request(**{HEADER_LENGTH: length}), b"{}")


@pytest.mark.parametrize("size", [-1, 2, True, "1", None, [], 1e300])
def test_a_size_that_is_none_is_refused(size: object) -> None:
    head = json.dumps({"inputs": [{"name": "x", "datatype": "UINT8", "shape": [1], "parameters": {BINARY_SIZE: size}}]}).encode()
    with pytest.raises(Refused):
        read_inputs(parse_json(request(**{HEADER_LENGTH: str(len(head))}), head + b"a"))
