"""One whole life of each task type on a real Label Studio: two people who err now and then, their agreement, a version, and its files read again."""

from __future__ import annotations

import csv
import io
import json
import random
import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from arro3.io import read_parquet
from PIL import Image

from tests.integration.job_runs import JobProcess, store_at
from tests.integration.labelling_people import Person, make_project
from tests.integration.servers import LabelStudioServer, S3Server
from treadle.contracts import LabelStudioConnection
from treadle.contracts.dataset import FetchDatasetResult, FetchDatasetSpec, FetchedItem, Manifest, Splits
from treadle.contracts.labels import ImageSize, LabelClass, LabelSchema, Regions, Relation, Span, Spans
from treadle.contracts.quality import QualityResult, QualitySpec
from treadle.contracts.release import ReleaseResult, ReleaseSpec
from treadle.contracts.sync import EarlierAnswers, Source, SourceLabels, SyncResult, SyncSpec
from treadle.jobs._coco import coco_labels
from treadle.tasks import TASKS
from treadle.tasks._brush import packed

ITEMS = 10
ERRORS = (0.1, 0.25)
"""How often each of the two people says the other label."""
SEED = 6
LABELS = (LabelClass(name="calm"), LabelClass(name="storm"))
SIZE = ImageSize(width=40, height=30)
SCREEN = """<View><Image name="item" value="$item"/>
<Choices name="kind" toName="item" required="true"><Choice value="calm"/><Choice value="storm"/></Choices></View>"""

Said = dict[str, str]
"""A label for each item, by the name of its file."""


def picture(number: int) -> bytes:
    content = io.BytesIO()
    Image.new("L", (SIZE.width, SIZE.height), number).save(content, "PNG")
    return content.getvalue()


def recording(number: int) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as sound:
        sound.setparams((1, 1, 8000, 0, "NONE", ""))
        sound.writeframes(bytes([number] * 800))
    return content.getvalue()


def series(number: int) -> bytes:
    return ("time,value\n" + "".join(f"{time},{number}\n" for time in range(50))).encode()


def pair(number: int) -> bytes:
    return json.dumps({"prompt": f"How was day {number}?", "first": "Calm.", "second": "Stormy."}).encode()


def text(number: int) -> bytes:
    return f"The sea on day {number}.".encode()


def shown(kind: str, value: Mapping[str, object], label: str, control: str = "part") -> dict[str, object]:
    """A part of an answer as the labelling screen sends it."""
    size = {"original_width": SIZE.width, "original_height": SIZE.height, "image_rotation": 0}
    return {"from_name": control, "to_name": "item", "type": kind, "value": {**value, kind: [label]}, **size}


def outline(label: str, number: int) -> dict[str, object]:
    """A square as a polygon; of every other item, as it is painted."""
    if number % 2:
        runs = [run for row in range(10) for run in ((205 if row == 0 else 30), 10)]
        return shown("brushlabels", {"format": "rle", "rle": packed(runs, SIZE)}, label, "brush")
    return shown("polygonlabels", {"points": [[12.5, 16], [37.5, 16], [37.5, 50], [12.5, 50]], "closed": True}, label)


def coco_names(root: Path, schema: LabelSchema) -> Said:
    found, bad = coco_labels((root / "annotations/instances_train.json").read_bytes(), "", "s3://export", "Regions", schema)
    assert bad == []
    assert all(isinstance(label, Regions) and len(label.regions) == 1 for label in found.values())
    return {uri.removeprefix("s3://export/"): label.names[0] for uri, label in found.items()}


def csv_names(root: Path, _: LabelSchema) -> Said:
    rows = csv.DictReader(io.StringIO((root / "train.csv").read_text()))
    return {row["path"].removeprefix("train/"): row["label"] for row in rows}


def folder_names(root: Path, _: LabelSchema) -> Said:
    return {path.name: path.parent.name for path in (root / "train").glob("*/*")}


def parquet_names(root: Path, _: LabelSchema) -> Said:
    table = read_parquet(str(root / "train.parquet")).read_all()
    paths, intervals = table["path"].to_pylist(), table["intervals"].to_pylist()
    return {path.removeprefix("train/"): each[0]["label"] for path, each in zip(paths, intervals, strict=True)}


def pair_names(root: Path, _: LabelSchema) -> Said:
    """The labels in a table that says of each pair what its file says."""
    table = read_parquet(str(root / "train.parquet")).read_all()
    paths, *said = (table[name].to_pylist() for name in ("path", "prompt", "first", "second"))
    documents = [json.loads((root / path).read_text()) for path in paths]
    assert [tuple(each) for each in zip(*said, strict=True)] == [(each["prompt"], each["first"], each["second"]) for each in documents]
    return {path.removeprefix("train/"): label for path, label in zip(paths, table["label"].to_pylist(), strict=True)}


