"""Objects in images, from the bucket to a trainer's COCO file: sync, two people, quality, release, fetch; a real S3 and a real Label Studio."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image

from tests.integration.job_runs import JobProcess, store_at
from tests.integration.labelling_people import Person, make_project
from tests.integration.servers import LabelStudioServer, S3Server
from treadle.contracts.dataset import DatasetItem, FetchDatasetResult, FetchDatasetSpec, Splits
from treadle.contracts.labels import Box, Boxes, ImageSize, LabelClass, LabelSchema
from treadle.contracts.quality import QualityResult, QualitySpec
from treadle.contracts.release import ReleaseResult, ReleaseSpec
from treadle.contracts.sync import Source, SyncResult, SyncSpec
from treadle.statistics.splits import split_of

SHELF = LabelSchema(task="ObjectDetection", labels=(LabelClass(name="can"), LabelClass(name="bottle")))
WIDTH, HEIGHT = 200, 100
CAN = Box(label="can", x=20, y=10, width=40, height=50)
BOTTLE = Box(label="bottle", x=100, y=0, width=50, height=100)
FIRST: Mapping[str, Sequence[Box]] = {
    "agreed.png": (CAN, BOTTLE),
    "empty.png": (),
    "missed.png": (CAN, BOTTLE),
    "turned.jpg": (CAN,),
    "unlike.png": (CAN,),
}
SECOND: Mapping[str, Sequence[Box]] = {
    "agreed.png": (BOTTLE, CAN.model_copy(update={"x": 24.0})),
    "empty.png": (),
    "missed.png": (CAN,),
    "turned.jpg": (CAN,),
    "unlike.png": (CAN.model_copy(update={"label": "bottle"}),),
}


def region(box: Box) -> dict[str, object]:
    """A box as the labelling screen sends it: in per cent of the image."""
    return {
        "id": uuid4().hex[:10],
        "from_name": "box",
        "to_name": "item",
        "type": "rectanglelabels",
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "image_rotation": 0,
        "value": {
            "x": 100 * box.x / WIDTH,
            "y": 100 * box.y / HEIGHT,
            "width": 100 * box.width / WIDTH,
            "height": 100 * box.height / HEIGHT,
            "rotation": 0,
            "rectanglelabels": [box.label],
        },
    }


def draw(person: Person, project: int, answers: Mapping[str, Sequence[Box]]) -> None:
    for task in person.tasks(project):
        drawn = answers[task["data"]["image"].rpartition("/")[2]]
        person.call("POST", f"/api/tasks/{task['id']}/annotations/", json={"result": [region(box) for box in drawn], "lead_time": 2.0})


def fill(folder: Path) -> None:
    """Pictures that look 200 x 100; one of them lies on its side in the file."""
    folder.mkdir()
    for shade, name in enumerate(FIRST):
        content = io.BytesIO()
        exif = Image.Exif()
        if name == "turned.jpg":
            exif[0x0112] = 6
        size = (HEIGHT, WIDTH) if name == "turned.jpg" else (WIDTH, HEIGHT)
        Image.new("L", size, 20 * shade).save(content, "JPEG" if name.endswith("jpg") else "PNG", exif=exif)
        (folder / name).write_bytes(content.getvalue())


def test_boxes_of_two_people_become_a_dataset_that_coco_readers_read(s3: S3Server, label_studio: LabelStudioServer, tmp_path: Path) -> None:
    bucket = s3.make_bucket(f"boxes-{uuid4().hex[:8]}")
    fill(s3.folder / bucket / "raw")
    job = JobProcess(tmp_path, s3.access_key, s3.secret_key, label_studio.token)
    project = make_project(label_studio, SHELF, answers=2)
    store, destination = store_at(s3.endpoint), f"s3://{bucket}/sets"
    source = Source(name="shelf", uri=f"s3://{bucket}/raw/")
    synced = job.result(SyncSpec(labels=SHELF, sources=(source,), destination=destination, store=store, label_studio=project), SyncResult)
    assert (synced.items, synced.added, synced.unreadable) == (5, 5, 0)

    for answers in (FIRST, SECOND):
        draw(Person(label_studio.url, label_studio.make_user(f"{uuid4().hex[:8]}@example.com")), project.project, answers)
    measured = job.result(QualitySpec(labels=SHELF, destination=destination, store=store, label_studio=project, items=synced.listing), QualityResult)
    assert (measured.items, measured.complete, measured.annotations, measured.invalid) == (5, 5, 10, 0)
    assert (measured.agreed, measured.disputed) == (3, 2)
    assert measured.metric == "BoxF1"
    assert measured.agreement == pytest.approx((1 + 1 + 2 / 3 + 1 + 0) / 5, abs=1e-6)
    assert measured.percent_agreement is None
    assert {each.label: each.items for each in measured.by_label} == {"can": 2, "bottle": 1}
    assert {each.label: each.agreement for each in measured.by_label} == {"can": 0.75, "bottle": pytest.approx(1 / 3, abs=1e-6)}

    wanted = ReleaseSpec(
        labels=SHELF,
        destination=destination,
        store=store,
        snapshot=measured.snapshot,
        items=synced.listing,
        splits=Splits(train=100, validation=0, test=0),
        formats=("Coco", "Yolo", "Jsonl"),
    )
    released = job.result(wanted, ReleaseResult)
    assert (released.items, released.excluded) == (3, {"Disputed": 2})
    assert job.result(wanted, ReleaseResult) == released.model_copy(update={"created": False})

    items = [DatasetItem.model_validate_json(line) for line in (s3.folder / bucket / "sets/v0001/items.jsonl").read_text().splitlines()]
    halfway = CAN.model_copy(update={"x": 22.0})
    assert [item.label for item in items] == [Boxes(boxes=(halfway, BOTTLE)), Boxes(), Boxes(boxes=(CAN,))]
    assert {(item.image.width, item.image.height) for item in items if item.image} == {(WIDTH, HEIGHT)}

    root = tmp_path / "dataset"
    fetch = FetchDatasetSpec(store=store, uri=released.uri, digest=released.digest, directory=str(root))
    assert job.result(fetch, FetchDatasetResult).items == 3
    coco = json.loads((root / "annotations/instances_train.json").read_text())
    assert [(each["id"], each["name"]) for each in coco["categories"]] == [(1, "can"), (2, "bottle")]
    assert all((root / "images/train" / image["file_name"]).is_file() for image in coco["images"])
    found = [(each["image_id"], each["category_id"], each["bbox"]) for each in coco["annotations"]]
    assert found == [(1, 2, [100, 0, 50, 100]), (1, 1, [22, 10, 40, 50]), (3, 1, [20, 10, 40, 50])]

    yolo = tmp_path / "yolo"
    job.result(fetch.model_copy(update={"format": "Yolo", "directory": str(yolo)}), FetchDatasetResult)
    texts = {path.stem: path.read_text() for path in (yolo / "labels/train").iterdir()}
    assert texts.keys() == {path.stem for path in (yolo / "images/train").iterdir()}
    assert sorted(texts.values()) == [
        "",
        "0 0.200000 0.350000 0.200000 0.500000\n",
        "1 0.625000 0.500000 0.250000 1.000000\n0 0.210000 0.350000 0.200000 0.500000\n",
    ]


def test_a_fetch_without_the_test_split_knows_nothing_of_it(s3: S3Server, label_studio: LabelStudioServer, tmp_path: Path) -> None:
    bucket = s3.make_bucket(f"boxes-{uuid4().hex[:8]}")
    fill(s3.folder / bucket / "raw")
    job = JobProcess(tmp_path, s3.access_key, s3.secret_key, label_studio.token)
    project = make_project(label_studio, SHELF)
    store, destination = store_at(s3.endpoint), f"s3://{bucket}/sets"
    source = Source(name="shelf", uri=f"s3://{bucket}/raw/")
    synced = job.result(SyncSpec(labels=SHELF, sources=(source,), destination=destination, store=store, label_studio=project), SyncResult)
    draw(Person(label_studio.url, label_studio.token), project.project, FIRST)
    measured = job.result(QualitySpec(labels=SHELF, destination=destination, store=store, label_studio=project, items=synced.listing), QualityResult)
    assert (measured.agreed, measured.agreement) == (5, None)
    keys = [f"s3://{bucket}/raw/{name}" for name in FIRST]
    seed = next(seed for seed in map(str, range(100)) if len({split_of(key, seed=seed, train=50, validation=0) for key in keys}) == 2)
    halves = Splits(train=50, validation=0, test=50, seed=seed)
    wanted = ReleaseSpec(labels=SHELF, destination=destination, store=store, snapshot=measured.snapshot, items=synced.listing, splits=halves)
    released = job.result(wanted.model_copy(update={"formats": ("Coco", "Yolo")}), ReleaseResult)
    assert set(released.splits) == {"train", "test"}
    for name in ("Coco", "Yolo"):
        root = tmp_path / name
        spec = FetchDatasetSpec(store=store, uri=released.uri, digest=released.digest, format=name, splits=("train",), directory=str(root))
        assert job.result(spec, FetchDatasetResult).items == released.splits["train"]
        assert not [path for path in root.rglob("*") if "test" in path.name and path.suffix != ".yaml"]
        assert [path.name for path in (root / "images").iterdir()] == ["train"]


def test_what_people_answered_and_is_gone_since_is_in_the_first_version_where_it_is_kept(
    s3: S3Server, label_studio: LabelStudioServer, tmp_path: Path
) -> None:
    bucket = s3.make_bucket(f"boxes-{uuid4().hex[:8]}")
    fill(s3.folder / bucket / "raw")
    job = JobProcess(tmp_path, s3.access_key, s3.secret_key, label_studio.token)
    project = make_project(label_studio, SHELF)
    store, destination = store_at(s3.endpoint), f"s3://{bucket}/sets"
    sync = SyncSpec(
        labels=SHELF,
        sources=(Source(name="shelf", uri=f"s3://{bucket}/raw/", group_by="{stem}"),),
        destination=destination,
        store=store,
        label_studio=project,
        removed="Keep",
    )
    job.result(sync, SyncResult)
    draw(Person(label_studio.url, label_studio.token), project.project, FIRST)
    gone = sorted(FIRST)[0]
    (s3.folder / bucket / "raw" / gone).unlink()
    synced = job.result(sync, SyncResult)
    assert synced.items == len(FIRST) - 1
    asked = QualitySpec(labels=SHELF, destination=destination, store=store, label_studio=project, items=synced.listing, removed="Keep")
    measured = job.result(asked, QualityResult)
    wanted = ReleaseSpec(
        labels=SHELF, destination=destination, store=store, snapshot=measured.snapshot, items=synced.listing, removed="Keep", formats=("Coco",)
    )
    released = job.result(wanted, ReleaseResult)
    assert (released.items, released.excluded) == (len(FIRST), {})
    lines = (s3.folder / bucket / "sets/v0001/items.jsonl").read_text().splitlines()
    (item,) = [item for item in map(DatasetItem.model_validate_json, lines) if item.key.endswith(gone)]
    assert (item.image, item.group) == (ImageSize(width=WIDTH, height=HEIGHT), gone.removesuffix(".png"))
