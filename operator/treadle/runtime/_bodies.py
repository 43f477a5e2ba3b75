"""Reads the JSON body of a request, within its bounds."""

import asyncio
import json
import time
from typing import Any

from pydantic_core import from_json

from treadle.contracts.serving import RuntimeLimits
from treadle.runtime._asked import Asked
from treadle.runtime._errors import Refused

JSON_TYPES = ("application/json", "application/octet-stream", "application/x-www-form-urlencoded")
"""What a JSON body may be declared as; the last is what curl says unasked."""

HEADER_LENGTH = "inference-header-content-length"
"""Header: how many bytes of the body are JSON; after them come the data of tensors, as bytes."""
BINARY_SIZE = "binary_data_size"
"""Parameter of an input: how many of these bytes are its own."""
CALLER_LEFT = 499
"""Of a request whose caller hung up before it was sent, as nginx counts it: nobody gets the answer, and it is no failure of ours."""


class Body:
    """The body of a request: read when it is first wanted, known from then on. So is what is wrong with it.

    Attributes:
        content: None until it was read whole.
        seconds: what it took to come; not the model's time.
    """

    def __init__(self, asked: Asked, limits: RuntimeLimits) -> None:
        self._asked, self._limits = asked, limits
        self._refused: Refused | None = None
        self.content: bytes | None = None
        self.seconds = 0.0

    async def read(self) -> bytes:
        """The body as it came.

        Raises:
            Refused: see `read_bytes`.
        """
        if self._refused is not None:
            raise self._refused
        if self.content is None:
            began = time.perf_counter()
            try:
                self.content = await read_bytes(self._asked, self._limits.request_bytes)
            except Refused as refused:
                self._refused = refused
                raise
            finally:
                self.seconds = time.perf_counter() - began
        return self.content

    async def read_in_time(self) -> bytes:
        """The body, if it comes within the time that a request has.

        Raises:
            Refused: as `read` does, and 504 when it does not.
        """
        try:
            async with asyncio.timeout(self._limits.request_seconds):
                return await self.read()
        except TimeoutError:
            self._refused = Refused(504, f"the request was not sent within {self._limits.request_seconds:g} s")
            raise self._refused from None


async def read_json(asked: Asked, limit: int) -> dict[str, Any]:
    """The body as a JSON object of at most `limit` bytes.

    Raises:
        Refused: 413 when it is larger, 415 when it is not declared as JSON, 400 when it is not a JSON object, 499 when its caller hung up.
    """
    return parse_json(asked, await read_bytes(asked, limit))


def parse_json(asked: Asked, content: bytes) -> dict[str, Any]:
    """The body of a request, which was read already, as a JSON object.

    Raises:
        Refused: 415 when it is not declared as JSON, 400 when it is not a JSON object, or when what follows the JSON does not fit it.
    """
    content, binaries = _divided(asked, content)
    declared = asked.headers.get("content-type", JSON_TYPES[0]).split(";")[0].strip().lower()
    if declared not in JSON_TYPES:
        raise Refused(415, f"content type {declared} is not understood; send application/json")
    try:
        body = _parsed(content)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Refused(400, "the body must be a JSON object")
    if binaries is not None:
        _attach(body, binaries)
    return body


def _parsed(content: bytes) -> Any:
    """By a fast parser; what that one refuses by the standard library's, which takes half a surrogate pair and says in known words what is wrong."""
    try:
        return from_json(content)
    except ValueError:
        return json.loads(content)


def _divided(asked: Asked, content: bytes) -> tuple[bytes, bytes | None]:
    """The JSON and what follows it, None where nothing is announced: the protocol's extension for binary data, which Triton's clients speak."""
    length = asked.headers.get(HEADER_LENGTH)
    if length is None:
        return content, None
    if not length.isdecimal() or len(length) > len(str(len(content))) or int(length) > len(content):
        raise Refused(400, f"{HEADER_LENGTH} says {length[:20]}, the body has {len(content)} bytes")
    return content[: int(length)], content[int(length) :]


def _attach(body: dict[str, Any], binaries: bytes) -> None:
    """Give each tensor its own part of what follows the JSON, in order, as its `data`.

    Raises:
        Refused: 400 when sizes do not add up.
    """
    at = 0
    inputs = body.get("inputs")
    for tensor in inputs if isinstance(inputs, list) else ():
        parameters = tensor.get("parameters") if isinstance(tensor, dict) else None
        size = parameters.get(BINARY_SIZE) if isinstance(parameters, dict) else None
        if size is None:
            continue
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(binaries) - at:
            raise Refused(400, f"{BINARY_SIZE} {str(size)[:20]} does not fit the {len(binaries)} bytes that follow the JSON")
        tensor["data"] = binaries[at : at + size]
        at += size
    if at != len(binaries):
        raise Refused(400, f"{len(binaries) - at} bytes follow the JSON that belong to no input")


async def read_bytes(asked: Asked, limit: int) -> bytes:
    """The body as it came.

    Raises:
        Refused: 413 when it is larger than `limit` bytes, 499 when its caller hung up before all of it was there.
    """
    too_large = Refused(413, f"the body is larger than {limit} bytes")
    announced = asked.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limit:
        raise too_large
    content, more = b"", True
    chunks: list[bytes] = []
    size = 0
    while more:
        message = await asked.receive()
        if message["type"] == "http.disconnect":
            raise Refused(CALLER_LEFT, "the caller hung up before the request was sent")
        content, more = message.get("body", b""), message.get("more_body", False)
        size += len(content)
        if size > limit:
            raise too_large
        chunks.append(content)
    return content if len(chunks) == 1 else b"".join(chunks)