def plain_names(root: Path, _: LabelSchema) -> Said:
    items = [json.loads(line) for line in (root / "items.jsonl").read_text().splitlines()]
    return {item["path"].removeprefix("train/"): name_of(item["label"]) for item in items}


def name_of(label: Mapping[str, Any]) -> str:
    """The one name in a canonical label."""
    if label["shape"] == "Answer":
        return str(label["parts"][0]["value"]["choices"][0])
    return str(label["label"] if "label" in label else label["points"][0]["label"])


@dataclass(frozen=True)
class Type:
    """A task type: how its items are made, how a person says a label, and how the files of a format are read again.

    Attributes:
        metric: by which agreement is measured first.
        chance: how much of it two people have who say anything: measures that are corrected for it are this much lower.
    """

    suffix: str
    item: Callable[[int], bytes]
    say: Callable[[str, int], dict[str, object]]
    metric: str
    format: str
    read: Callable[[Path, LabelSchema], Said]
    chance: float = 0.0


TYPES = {
    "Segmentation": Type(".png", picture, outline, "RegionF1", "Coco", coco_names),
    "Keypoints": Type(
        ".png", picture, lambda label, _: shown("keypointlabels", {"x": 25, "y": 50, "width": 0.5}, label), "PointF1", "Jsonl", plain_names
    ),
    "TextRating": Type(".txt", text, lambda label, _: shown("choices", {}, label, "label"), "KrippendorffAlpha", "Csv", csv_names, 0.5),
    "PairwisePreference": Type(
        ".json",
        pair,
        lambda label, _: shown("choices", {}, label, "label") | {"to_name": "first"},
        "KrippendorffAlpha",
        "Parquet",
        pair_names,
        0.5,
    ),
    "AudioClassification": Type(
        ".wav", recording, lambda label, _: shown("choices", {}, label, "label"), "KrippendorffAlpha", "ImageFolder", folder_names, 0.5
    ),
    "TimeSeries": Type(
        ".csv",
        series,
        lambda label, _: shown("timeserieslabels", {"start": 5, "end": 20, "instant": False}, label),
        "IntervalF1",
        "Parquet",
        parquet_names,
    ),
    "Custom": Type(".png", picture, lambda label, _: shown("choices", {}, label, "kind"), "PercentAgreement", "Jsonl", plain_names),
}


def two_people(names: list[str]) -> tuple[Said, Said]:
    """What each of them says: mostly the truth, which changes from item to item."""
    chance = random.Random(SEED)
    first, second = ({}, {})
    for said, rate in ((first, ERRORS[0]), (second, ERRORS[1])):
        for number, name in enumerate(names):
            said[name] = LABELS[(number + (chance.random() < rate)) % 2].name
    return first, second


@pytest.fixture(scope="module")
def people(label_studio: LabelStudioServer) -> tuple[Person, Person]:
    """Two people, the same for all types: signing up takes seconds."""
    first, second = (Person(label_studio.url, label_studio.make_user(f"{uuid4().hex[:8]}@example.com")) for _ in ERRORS)
    return first, second


