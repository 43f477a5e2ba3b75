"""Which split an item is in, version after version, while percentages, groups and names change: what was trained with is never measured with."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.unit.jobs.claim_shelf import COLOURS, ClaimShelf
from treadle.contracts.dataset import DatasetItem, Split, Splits
from treadle.contracts.labels import ClassLabel
from treadle.contracts.quality import ConsensusPolicy
from treadle.contracts.release import ReleaseResult, ReleaseSpec
from treadle.contracts.sync import KeptLabels, Source, SourceLabels, SyncResult, SyncSpec
from treadle.jobs._division import Division
from treadle.statistics.splits import split_of

FIRST = Splits(train=80, validation=10, test=10)
LATER = Splits(train=60, validation=10, test=30)


class GrowingShelf(ClaimShelf):
    """Pictures in folders, all of them labelled, and a version whenever one is asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.names: dict[int, str] = {}

    def add(self, count: int) -> None:
        for shade in range(len(self.names), len(self.names) + count):
            self.add_one(shade)

    def add_one(self, shade: int) -> None:
        self.names[shade] = f"{shade // 3:02}/{shade:03}.png"
        (self.root / "raw" / self.names[shade]).parent.mkdir(exist_ok=True)
        self.picture(self.names[shade], shade)

    def rename(self, shade: int) -> None:
        (self.root / "raw" / self.names[shade]).rename(self.root / "raw" / f"renamed-{shade}.png")
        self.names[shade] = f"renamed-{shade}.png"

    def release(self, splits: Splits, group_by: str = "") -> ReleaseResult:
        self.write_labels(*((name, "red", who) for name in self.names.values() for who in "12"))
        labels = SourceLabels(format="Jsonl", uri="pvc://data/raw/labels.jsonl")
        source = Source(name="old", uri="pvc://data/raw/", labels=labels, group_by=group_by)
        kept = KeptLabels(annotations_per_item=2)
        synced = self.result(SyncSpec(labels=COLOURS, sources=(source,), destination=self.sets, store=self.store, keep=kept), SyncResult)
        measured = self.quality(synced, ConsensusPolicy())
        wanted = ReleaseSpec(labels=COLOURS, destination=self.sets, store=self.store, snapshot=measured.snapshot, items=synced.listing, splits=splits)
        return self.result(wanted, ReleaseResult)

    def splits(self, version: int) -> dict[int, Split]:
        """By shade: the only thing of a picture that nothing here changes."""
        found = self.items(version)
        return {shade: found[name.rpartition("/")[2]]["split"] for shade, name in self.names.items() if name.rpartition("/")[2] in found}


@pytest.fixture
def shelf(tmp_path: Path) -> GrowingShelf:
    grown = GrowingShelf(tmp_path)
    grown.add(60)
    assert grown.release(FIRST).version == 1
    assert set(grown.splits(1).values()) == {"train", "validation", "test"}
    return grown


def test_other_percentages_hold_for_new_items_only(shelf: GrowingShelf) -> None:
    before = shelf.splits(1)
    shelf.add(60)
    assert shelf.release(LATER).version == 2
    after = shelf.splits(2)
    assert {shade: after[shade] for shade in before} == before
    new = {shelf.items(2)[f"{shade:03}.png"]["key"]: after[shade] for shade in range(60, 120)}
    assert new == {key: split_of(key, seed="", train=60, validation=10) for key in new}


def test_other_percentages_alone_are_no_new_version(shelf: GrowingShelf) -> None:
    found = shelf.release(LATER)
    assert (found.version, found.created) == (1, False)


def test_a_renamed_object_stays_in_its_split(shelf: GrowingShelf) -> None:
    before = shelf.splits(1)
    for shade in range(0, 60, 2):
        shelf.rename(shade)
    assert shelf.release(LATER).version == 2
    assert shelf.splits(2) == before


@pytest.mark.parametrize("splits", [FIRST, LATER], ids=["the same percentages", "other percentages"])
def test_another_grouping_moves_nothing_that_was_trained_with(shelf: GrowingShelf, splits: Splits) -> None:
    before = shelf.splits(1)
    shelf.add(1)
    assert shelf.release(splits, "{parent}").version == 2
    after = shelf.splits(2)
    folders = defaultdict(set)
    for shade, split in after.items():
        folders[shade // 3].add(split)
    assert all(len(found) == 1 for found in folders.values()), "a group is never divided"
    seen = {"train": 0, "validation": 1, "test": 2}
    assert all(seen[after[shade]] <= seen[before[shade]] for shade in before), "nothing comes to where less was seen"


def test_a_group_that_grows_stays_where_it_is(tmp_path: Path) -> None:
    shelf = GrowingShelf(tmp_path)
    shelf.add(58)
    shelf.release(FIRST, "{parent}")
    before = shelf.splits(1)
    shelf.add(2)
    shelf.release(Splits(train=0, validation=0, test=100), "{parent}")
    after = shelf.splits(2)
    assert {after[57], after[58], after[59]} == {before[57]}


def test_what_a_damaged_version_held_is_known_from_the_one_before_it(shelf: GrowingShelf) -> None:
    before = shelf.splits(1)
    shelf.add(3)
    assert shelf.release(LATER).version == 2
    (shelf.root / "sets" / "v0002" / "items.jsonl").unlink()
    shelf.add(3)
    assert shelf.release(LATER).version == 3
    assert {shade: split for shade, split in shelf.splits(3).items() if shade in before} == before


def test_what_no_version_holds_for_a_while_comes_back_to_its_split(shelf: GrowingShelf) -> None:
    before = shelf.splits(1)
    away = {shade: shelf.names.pop(shade) for shade in range(0, 60, 2)}
    for version in (2, 3):
        shelf.add_one(100 + version)
        assert shelf.release(LATER).version == version
        assert shelf.splits(version).keys() == shelf.names.keys()
    shelf.names |= away
    for shade in range(0, 60, 4):
        shelf.rename(shade)
    assert shelf.release(LATER).version == 4
    assert {shade: split for shade, split in shelf.splits(4).items() if shade in before} == before
    assert "raw" not in (shelf.root / "sets" / "v0003" / "earlier.jsonl").read_text(), "no item is named that is gone"


def held(key: str, split: Split, **more: Any) -> DatasetItem:
    return DatasetItem(key=key, uri=f"s3://b/{key}", sha256=more.pop("sha256", "0" * 64), label=ClassLabel(label="can"), split=split, **more)


def test_two_objects_that_changed_places_are_both_trained_with() -> None:
    division = Division(Splits(train=0, validation=0, test=100), [held("a", "train", sha256="a" * 64), held("b", "test", sha256="b" * 64)])
    division.join("a", "a")
    division.join("b" * 64, "a")
    division.join("b", "b")
    division.join("a" * 64, "b")
    assert (division.split("a"), division.split("b"), division.split("c")) == ("train", "train", "test")
