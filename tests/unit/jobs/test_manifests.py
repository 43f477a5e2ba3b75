"""Sources that are one file with a row for each item: in a claim, without any server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.jobs.claim_shelf import ClaimShelf
from treadle.contracts.labels import LabelSchema
from treadle.contracts.sync import Source, SourceFields, SyncSpec
from treadle.jobs._labelling_tasks import Before, labelling_tasks
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

    def shown(self, task: str, found: Found) -> list[dict[str, Any]]:
        """What people see of the items: the fields of their labelling tasks, without our own."""
        before = Before(labels={}, answers={}, notes=None, schema=LabelSchema(task=task))
        tasks: list[Any] = list(labelling_tasks(Store(self.shelf.store), TASKS[task], found.items, before))
        return [{field: each["data"][field] for field in each["data"] if not field.startswith("treadle")} for each in tasks]


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


PAIR = {"prompt": "Why is the sky blue?", "first": "It mirrors the sea.", "second": "Air scatters blue light most."}


def test_people_see_the_prompt_and_both_texts_of_a_row(manifest: Manifest) -> None:
    found = manifest.find("PairwisePreference", json.dumps({"id": 7, "model_a": "m/1", **PAIR}) + '\n{"first": "Yes.", "second": "No."}')
    assert found.unreadable == []
    shown = manifest.shown("PairwisePreference", found)
    assert sorted(shown, key=lambda each: each["prompt"]) == [{"prompt": "", "first": "Yes.", "second": "No."}, PAIR]


def test_a_row_of_the_same_words_is_the_same_item_however_it_is_written_down(manifest: Manifest) -> None:
    (item,) = manifest.find("PairwisePreference", json.dumps(PAIR)).items
    (again,) = manifest.find("PairwisePreference", json.dumps(dict(reversed(PAIR.items()))).replace(" sky", " \\u0073ky")).items
    (of_csv,) = manifest.find("PairwisePreference", "second,first,prompt\n{second},{first},{prompt}\n".format(**PAIR), "rows.csv").items
    assert item == again
    assert (of_csv.sha256, of_csv.uri) == (item.sha256, item.uri)
    assert item.uri == f"pvc://data/sets/texts/{item.sha256}.json"
    kept = Store(manifest.shelf.store).read(item.uri)
    assert kept.decode() == '{"first":"It mirrors the sea.","prompt":"Why is the sky blue?","second":"Air scatters blue light most."}'


def test_the_fields_of_pairs_may_have_other_names_and_a_prompt_may_be_the_group(manifest: Manifest) -> None:
    fields = SourceFields(id="n", prompt="question", first="answer_a", second="answer_b", group="question")
    row = {"n": 1, "question": "Why?", "answer_a": "A.", "answer_b": "B."}
    found = manifest.find("PairwisePreference", json.dumps(row) + '\n{"n": 2, "answer_a": " ", "answer_b": "B."}', fields=fields)
    assert manifest.shown("PairwisePreference", found) == [{"prompt": "Why?", "first": "A.", "second": "B."}]
    assert [(item.key, item.group) for item in found.items] == [("pvc://data/rows.jsonl#1", "Why?")]
    assert [(bad.uri, bad.why) for bad in found.unreadable] == [("pvc://data/rows.jsonl line 2", "the field answer_a: it is blank")]
