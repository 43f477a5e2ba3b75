"""Work that is done side by side: in order, never further ahead than fits into memory, and over at the first failure."""

import io
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Event, Lock
from typing import Any

import pytest
from PIL import Image

from treadle.api.reasons import Reason
from treadle.contracts.labels import ClassLabel
from treadle.contracts.stores import StoreConnection
from treadle.contracts.sync import Item
from treadle.jobs import _features, _suspicion, rank
from treadle.jobs._consensus import Judged, Verdict
from treadle.jobs._failure import JobFailure
from treadle.jobs._side_by_side import AHEAD, in_turn, side_by_side
from treadle.jobs._store import Store
from treadle.statistics.shapes import Consensus

MANY = 200


class Counted:
    """How many contents are made and not yet looked at."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.held = self.most = self.made = 0

    def make(self, number: int) -> int:
        with self._lock:
            self.made += 1
            self.held += 1
            self.most = max(self.most, self.held)
        return number

    def look_at(self, number: int) -> int:
        with self._lock:
            self.held -= 1
        return number


def test_everything_comes_in_order_and_no_more_is_held_than_was_said() -> None:
    counted = Counted()
    found = [counted.look_at(number) for number in in_turn(counted.make, range(MANY), at_once=8)]
    assert found == list(range(MANY))
    assert counted.most <= 8


def test_who_is_in_no_hurry_makes_nobody_read_ahead() -> None:
    taken: list[int] = []

    def given() -> Iterator[int]:
        for number in range(MANY):
            taken.append(number)
            yield number

    slow = in_turn(lambda number: number, given(), at_once=4)
    assert not taken, "nothing begins before somebody asks"
    assert [next(slow), next(slow)] == [0, 1]
    assert len(taken) == 5
    slow.close()
    assert len(taken) == 5


def test_as_many_work_at_once_as_there_are_threads() -> None:
    together = Barrier(4)
    assert list(in_turn(lambda number: together.wait(10) * 0 + number, range(8), at_once=4)) == list(range(8))


def test_a_slow_one_does_not_hold_up_the_others_of_a_list() -> None:
    others, done, lock = Event(), [0], Lock()

    def work(number: int) -> int:
        if number == 0:
            assert others.wait(10), "the others wait for the first one"
            return number
        with lock:
            done[0] += 1
            if done[0] == AHEAD - 1:
                others.set()
        return number

    assert side_by_side(work, range(AHEAD + 500)) == list(range(AHEAD + 500))


def test_the_first_failure_ends_all_of_it() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 3:
            raise JobFailure(Reason.Unreachable, "it does not answer")
        return number

    with pytest.raises(JobFailure, match="does not answer"):
        side_by_side(work, range(100_000))
    assert len(begun) < 100_000


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Counts what is read from the store and not yet made a row of numbers."""
    counted = Counted()
    read, image = Store.read, _features._image

    def counted_read(self: Store, uri: str) -> bytes:
        counted.make(0)
        return read(self, uri)

    def counted_image(content: bytes) -> Any:
        counted.look_at(0)
        return image(content)

    monkeypatch.setattr(Store, "read", counted_read)
    monkeypatch.setattr(_features, "_image", counted_image)
    return counted


@pytest.fixture
def photos(tmp_path: Path) -> tuple[Store, list[str]]:
    """A claim with many photos."""
    folder = tmp_path / "data"
    folder.mkdir()
    content = io.BytesIO()
    Image.new("RGB", (20, 20), (10, 20, 30)).save(content, "PNG")
    for number in range(MANY):
        (folder / f"{number}.png").write_bytes(content.getvalue())
    return Store(StoreConnection(claims=str(tmp_path))), [f"pvc://data/{number}.png" for number in range(MANY)]


def test_a_search_for_wrong_labels_holds_few_photos_at_a_time(photos: tuple[Store, list[str]], held: Counted) -> None:
    store, uris = photos
    judged = [_judged(uri, "ab"[number % 2]) for number, uri in enumerate(uris)]
    assert _suspicion.suspicion_of(store, judged, ("a", "b"), "Image") is not None
    assert held.made == MANY
    assert held.most <= _suspicion.SIDE_BY_SIDE


def test_an_order_by_what_is_in_photos_holds_few_of_them_at_a_time(photos: tuple[Store, list[str]], held: Counted) -> None:
    store, uris = photos
    items = {(uri, "1" * 64): Item(key=uri, source="s", uri=uri, sha256="1" * 64, size=1) for uri in uris}
    seen, _ = rank._rows(store, items, "Image", list(items))
    assert len(seen) == held.made == MANY
    assert held.most <= rank.SIDE_BY_SIDE


def _judged(uri: str, label: str) -> Judged:
    consensus = Consensus(label=ClassLabel(label=label), agreement=1.0)
    return Judged(uri, uri, "1" * 64, [], 0, 0, complete=True, verdict=Verdict.AGREED, consensus=consensus)
