"""Sources beyond folders, against a real bucket and a real Label Studio: manifests, groups, gold items, labels that come with the data."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image

from tests.integration.job_runs import Cut, JobProcess, cutting_proxy, store_at
from tests.integration.labelling_people import COLOURS, Person, make_project
from tests.integration.servers import LabelStudioServer, S3Server
from treadle.contracts import LabelStudioConnection
from treadle.contracts.dataset import Splits
from treadle.contracts.labels import LabelClass, LabelSchema
from treadle.contracts.quality import ConsensusPolicy, GoldPolicy, QualityResult, QualitySpec
from treadle.contracts.release import ReleaseResult, ReleaseSpec
from treadle.contracts.sync import GoldSource, Source, SourceFields, SourceLabels, SyncResult, SyncSpec

FEELINGS = LabelSchema(task="TextClassification", labels=(LabelClass(name="praise"), LabelClass(name="complaint")))
BOXES = LabelSchema(task="ObjectDetection", labels=(LabelClass(name="can"), LabelClass(name="bottle")))
SPLITS = Splits(train=34, validation=33, test=33, seed="3")
NOTES = """\
note_id,body,patient
1,"Kept cold, for a whole day.",anna
2,"It leaks.
Twice I wrote to you.",anna
3,,bert
1,again,anna
4,It leaks on arrival.,carl
"""


class Ground:
    """A bucket, a labelling project, and a process for Jobs."""

    def __init__(self, s3: S3Server, server: LabelStudioServer, folder: Path) -> None:
        self.bucket = s3.make_bucket(f"sources-{uuid4().hex[:8]}")
        self.root = s3.folder / self.bucket
        self.store = store_at(s3.endpoint)
        self.server = server
        self.job = JobProcess(folder, s3.access_key, s3.secret_key, server.token)
        self.person = Person(server.url, server.token)

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}"

    def write(self, path: str, content: str | bytes) -> None:
        where = self.root / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(content.encode() if isinstance(content, str) else content)

    def picture(self, path: str, shade: int) -> None:
        content = io.BytesIO()
        Image.new("L", (40, 20), shade).save(content, "PNG")
        self.write(path, content.getvalue())

    def sync(self, project: LabelStudioConnection, schema: LabelSchema, source: Source, **more: Any) -> SyncResult:
        spec = SyncSpec(labels=schema, sources=(source,), destination=f"{self.uri}/sets", store=self.store, label_studio=project, **more)
        return self.job.result(spec, SyncResult)

    def quality(self, project: LabelStudioConnection, schema: LabelSchema, synced: SyncResult, **more: Any) -> QualityResult:
        spec = QualitySpec(labels=schema, destination=f"{self.uri}/sets", store=self.store, label_studio=project, items=synced.listing, **more)
        return self.job.result(spec, QualityResult)

    def release(self, schema: LabelSchema, synced: SyncResult, measured: QualityResult, **more: Any) -> list[dict[str, Any]]:
        spec = ReleaseSpec(labels=schema, destination=f"{self.uri}/sets", store=self.store, snapshot=measured.snapshot, items=synced.listing, **more)
        version = self.job.result(spec, ReleaseResult).version
        return self.lines(f"sets/v{version:04}/items.jsonl")

    def lines(self, path: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.root / path).read_text().splitlines()]


@pytest.fixture
def ground(s3: S3Server, label_studio: LabelStudioServer, tmp_path: Path) -> Ground:
    return Ground(s3, label_studio, tmp_path)


def test_rows_of_a_csv_file_are_items_and_a_group_is_never_divided(ground: Ground) -> None:
    ground.write("notes.csv", NOTES)
    project = make_project(ground.server, FEELINGS)
    fields = SourceFields(id="note_id", text="body", group="patient")
    source = Source(name="notes", uri=f"{ground.uri}/notes.csv", fields=fields)
    synced = ground.sync(project, FEELINGS, source)
    assert (synced.items, synced.added, synced.unreadable) == (3, 3, 2)
    assert sorted(why.rpartition("/")[2] for why in synced.examples) == [
        "notes.csv line 5: the field body: it is blank",
        "notes.csv line 6: its id was in a row before",
    ]
    assert ground.sync(project, FEELINGS, source).added == 0

    tasks = ground.person.tasks(project.project)
    for task in tasks:
        ground.person.answer(task["id"], "complaint" if "leaks" in task["data"]["text"] else "praise")
    measured = ground.quality(project, FEELINGS, synced)
    items = ground.release(FEELINGS, synced, measured, splits=SPLITS)
    groups = [(item["key"].rpartition("/")[2], item["group"]) for item in items]
    assert groups == [
        ("notes.csv#1", "anna"),
        ("notes.csv#2", "anna"),
        ("notes.csv#4", "carl"),
    ]
    assert len({item["split"] for item in items if item["group"] == "anna"}) == 1
    texts = [(ground.root / item["uri"].removeprefix(f"{ground.uri}/")).read_text() for item in items]
    assert texts[1] == "It leaks.\nTwice I wrote to you."

    ground.write("notes.csv", "\n".join(NOTES.splitlines()[:-1]))
    synced = ground.sync(project, FEELINGS, source)
    assert synced.items == 2
    measured = ground.quality(project, FEELINGS, synced, removed="Keep")
    kept = ground.release(FEELINGS, synced, measured, splits=SPLITS, removed="Keep", formats=("Jsonl",))
    assert kept == items, "what is gone and kept has the same group and split as before"


def test_rows_of_json_lines_may_name_images_and_what_is_no_row_is_told(ground: Ground) -> None:
    ground.picture("raw/1.png", 1)
    ground.picture("elsewhere/2.png", 2)
    rows = [{"file": "raw/1.png", "camera": 7}, {"file": f"{ground.uri}/elsewhere/2.png"}, {"file": "raw/3.png"}, {"camera": 1}, 5]
    ground.write("list.jsonl", "\n".join([*map(json.dumps, rows), "{", ""]))
    source = Source(name="list", uri=f"{ground.uri}/list.jsonl", fields=SourceFields(uri="file", group="camera"))
    synced = ground.sync(make_project(ground.server), COLOURS, source)
    assert (synced.items, synced.unreadable) == (2, 4)
    listed = ground.lines(synced.listing.uri.removeprefix(f"{ground.uri}/"))
    assert [(item["key"].rpartition("/")[2], item.get("group", "")) for item in listed] == [("2.png", ""), ("1.png", "7")]


def test_a_row_that_names_what_belongs_to_somebody_else_stops_nothing(ground: Ground) -> None:
    ground.picture("raw/1.png", 1)
    ground.picture("theirs/2.png", 2)
    ground.write("list.jsonl", "\n".join(json.dumps({"uri": uri}) for uri in ("raw/1.png", f"{ground.uri}/theirs/2.png")))
    source = Source(name="list", uri=f"{ground.uri}/list.jsonl")
    with cutting_proxy(ground.store.endpoint, Cut(ground.job, 0), {"/theirs/2.png": "AccessDenied"}) as url:
        ground.store = store_at(url)
        synced = ground.sync(make_project(ground.server), COLOURS, source)
    assert (synced.items, synced.unreadable) == (1, 1)
    assert synced.examples[0].startswith(f"{ground.uri}/list.jsonl line 2: {ground.uri}/theirs/2.png: http")


def test_labels_that_come_with_the_data_are_answers_or_proposals(ground: Ground) -> None:
    for name, shade in (("a", 1), ("b", 2), ("c", 3)):
        ground.picture(f"raw/{name}.png", shade)
    instances = {
        "images": [{"id": number, "file_name": f"{name}.png", "width": 40, "height": 20} for number, name in enumerate("ab")],
        "categories": [{"id": 1, "name": "bottle"}],
        "annotations": [{"id": 1, "image_id": 0, "category_id": 1, "bbox": [4, 5, 10, 10]}],
    }
    ground.write("raw/instances.json", json.dumps(instances))
    labels = {"format": "Coco", "uri": f"{ground.uri}/raw/instances.json"}
    for kind in ("Annotation", "Prediction"):
        project = make_project(ground.server, BOXES)
        source = Source(name="old", uri=f"{ground.uri}/raw/", labels=SourceLabels.model_validate(labels | {"kind": kind}))
        synced = ground.sync(project, BOXES, source)
        assert (synced.items, synced.unreadable) == (3, 0)
        measured = ground.quality(project, BOXES, synced)
        tasks = {task["data"]["image"].rpartition("/")[2]: task for task in ground.person.tasks(project.project)}
        if kind == "Annotation":
            assert (measured.agreed, measured.invalid) == (2, 0)
            items = ground.release(BOXES, synced, measured)
            assert [(box["label"], box["x"], box["y"], box["width"]) for box in items[0]["label"]["boxes"]] == [("bottle", 4, 5, 10)]
        else:
            assert measured.annotations == 0
            assert [len(tasks[f"{name}.png"]["predictions"]) for name in "abc"] == [1, 1, 0]
            assert tasks["a.png"]["predictions"][0]["model_version"] == "sources"


def test_labels_at_the_source_that_label_studio_does_not_hold_are_counted_and_none_is_in_silence(ground: Ground) -> None:
    for name, shade in (("a", 1), ("b", 2)):
        ground.picture(f"raw/{name}.png", shade)
    lines = [{"uri": "a.png", "label": "red", "annotator": "1"}, {"uri": "a.png", "label": "blue", "annotator": "2"}]
    ground.write("raw/labels.jsonl", "\n".join(map(json.dumps, lines)))
    project = make_project(ground.server)
    source = Source(name="old", uri=f"{ground.uri}/raw/", labels=SourceLabels(format="Jsonl", uri=f"{ground.uri}/raw/labels.jsonl"))
    assert ground.sync(project, COLOURS, source).passed_over == 1
    ground.write("raw/labels.jsonl", "\n".join(map(json.dumps, [*lines, {"uri": "b.png", "label": "red"}])))
    later = ground.sync(project, COLOURS, source, slot=1)
    assert (later.added, later.passed_over) == (0, 2)
    tasks = {task["data"]["image"].rpartition("/")[2]: task for task in ground.person.tasks(project.project)}
    held = {name: [answer["result"][0]["value"]["choices"][0] for answer in task["annotations"]] for name, task in tasks.items()}
    assert held == {"a.png": ["blue"], "b.png": []}
    ground.person.answer(tasks["b.png"]["id"], "green")
    assert ground.sync(project, COLOURS, source, slot=2).passed_over == 1, "somebody has answered it since"


def test_gold_items_are_mixed_in_and_measure_people(ground: Ground) -> None:
    for shade in range(20):
        ground.picture(f"raw/{shade:02}.png", shade)
    for shade in range(100, 108):
        ground.picture(f"gold/{shade}.png", shade)
    known = [{"uri": f"{shade}.png", "label": "red"} for shade in range(100, 108)]
    ground.write("gold/labels.jsonl", "\n".join(map(json.dumps, [*known, {"uri": "x.png", "label": "pink"}])))
    project = make_project(ground.server)
    source = Source(name="shelf", uri=f"{ground.uri}/raw/")
    synced = ground.sync(project, COLOURS, source, gold=GoldSource(uri=f"{ground.uri}/gold/", percent=20))
    assert (synced.items, synced.gold, synced.added, synced.unreadable) == (20, 5, 25, 1)
    tasks = ground.person.tasks(project.project)
    order = [task["id"] for task in sorted(tasks, key=lambda task: int(task["id"])) if "gold" in task["data"]["image"]]
    first = min(int(task["id"]) for task in tasks)
    assert [number - first for number in order] == [1, 6, 11, 16, 21]

    stranger = Person(ground.server.url, ground.server.make_user(f"{uuid4().hex[:8]}@example.com"))
    for task in tasks:
        stranger.answer(task["id"], "blue")
    policy = ConsensusPolicy(gold=GoldPolicy(minimum="0.90"))
    measured = ground.quality(project, COLOURS, synced, consensus=policy)
    assert (measured.items, measured.agreed, measured.gold, measured.below_gold) == (20, 20, 5, 1)
    (numbers,) = measured.by_annotator
    assert (numbers.annotations, numbers.gold, numbers.gold_accuracy, numbers.excluded) == (20, 5, 0.0, False)
    items = ground.release(COLOURS, synced, measured, policy=policy)
    assert len(items) == 20
    manifest = json.loads((ground.root / "sets" / "v0001" / "manifest.json").read_text())
    assert manifest["annotators"][0]["gold_accuracy"] == 0
