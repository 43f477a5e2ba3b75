"""JSON in and out. Most of an operator's CPU time goes here, so it is done by the parser that pydantic brings along, written in Rust."""

from typing import Any

from pydantic_core import from_json, to_json


def encode(value: Any) -> bytes:
    """Plain data as JSON.

    Raises:
        ValueError: if it is not plain data.
    """
    return to_json(value)


def decode(text: bytes) -> Any:
    """The plain data that a JSON text stands for.

    Raises:
        ValueError: if it is not JSON.
    """
    return from_json(text)
