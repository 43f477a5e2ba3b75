"""With `removed: Keep`: items that people answered, and that are gone before any version holds them, hold up no release and keep what was known."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.unit.jobs.claim_shelf import ClaimShelf
from treadle.api.reasons import Reason
from treadle.contracts.labels import LabelClass, LabelSchema
from treadle.contracts.release import ReleaseResult, ReleaseSpec
from treadle.contracts.stores import Blob
from treadle.contracts.sync import Item, KeptLabels, Source, SourceLabels, SyncResult, SyncSpec
from treadle.jobs._lines import from_lines, to_lines

BOXES = LabelSchema(task="ObjectDetection", labels=(LabelClass(name="can"),))
BOX = {"shape": "Boxes", "boxes": [{"label": "can", "x": 1, "y": 2, "width": 10, "height": 5}]}


class Emptied(ClaimShelf):
    """Three pictures with boxes, the second of which is gone from the source once all were answered."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (self.root / "raw" / "night").mkdir()
        for shade, name in enumerate(("night/a.png", "night/b.png", "c.png")):
            self.picture(name, shade)
        lines = [json.dumps({"uri": name, "label": BOX}) for name in ("night/a.png", "night/b.png", "c.png")]
        (self.root / "raw" / "labels.jsonl").write_text("\n".join(lines))
        self.full = self.listed()
        assert self.full.annotations is not None
        self.answers: Blob = self.full.annotations

    def listed(self) -> SyncResult:
        labels = SourceLabels(format="Jsonl", uri="pvc://data/raw/labels.jsonl")
        source = Source(name="old", uri="pvc://data/raw/", labels=labels, group_by="{parent}")
        return self.result(SyncSpec(labels=BOXES, sources=(source,), destination=self.sets, store=self.store, keep=KeptLabels()), SyncResult)

    def empty(self) -> SyncResult:
        (self.root / "raw" / "night" / "b.png").unlink()
        return self.listed()

    def release_spec(self, synced: SyncResult, **more: Any) -> ReleaseSpec:
        wanted = {"labels": BOXES, "destination": self.sets, "store": self.store, "snapshot": self.answers, "items": synced.listing}
        return ReleaseSpec.model_validate({**wanted, "removed": "Keep", "formats": ("Coco",), **more})

    def release(self, synced: SyncResult, **more: Any) -> ReleaseResult:
        return self.result(self.release_spec(synced, **more), ReleaseResult)


@pytest.fixture
def shelf(tmp_path: Path) -> Emptied:
    return Emptied(tmp_path)


def test_what_went_before_the_first_version_keeps_its_size_and_its_group(shelf: Emptied) -> None:
    released = shelf.release(shelf.empty())
    assert (released.version, released.items, released.excluded) == (1, 3, {})
    items = shelf.items(1)
    assert items["b.png"]["image"] == {"width": 40, "height": 20}
    assert (items["b.png"]["group"], items["b.png"]["source"]) == ("night", "old")
    assert items["b.png"]["split"] == items["a.png"]["split"]
    coco = [json.loads(path.read_text()) for path in (shelf.root / "sets/v0001/exports/Coco/annotations").iterdir()]
    assert sum(len(each["images"]) for each in coco) == 3


def test_what_no_listing_knows_any_more_is_left_out_where_its_size_is_needed(shelf: Emptied) -> None:
    shutil.rmtree(shelf.root / "sets" / "items")
    synced = shelf.empty()
    assert shelf.release(synced).excluded == {"Removed": 1}
    assert shelf.release(synced, formats=("Jsonl",)).items == 3


def test_what_cannot_be_copied_any_more_is_left_out_of_a_version_of_copies(shelf: Emptied) -> None:
    released = shelf.release(shelf.empty(), content="Embed")
    assert (released.items, released.excluded) == (2, {"Removed": 1})


def test_what_was_copied_while_it_was_there_stays(shelf: Emptied) -> None:
    shelf.release(shelf.full, content="Embed")
    held = shelf.items(1)["b.png"]["held"]
    released = shelf.release(shelf.empty(), content="Embed", formats=("Coco", "Yolo"))
    assert (released.version, released.items, released.excluded) == (2, 3, {})
    assert shelf.items(2)["b.png"]["held"] == held


@pytest.mark.parametrize("more", [{}, {"content": "Embed"}, {"formats": ("Jsonl",)}], ids=["referred to", "copied", "without sizes"])
@pytest.mark.parametrize("released_before", [False, True])
def test_an_item_with_other_content_at_its_place_is_left_out(shelf: Emptied, more: dict[str, Any], released_before: bool) -> None:
    if released_before:
        shelf.release(shelf.full, **more)
    shelf.picture("night/b.png", 99)
    released = shelf.release(shelf.listed(), **more)
    assert (released.items, released.excluded) == (2, {"Removed": 1})


def test_a_damaged_version_holds_up_none_that_keeps_what_is_gone(shelf: Emptied) -> None:
    shelf.release(shelf.full, content="Embed")
    (shelf.root / "sets/v0001/items.jsonl").unlink()
    released = shelf.release(shelf.empty(), formats=("Coco", "Yolo"))
    assert (released.version, released.items, released.excluded) == (2, 3, {})


def test_nothing_left_is_told(shelf: Emptied) -> None:
    shelf.picture("other.png", 100)
    for name in ("night/a.png", "night/b.png", "c.png"):
        (shelf.root / "raw" / name).unlink()
    failure = shelf.failure(shelf.release_spec(shelf.listed(), content="Embed"))
    assert failure.reason is Reason.NothingToRelease
    assert "3 Removed" in failure.message


def test_what_people_were_measured_by_is_not_released_when_it_is_no_gold_item_any_more(shelf: Emptied) -> None:
    path = shelf.root / shelf.full.listing.uri.removeprefix("pvc://data/")
    items = list(from_lines(Item, path.read_bytes()))
    label = next(iter(json.loads(line)["label"] for line in (shelf.root / "raw" / "labels.jsonl").read_text().splitlines()))
    gold = [Item.model_validate(item.model_dump() | ({"gold": label} if item.key.endswith("b.png") else {})) for item in items]
    path.write_bytes(to_lines(gold))
    released = shelf.release(shelf.empty())
    assert (released.items, released.excluded) == (2, {})
