"""JSON Lines of contracts: one object per line, in canonical form, so that equal content is equal bytes."""

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from itertools import accumulate
from typing import TypeVar, overload

from treadle.api.reasons import Reason
from treadle.contracts import Blob, Contract
from treadle.jobs._failure import JobFailure
from treadle.jobs._store import Store, below

Line = TypeVar("Line", bound=Contract)


def to_lines(items: Iterable[Contract]) -> bytes:
    """The items as JSON Lines."""
    lines = BytesIO()
    for item in items:
        lines.write(item.to_json().encode() + b"\n")
    return lines.getvalue()


def from_lines(type: type[Line], content: bytes) -> Iterator[Line]:  # noqa: A002
    """Read JSON Lines.

    Raises:
        ValueError: for a line that is something else (pydantic's ValidationError is one).
    """
    return (type.model_validate_json(line) for line in BytesIO(content) if line.strip())


class Lines(Sequence[Line]):
    """JSON Lines as a sequence that takes hardly more room than they do: each is read anew by whoever looks."""

    def __init__(self, type: type[Line], content: bytes) -> None:  # noqa: A002
        self._type, self._content = type, content
        self._ends = array("Q", accumulate(len(line) for line in BytesIO(content)))

    @property
    def content(self) -> bytes:
        """All of them, as they were given."""
        return self._content

    @overload
    def __getitem__(self, index: int) -> Line: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Line]: ...

    def __getitem__(self, index: int | slice) -> Line | Sequence[Line]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = range(len(self._ends))[index]
        return self._type.model_validate_json(self._content[self._ends[place - 1] if place else 0 : self._ends[place]])

    def __iter__(self) -> Iterator[Line]:
        return from_lines(self._type, self._content)

    def __len__(self) -> int:
        return len(self._ends)


def streamed(store: Store, uri: str) -> Iterator[bytes]:
    """The lines of an object, one after the other, never all of them in memory.

    Raises:
        NotThere: when there is none.
    """
    rest = b""
    for chunk in store.stream(uri):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.removesuffix(b"\r") for line in whole)
    if rest:
        yield rest


def keep(store: Store, directory: str, content: bytes) -> Blob:
    """Keep content under its own digest: made once, never changed, the same for whoever keeps the same. What is there already, as most listings and
    answers are, is not sent again.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    uri = below(directory, f"{sha256}.jsonl")
    if not store.has(uri):
        store.create(uri, content)
    return Blob(uri=uri, sha256=sha256)


def pinned(store: Store, blob: Blob) -> bytes:
    """The content that was kept.

    Raises:
        JobFailure: when it is gone or other than pinned.
    """
    content = store.read(blob.uri)
    if hashlib.sha256(content).hexdigest() != blob.sha256:
        raise JobFailure(Reason.ContentChanged, f"{blob.uri} has other content than was pinned")
    return content
