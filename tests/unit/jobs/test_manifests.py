"""Sources that are one file with a row for each item: in a claim, without any server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.jobs.claim_shelf import ClaimShelf
from treadle.contracts.labels import LabelSchema
from treadle.contracts.sync import Source, SourceFields, SyncSpec
from treadle.jobs._listing import Found, find
from treadle.jobs._store import Store
from treadle.tasks import TASKS


class Manifest:
    """One file of rows, and what a sync finds in it."""

    def __init__(self, folder: Path) -> None:
        self.shelf = ClaimShelf(folder)

    def find(self, task: str, content: str | bytes, name: str = "rows.jsonl", fields: SourceFields | None = None) -> Found:
        (self.shelf.root / name).write_bytes(content.encode() if isinstance(content, str) else content)
        labels = LabelSchema(task=task, labels=TASKS[task].silent)
        source = Source(name="rows", uri=f"pvc://data/{name}", fields=fields)
        spec = SyncSpec(labels=labels, sources=(source,), destination=self.shelf.sets, store=self.shelf.store)
        return find(Store(self.shelf.store), spec, TASKS[task])


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return Manifest(tmp_path)


@pytest.mark.parametrize("half", [rb'{"text": "\ud83d"}', b'{"text": "\xed\xa0\xbd"}', rb'{"text": "fine", "group": "\udc00"}'])
def test_a_row_with_half_a_character_is_told_and_stops_no_other(manifest: Manifest, half: bytes) -> None:
    found = manifest.find("TextClassification", half + b'\n{"text": "whole: \\ud83d\\ude00"}\n', fields=SourceFields(group="group"))
    assert [item.size for item in found.items] == [len("whole: 😀".encode())]
    (bad,) = found.unreadable
    assert bad.uri == "pvc://data/rows.jsonl line 1"
    assert bad.why.startswith("not JSON in UTF-8: ")
