"""How many items whoever proposes labels was never asked about: what a sync tells, so that only so many pods are made as are needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.jobs.claim_shelf import COLOURS, ClaimShelf
from treadle.contracts.sync import GoldSource, KeptLabels, Source, SyncResult, SyncSpec

SOURCE = Source(name="new", uri="pvc://data/raw/")


@pytest.fixture
def shelf(tmp_path: Path) -> ClaimShelf:
    found = ClaimShelf(tmp_path)
    for shade in range(5):
        found.picture(f"{shade}.png", shade)
    return found


def sync(shelf: ClaimShelf, asked: str | None = None, gold: GoldSource | None = None) -> SyncResult:
    """What a sync finds that is told about which listing labels were proposed."""
    spec = SyncSpec(labels=COLOURS, sources=(SOURCE,), destination=shelf.sets, store=shelf.store, keep=KeptLabels(), asked=asked, gold=gold)
    return shelf.result(spec, SyncResult)


def test_nobody_knows_while_nobody_was_asked(shelf: ClaimShelf) -> None:
    assert sync(shelf).unasked is None


def test_new_and_changed_items_are_those_that_nobody_was_asked_about_however_often_was_synced_since(shelf: ClaimShelf) -> None:
    first = sync(shelf).listing.sha256
    assert sync(shelf, first).unasked == 0
    shelf.picture("5.png", 5)
    second = sync(shelf, first)
    assert second.unasked == 1
    shelf.picture("0.png", 100)
    (shelf.root / "raw" / "1.png").unlink()
    assert sync(shelf, first).unasked == 2
    assert sync(shelf, second.listing.sha256).unasked == 1


def test_an_item_that_is_gold_no_more_was_never_asked_about(shelf: ClaimShelf) -> None:
    shelf.write_labels(("0.png", "red", ""))
    asked = sync(shelf, gold=GoldSource(uri="pvc://data/raw/labels.jsonl", percent=20))
    assert asked.gold == 1
    assert sync(shelf, asked.listing.sha256).unasked == 1


@pytest.mark.parametrize("content", [None, b"", b"no listing\n"], ids=["gone", "empty", "something else"])
def test_a_list_that_is_gone_counts_nothing(shelf: ClaimShelf, content: bytes | None) -> None:
    first = sync(shelf).listing
    shelf.picture("5.png", 5)
    path = shelf.root / first.uri.removeprefix("pvc://data/")
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert sync(shelf, first.sha256).unasked == (6 if content == b"" else None)
