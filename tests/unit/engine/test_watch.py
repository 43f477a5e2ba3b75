"""kopf keeps the watches open; what they bring is taken out of them before kopf would make work of it."""

import json
from collections.abc import AsyncIterator, Sequence
from itertools import islice
from typing import Any

import pytest

from treadle.engine._watch import LONGEST_BACKOFF, Backoffs, Tapped
from treadle.plan import Object


class Stream:
    """An answer's content that comes in these pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    def exception(self) -> BaseException | None:
        return ConnectionResetError()

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


def event(type_: str, name: str, version: int) -> bytes:
    return json.dumps({"type": type_, "object": {"kind": "Job", "metadata": {"name": name, "resourceVersion": str(version)}}}).encode() + b"\n"


BOOKMARK = json.dumps({"type": "BOOKMARK", "object": {"kind": "Job", "metadata": {"resourceVersion": "50"}}}).encode() + b"\n"
EXPIRED = json.dumps({"type": "ERROR", "object": {"kind": "Status", "code": 410}}).encode() + b"\n"


async def through(*pieces: bytes) -> tuple[list[tuple[str, ...]], list[Any]]:
    """What is told of the pieces, at once each, and what is left of them."""
    told: list[tuple[str, ...]] = []

    def changed(changes: Sequence[tuple[str, Object]]) -> None:
        told.append(tuple(f"{type_} {this['metadata']['name']}" for type_, this in changes))

    left = b"".join([piece async for piece in Tapped(Stream(*pieces), changed).iter_chunked(1024)])  # type: ignore[arg-type]
    return told, [json.loads(line) for line in left.splitlines()]


async def test_changes_that_come_together_are_told_together_and_kopf_hears_how_far_they_came() -> None:
    told, left = await through(event("ADDED", "a", 7) + event("MODIFIED", "b", 8), event("DELETED", "a", 9))
    assert told == [("ADDED a", "MODIFIED b"), ("DELETED a",)]
    assert [(each["type"], each["object"]["metadata"]) for each in left] == [
        ("BOOKMARK", {"resourceVersion": "8"}),
        ("BOOKMARK", {"resourceVersion": "9"}),
    ]


@pytest.mark.parametrize("cut", range(1, 20, 6))
async def test_a_change_that_comes_in_pieces_is_told_once_it_is_whole(cut: int) -> None:
    text = event("ADDED", "a", 7) + event("ADDED", "b", 8)
    pieces = [text[at : at + cut] for at in range(0, len(text), cut)]
    told, left = await through(*pieces)
    assert [name for names in told for name in names] == ["ADDED a", "ADDED b"]
    assert left[-1]["object"]["metadata"]["resourceVersion"] == "8"


async def test_what_is_no_change_stays_for_kopf_in_its_place() -> None:
    told, left = await through(event("ADDED", "a", 7) + BOOKMARK, event("ADDED", "b", 51) + EXPIRED, b"\n")
    assert told == [("ADDED a",), ("ADDED b",)]
    assert [each["type"] for each in left] == ["BOOKMARK", "ERROR"], "a later bookmark says more than ours would"
    assert left[0]["object"]["metadata"]["resourceVersion"] == "50"


async def test_of_a_watch_that_is_cut_in_a_change_the_rest_is_dropped() -> None:
    told, left = await through(event("ADDED", "a", 7) + event("ADDED", "b", 8)[:-9])
    assert told == [("ADDED a",)]
    assert len(left) == 1


async def test_how_the_content_ended_can_still_be_asked() -> None:
    tapped: Any = Tapped(Stream(), lambda changes: None)  # type: ignore[arg-type]
    assert isinstance(tapped.exception(), ConnectionResetError)


def test_a_request_of_the_watch_is_never_given_up_and_never_pauses_for_long() -> None:
    backoffs = Backoffs()
    first, second = list(islice(backoffs, 100)), list(islice(backoffs, 100))
    assert first == second
    assert len(first) == 100
    assert max(first) == LONGEST_BACKOFF