@pytest.mark.parametrize("name", TYPES)
def test_what_two_people_say_of_a_type_becomes_a_version_and_files_that_say_the_same(
    s3: S3Server, label_studio: LabelStudioServer, people: tuple[Person, Person], tmp_path: Path, name: str
) -> None:
    type_, schema = TYPES[name], LabelSchema(task=name, labels=LABELS)
    bucket = s3.make_bucket(f"life-{uuid4().hex[:8]}")
    raw = s3.folder / bucket / "raw"
    raw.mkdir()
    names = [f"{number:02}{type_.suffix}" for number in range(ITEMS)]
    for number, file in enumerate(names):
        (raw / file).write_bytes(type_.item(number))
    job, store, destination = JobProcess(tmp_path, s3.access_key, s3.secret_key, label_studio.token), store_at(s3.endpoint), f"s3://{bucket}/sets/"
    person = Person(label_studio.url, label_studio.token)
    configuration = TASKS[name].configuration
    settings = {"title": name, "label_config": configuration(schema) if configuration else SCREEN, "maximum_annotations": 2}
    project = LabelStudioConnection(url=label_studio.url, project=person.call("POST", "/api/projects/", json=settings).json()["id"])
    source = Source(name="sea", uri=f"s3://{bucket}/raw/")
    synced = job.result(SyncSpec(labels=schema, sources=(source,), destination=destination, store=store, label_studio=project), SyncResult)
    assert (synced.items, synced.added, synced.unreadable) == (ITEMS, ITEMS, 0)

    first, second = two_people(names)
    uris = {task["meta"]["treadle"]["uri"].rpartition("/")[2]: task["id"] for task in person.tasks(project.project)}
    for somebody, said in zip(people, (first, second), strict=True):
        for number, file in enumerate(names):
            answer = {"result": [type_.say(said[file], number)], "lead_time": 1.0}
            somebody.call("POST", f"/api/tasks/{uris[file]}/annotations/", json=answer)
    agreed = {file: label for file, label in first.items() if second[file] == label}
    share = len(agreed) / ITEMS
    assert 0.5 < share < 0.95, "there is something to agree and to differ on"

    asked = QualitySpec(labels=schema, destination=destination, store=store, label_studio=project, items=synced.listing, answers_per_item=2)
    measured = job.result(asked, QualityResult)
    assert (measured.items, measured.complete, measured.annotations, measured.invalid) == (ITEMS, ITEMS, 2 * ITEMS, 0)
    assert (measured.agreed, measured.disputed, measured.metric) == (len(agreed), ITEMS - len(agreed), type_.metric)
    assert measured.agreement == pytest.approx((share - type_.chance) / (1 - type_.chance), abs=0.05 if type_.chance else 1e-6)

    release = ReleaseSpec(
        labels=schema,
        destination=destination,
        store=store,
        snapshot=measured.snapshot,
        items=synced.listing,
        splits=Splits(train=100, validation=0, test=0),
        formats=(type_.format,),
    )
    released = job.result(release, ReleaseResult)
    assert (released.items, released.excluded) == (len(agreed), {"Disputed": ITEMS - len(agreed)})
    root = tmp_path / "dataset"
    fetch = FetchDatasetSpec(store=store, uri=released.uri, digest=released.digest, directory=str(root), format=type_.format)
    assert job.result(fetch, FetchDatasetResult).items == len(agreed)
    items = [FetchedItem.model_validate_json(line) for line in (root / "items.jsonl").read_text().splitlines()]
    of_path = {Path(item.path).name: item.uri.rpartition("/")[2] for item in items}
    assert {file: (root / item.path).read_bytes() for item in items for file in [item.uri.rpartition("/")[2]]} == {
        file: (raw / file).read_bytes() for file in agreed
    }
    assert {of_path[path]: label for path, label in type_.read(root, schema).items()} == agreed


UNRELATED = LabelSchema(task="NamedEntities", labels=(LabelClass(name="person"), LabelClass(name="company")))
RELATED = UNRELATED.model_copy(update={"relations": (LabelClass(name="works for"),)})
ADA, ACME = Span(label="person", start=0, end=3), Span(label="company", start=14, end=18)
WORKS = Spans(spans=(ADA, ACME), relations=(Relation(label="works for", head=ADA.mention, tail=ACME.mention),))


def marked(*arrows: tuple[str, str, str]) -> list[dict[str, object]]:
    """Ada and Acme as the labelling screen sends them, and arrows between them."""
    spans: list[dict[str, object]] = [
        {"id": id_, **shown("labels", {"start": span.start, "end": span.end}, span.label)} for id_, span in (("a", ADA), ("c", ACME))
    ]
    ways: list[dict[str, object]] = [
        {"from_id": one, "to_id": other, "direction": way, "type": "relation", "labels": ["works for"]} for one, way, other in arrows
    ]
    return [*spans, *ways]


