"""Texts, from the bucket to a dataset version: what people see is the text itself, and what cannot be read as text is told."""

from __future__ import annotations

import hashlib
from pathlib import Path
from uuid import uuid4

from tests.integration.job_runs import JobProcess, store_at
from tests.integration.labelling_people import Person, make_project
from tests.integration.servers import LabelStudioServer, S3Server
from treadle.contracts.dataset import FetchDatasetResult, FetchDatasetSpec, FetchedItem
from treadle.contracts.labels import ClassLabel, LabelClass, LabelSchema
from treadle.contracts.quality import QualityResult, QualitySpec
from treadle.contracts.release import ReleaseResult, ReleaseSpec
from treadle.contracts.sync import Source, SyncResult, SyncSpec

FEELINGS = LabelSchema(task="TextClassification", labels=(LabelClass(name="praise"), LabelClass(name="complaint")))
TEXTS = {
    "Kept cold for a whole day – größer als gedacht.": "praise",
    "s3://looks/like/a/place but is a complaint about <b>one</b> & the other.": "complaint",
    "It leaks.\n\nTwice I wrote to you, twice nothing.": "complaint",
}


def test_texts_are_shown_as_they_are_and_become_a_dataset(s3: S3Server, label_studio: LabelStudioServer, tmp_path: Path) -> None:
    bucket = s3.make_bucket(f"texts-{uuid4().hex[:8]}")
    raw = s3.folder / bucket / "raw"
    raw.mkdir()
    for number, text in enumerate(TEXTS):
        (raw / f"{number}.txt").write_text(text)
    (raw / "blank.txt").write_text(" \n")
    (raw / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    job = JobProcess(tmp_path, s3.access_key, s3.secret_key, label_studio.token)
    project = make_project(label_studio, FEELINGS)
    store, destination = store_at(s3.endpoint), f"s3://{bucket}/sets"
    sync = SyncSpec(
        labels=FEELINGS,
        sources=(Source(name="mails", uri=f"s3://{bucket}/raw/"),),
        destination=destination,
        store=store,
        label_studio=project,
    )
    synced = job.result(sync, SyncResult)
    assert (synced.items, synced.added, synced.unreadable) == (3, 3, 2)
    assert sorted(why.rpartition("/")[2] for why in synced.examples) == [
        "blank.txt: it is blank",
        "picture.png: not a text in UTF-8: invalid start byte at byte 0",
    ]
    assert job.result(sync, SyncResult).added == 0

    person = Person(label_studio.url, label_studio.token)
    tasks = {task["data"]["text"]: task["id"] for task in person.tasks(project.project)}
    assert set(tasks) == set(TEXTS)
    assert person.call("GET", "/api/storages/s3", params={"project": project.project}).json() == []
    for text, label in TEXTS.items():
        person.answer(tasks[text], label)

    measured = job.result(
        QualitySpec(labels=FEELINGS, destination=destination, store=store, label_studio=project, items=synced.listing), QualityResult
    )
    assert (measured.agreed, measured.metric) == (3, "KrippendorffAlpha")
    release = ReleaseSpec(labels=FEELINGS, destination=destination, store=store, snapshot=measured.snapshot, items=synced.listing)
    released = job.result(release, ReleaseResult)
    root = tmp_path / "dataset"
    job.result(FetchDatasetSpec(store=store, uri=released.uri, digest=released.digest, directory=str(root)), FetchDatasetResult)
    items = [FetchedItem.model_validate_json(line) for line in (root / "items.jsonl").read_text().splitlines()]
    assert {(root / item.path).read_text(): item.label for item in items} == {text: ClassLabel(label=label) for text, label in TEXTS.items()}
    assert all(hashlib.sha256((root / item.path).read_bytes()).hexdigest() == item.sha256 for item in items)
