"""What cannot be read, or what a store does not give: pictures in a claim, of which it refuses some."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.unit.jobs.claim_shelf import COLOURS, ClaimShelf
from treadle.contracts.stores import StoreConnection
from treadle.contracts.sync import Source, SyncSpec
from treadle.jobs._listing import Found, find
from treadle.jobs._store import Refused, Store
from treadle.tasks import TASKS


class Guarded(Store):
    """A store that refuses objects by the ends of their names; True: since the keys may be wrong."""

    def __init__(self, connection: StoreConnection, refused: Mapping[str, bool]) -> None:
        super().__init__(connection)
        self._refused = refused

    def read(self, uri: str) -> bytes:
        for end, of_keys in self._refused.items():
            if uri.endswith(end):
                raise Refused(f"the store refuses the keys for {uri}", "the store refuses it", of_keys=of_keys)
        return super().read(uri)


class Sources:
    """Folders of a claim, each a source."""

    def __init__(self, folder: Path) -> None:
        self.shelf = ClaimShelf(folder)

    def put(self, folder: str, name: str, shade: int | None) -> None:
        """A picture of a shade; or what is none."""
        (self.shelf.root / "raw" / folder).mkdir(exist_ok=True)
        if shade is None:
            (self.shelf.root / "raw" / folder / name).write_text("no picture")
        else:
            self.shelf.picture(f"{folder}/{name}", shade)

    def find(self, refused: Mapping[str, bool]) -> Found:
        folders = sorted(path.name for path in (self.shelf.root / "raw").iterdir())
        sources = tuple(Source(name=name, uri=f"pvc://data/raw/{name}/") for name in folders)
        spec = SyncSpec(labels=COLOURS, sources=sources, destination=self.shelf.sets, store=self.shelf.store)
        return find(Guarded(self.shelf.store, refused), spec, TASKS["ImageClassification"])


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    found = Sources(tmp_path)
    found.put("shelf", "1.png", 1)
    found.put("shelf", "2.png", 2)
    found.put("theirs", "3.png", 3)
    return found


def test_one_object_that_is_refused_is_left_out_with_the_reason(sources: Sources) -> None:
    found = sources.find({"2.png": True})
    assert [item.uri.rpartition("/")[2] for item in found.items] == ["1.png", "3.png"]
    assert [(each.uri, each.why) for each in found.unreadable] == [("pvc://data/raw/shelf/2.png", "the store refuses it")]


def test_where_the_keys_are_refused_for_all_of_a_source_nothing_is_concluded(sources: Sources) -> None:
    with pytest.raises(Refused, match=r"theirs/3\.png"):
        sources.find({"3.png": True})


def test_a_source_whose_only_object_cannot_be_given_to_anybody_stops_no_other(sources: Sources) -> None:
    assert len(sources.find({"3.png": False}).items) == 2


def test_what_was_given_and_is_no_picture_proves_the_keys_too(sources: Sources) -> None:
    sources.put("theirs", "notes.txt", None)
    found = sources.find({"3.png": True})
    assert (len(found.items), len(found.unreadable)) == (2, 2)


def test_what_cannot_be_read_is_told_in_the_same_words_each_time(sources: Sources) -> None:
    sources.put("shelf", "notes.txt", None)
    assert sources.find({}).unreadable == sources.find({}).unreadable