def test_relations_of_spans_are_added_proposed_drawn_restored_and_released(
    s3: S3Server, label_studio: LabelStudioServer, people: tuple[Person, Person], tmp_path: Path
) -> None:
    bucket = s3.make_bucket(f"relations-{uuid4().hex[:8]}")
    for folder, names in (("raw", ("0.txt", "1.txt")), ("old", ("2.txt", "3.txt"))):
        (s3.folder / bucket / folder).mkdir()
        for name in names:
            (s3.folder / bucket / folder / name).write_text(f"Ada works for Acme. {name}")
    lines = [json.dumps({"uri": f"s3://{bucket}/old/{name}", "label": json.loads(WORKS.to_json())}) for name in ("2.txt", "3.txt")]
    (s3.folder / bucket / "labels.jsonl").write_text("\n".join(lines))
    job, store, destination = JobProcess(tmp_path, s3.access_key, s3.secret_key, label_studio.token), store_at(s3.endpoint), f"s3://{bucket}/sets/"
    raw = Source(name="raw", uri=f"s3://{bucket}/raw/")
    old = Source(name="old", uri=f"s3://{bucket}/old/", labels=SourceLabels(format="Jsonl", uri=f"s3://{bucket}/labels.jsonl", kind="Prediction"))

    admin, project = Person(label_studio.url, label_studio.token), make_project(label_studio, UNRELATED, answers=2)
    first = SyncSpec(labels=UNRELATED, sources=(raw,), destination=destination, store=store, label_studio=project)
    assert job.result(first, SyncResult).added == 2
    one, other = people

    def answer(person: Person, name: str, result: object) -> None:
        (task,) = (task for task in admin.tasks(project.project) if task["meta"]["treadle"]["uri"].endswith(name))
        person.call("POST", f"/api/tasks/{task['id']}/annotations/", json={"result": result, "lead_time": 1.0})

    answer(one, "0.txt", marked())
    configuration = TASKS["NamedEntities"].configuration
    assert configuration
    screen = {"label_config": configuration(RELATED)}
    admin.call("POST", f"/api/projects/{project.project}/validate/", json=screen)
    admin.call("PATCH", f"/api/projects/{project.project}/", json=screen)
    synced = job.result(first.model_copy(update={"labels": RELATED, "sources": (raw, old)}), SyncResult)
    assert (synced.added, synced.unreadable) == (2, 0)
    proposed = [task["predictions"][0]["result"] for task in admin.tasks(project.project) if task["predictions"]]
    assert [TASKS["NamedEntities"].parse(each, RELATED) for each in proposed] == [WORKS, WORKS]

    said = {"0.txt": (marked(("a", "right", "c")), marked(("c", "left", "a"))), "1.txt": (marked(("a", "right", "c")), marked())}
    for name, answers in (said | {name: (proposed[0], marked(("a", "right", "c"))) for name in ("2.txt", "3.txt")}).items():
        for person, result in zip((one, other), answers, strict=True):
            answer(person, name, result)
    asked = QualitySpec(labels=RELATED, destination=destination, store=store, label_studio=project, items=synced.listing, answers_per_item=2)
    measured = job.result(asked, QualityResult)
    assert (measured.complete, measured.invalid, measured.agreed, measured.disputed) == (4, 0, 3, 1)
    assert (measured.metric, measured.agreement, measured.measures) == ("SpanF1", 1.0, {"RelationF1": 0.75})
    assert {each.label: (each.items, each.agreement) for each in measured.by_label} == {"works for": (3, 0.75), "person": (3, 1), "company": (3, 1)}

    (lost,) = (task["id"] for task in admin.tasks(project.project) if task["meta"]["treadle"]["uri"].endswith("3.txt"))
    admin.call("DELETE", f"/api/tasks/{lost}/")
    earlier = EarlierAnswers(project=project.project, snapshot=measured.snapshot)
    again = job.result(first.model_copy(update={"labels": RELATED, "sources": (raw, old), "earlier": earlier}), SyncResult)
    assert (again.lost_tasks, again.restored) == (1, 2)
    restored = next(task for task in admin.tasks(project.project) if task["meta"]["treadle"]["uri"].endswith("3.txt"))
    assert [TASKS["NamedEntities"].parse(each["result"], RELATED) for each in restored["annotations"]] == [WORKS, WORKS]

    release = ReleaseSpec(
        labels=RELATED,
        destination=destination,
        store=store,
        snapshot=job.result(asked, QualityResult).snapshot,
        items=synced.listing,
        splits=Splits(train=100, validation=0, test=0),
        formats=("Parquet", "Conll"),
    )
    released = job.result(release, ReleaseResult)
    manifest = Manifest.model_validate_json((s3.folder / bucket / "sets" / "v0001" / "manifest.json").read_bytes())
    assert (manifest.counts, manifest.left_out) == ({"person": 3, "company": 3, "works for": 3}, {"Conll": 3})
    root = tmp_path / "dataset"
    fetch = FetchDatasetSpec(store=store, uri=released.uri, digest=released.digest, directory=str(root), format="Parquet")
    assert job.result(fetch, FetchDatasetResult).items == 3
    assert json.loads((root / "dataset.json").read_text())["relations"] == ["works for"]
    labels = [FetchedItem.model_validate_json(line).label for line in (root / "items.jsonl").read_text().splitlines()]
    assert labels == [WORKS] * 3
    table = read_parquet(str(root / "train.parquet")).read_all()
    assert table["relations"].to_pylist() == [[{"label": "works for", "class_id": 0, "head": 1, "tail": 0}]] * 3
