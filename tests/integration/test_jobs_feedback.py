"""What a serving pod spooled comes to a real object store: whole, once, and never more of it than the day's bound; and from there to people."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.browser import browser
from tests.integration.job_runs import JobProcess, store_at
from tests.integration.labelling_people import Person, make_project, open_task
from tests.integration.servers import LabelStudioServer, S3Server
from tests.unit.predictors.models import png, save_digits
from tests.unit.runtime.test_feedback import EVERYTHING, Pod
from treadle.annotation.sync import NOTES
from treadle.contracts.feedback import FeedbackNote, FeedbackSpec
from treadle.contracts.labels import LabelClass, LabelSchema
from treadle.contracts.stores import STORE_KEY_VARIABLE, STORE_SECRET_VARIABLE
from treadle.contracts.sync import Source, SourceLabels, SyncResult, SyncSpec
from treadle.jobs._failure import JobFailure
from treadle.jobs._store import Store
from treadle.jobs.feedback import deliver
from treadle.predictors import load_model

DAY = "2026-01-01"
MOODS = LabelSchema(task="TextClassification", labels=(LabelClass(name="praise"), LabelClass(name="complaint")))


@pytest.fixture
def bucket(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(STORE_KEY_VARIABLE, s3.access_key)
    monkeypatch.setenv(STORE_SECRET_VARIABLE, s3.secret_key)
    return s3.make_bucket(f"feedback-{uuid4().hex[:8]}")


def spooled(directory: Path, *items: bytes, **said: object) -> FeedbackNote:
    directory.mkdir(exist_ok=True)
    for item in items:
        digest = hashlib.sha256(item).hexdigest()
        known = {"when": "Random", "at": f"{DAY}T10:00:00+00:00", "deployment": "ml/d", "model_version": "7", "revision": "abc123"}
        note = FeedbackNote.model_validate({**known, "digest": digest, "extension": "txt", **said})
        (directory / f"{digest}.item").write_bytes(item)
        (directory / f"{digest}.json").write_text(note.to_json())
    return note


def spec_of(s3: S3Server, bucket: str, spool: Path, per_day: int) -> FeedbackSpec:
    return FeedbackSpec(store=store_at(s3.endpoint), destination=f"s3://{bucket}/digits/", per_day=per_day, directory=str(spool))


def test_two_pods_together_keep_to_the_bound_of_the_day(s3: S3Server, bucket: str, tmp_path: Path) -> None:
    specs = [spec_of(s3, bucket, tmp_path / pod, per_day=3) for pod in ("a", "b")]
    store = Store(specs[0].store)
    spooled(tmp_path / "a", b"one", b"two")
    spooled(tmp_path / "b", b"three", b"four")
    (tmp_path / "b" / "half.json").write_text("{")
    assert [deliver(spec, store) for spec in specs] == [2, 1]
    folder = s3.folder / bucket / "digits"
    assert len(list((folder / "items" / DAY).iterdir())) == 3
    assert sorted(path.name for path in (folder / "told" / DAY).iterdir()) == [f"0000000{number}.json" for number in range(3)]
    assert [list((tmp_path / pod).glob("*.json")) for pod in ("a", "b")] == [[], []], "what is above the bound does not wait for ever"


def test_what_the_runtime_spools_is_what_comes_to_the_store(s3: S3Server, bucket: str, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    pod = Pod(spool, load_model(save_digits(tmp_path / "model")), EVERYTHING)
    pod.ask(png(1500), png(1501))
    notes = [note for note, _ in pod.kept()]
    spec = spec_of(s3, bucket, spool, per_day=10)
    assert deliver(spec, Store(spec.store)) == 2
    folder = s3.folder / bucket / "digits" / "items" / notes[0].day
    assert {path.read_bytes() for path in folder.iterdir()} == {png(1500), png(1501)}
    assert {path.suffix for path in folder.iterdir()} == {".png"}


def test_a_note_in_the_store_names_its_item(s3: S3Server, bucket: str, tmp_path: Path) -> None:
    spec = spec_of(s3, bucket, tmp_path, per_day=3)
    note = spooled(tmp_path, b"one")
    deliver(spec, Store(spec.store))
    folder = s3.folder / bucket / "digits"
    assert FeedbackNote.model_validate_json((folder / "told" / DAY / "00000000.json").read_bytes()) == note
    assert (folder / "items" / DAY / f"{note.digest[:32]}.txt").read_bytes() == b"one"


def test_what_a_store_refuses_stays_in_the_spool(s3: S3Server, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STORE_SECRET_VARIABLE, "wrong")
    spec = spec_of(s3, bucket, tmp_path, per_day=3)
    spooled(tmp_path, b"one")
    with pytest.raises(JobFailure):
        deliver(spec, Store(spec.store))
    assert len(list(tmp_path.glob("*.json"))) == 1


class Round:
    """A deployment that feeds texts back, and a project that takes them up."""

    def __init__(self, s3: S3Server, server: LabelStudioServer, bucket: str, folder: Path) -> None:
        self.s3, self.bucket, self.folder = s3, bucket, folder
        self.job = JobProcess(folder, s3.access_key, s3.secret_key, server.token)
        self.person = Person(server.url, server.token)
        self.project = make_project(server, MOODS, fed_back=True)
        self.spec = spec_of(s3, bucket, folder / "spool", per_day=100)

    def feed(self, *texts: bytes, **said: object) -> None:
        """A pod keeps these texts, and they are brought to the store."""
        spooled(self.folder / "spool", *texts, **said)
        assert deliver(self.spec, Store(self.spec.store)) == len(texts)

    def put(self, path: str, content: str) -> None:
        where = self.s3.folder / self.bucket / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(content)

    def sync(self, **more: Any) -> SyncResult:
        live = Source(name="live", uri=f"s3://{self.bucket}/digits/", kind="Feedback", exclude=NOTES)
        raw = Source(name="raw", uri=f"s3://{self.bucket}/raw/")
        shared = {"labels": MOODS, "destination": f"s3://{self.bucket}/sets/", "store": store_at(self.s3.endpoint), "label_studio": self.project}
        return self.job.result(SyncSpec.model_validate({"sources": (raw, live), **shared, **more}), SyncResult)

    def seen(self) -> dict[str, tuple[str, list[tuple[str, float, str]]]]:
        """What people find in each task, by its text: why it came, and what is proposed."""
        return {
            task["data"]["text"]: (
                task["data"]["why"],
                [(each["model_version"], each["score"], each["result"][0]["value"]["choices"][0]) for each in task["predictions"]],
            )
            for task in self.person.tasks(self.project.project)
        }


@pytest.fixture
def around(s3: S3Server, label_studio: LabelStudioServer, bucket: str, tmp_path: Path) -> Round:
    return Round(s3, label_studio, bucket, tmp_path)


def test_an_item_that_a_deployment_sent_back_comes_with_why_and_with_the_models_answer(around: Round) -> None:
    around.put("raw/1.txt", "Always fresh.")
    around.feed(b"It leaks.", when="Uncertain", label="praise", score=0.54)
    around.feed(b"Never seen the like.", when="Drifted", label="boredom", score=0.9)
    first = around.sync()
    assert (first.items, first.added, first.unreadable, first.broken_notes) == (3, 3, 0, 0)
    assert around.seen() == {
        "Always fresh.": ("", []),
        "It leaks.": ("Uncertain: version 7 of ml/d said praise, 54 % sure", [("sources", 0.54, "praise")]),
        "Never seen the like.": ("Drifted: version 7 of ml/d said boredom, 90 % sure", []),
    }
    tasks = around.person.tasks(around.project.project)
    second = around.sync(slot=1)
    assert second == first.model_copy(update={"added": 0})
    assert around.person.tasks(around.project.project) == tasks

    around.feed(b"Warm on arrival.", when="Disputed", label="complaint", score=0.8, model_version="8")
    assert around.sync(slot=2).added == 1
    assert around.seen()["Warm on arrival."][0] == "Disputed: version 8 of ml/d said complaint, 80 % sure"
    shown: set[str] = set()
    for _ in range(4):
        task = around.person.call("GET", f"/api/projects/{around.project.project}/next/").json()
        shown |= {each["result"][0]["value"]["choices"][0] for each in task["predictions"]}
        around.person.answer(task["id"], "complaint")
    assert shown == {"praise", "complaint"}, "what either version answered is put before people when they open the task"


def test_what_models_of_several_deployments_and_a_file_propose_is_all_put_before_people(around: Round) -> None:
    around.feed(b"It leaks.", label="praise", score=0.54)
    other = f"other/items/{DAY}/{hashlib.sha256(b'Cold.').hexdigest()[:32]}.txt"
    spooled(around.folder / "spool", b"Cold.", label="complaint", score=0.8)
    assert deliver(around.spec.model_copy(update={"destination": f"s3://{around.bucket}/other/"}), Store(around.spec.store)) == 1
    assert (around.s3.folder / around.bucket / other).exists()
    around.put("raw/1.txt", "Fine.")
    around.put("labels.jsonl", json.dumps({"uri": "raw/1.txt", "label": "praise"}))
    labels = SourceLabels(format="Jsonl", uri=f"s3://{around.bucket}/labels.jsonl", kind="Prediction")
    around.sync(
        sources=(
            Source(name="raw", uri=f"s3://{around.bucket}/raw/", labels=labels),
            *(Source(name=name, uri=f"s3://{around.bucket}/{name}/", kind="Feedback", exclude=NOTES) for name in ("digits", "other")),
        )
    )
    shown: dict[str, list[str]] = {}
    for _ in range(3):
        task = around.person.call("GET", f"/api/projects/{around.project.project}/next/").json()
        shown[task["data"]["text"]] = [each["result"][0]["value"]["choices"][0] for each in task["predictions"]]
        around.person.answer(task["id"], "complaint")
    assert shown == {"It leaks.": ["praise"], "Cold.": ["complaint"], "Fine.": ["praise"]}


def test_a_broken_note_costs_its_item_the_reason_and_nothing_else(around: Round) -> None:
    around.feed(b"It leaks.", label="praise", score=0.54)
    around.put(f"digits/told/{DAY}/00000000.json", "{")
    around.put(f"digits/told/{DAY}/00000001.json", "x" * 20_000)
    first = around.sync()
    assert (first.items, first.added, first.unreadable, first.broken_notes) == (1, 1, 0, 2)
    assert around.seen() == {"It leaks.": ("", [])}
    assert around.sync(slot=1) == first.model_copy(update={"added": 0, "broken_notes": 0}), "notes beside items that people have are not read again"


def test_what_people_or_other_sources_say_of_an_item_is_not_touched_by_what_a_deployment_says(around: Round) -> None:
    known = f"digits/items/{DAY}/{hashlib.sha256(b'Cold.').hexdigest()[:32]}.txt"
    around.feed(b"Cold.", b"It leaks.", label="praise", score=0.54)
    around.put("labels.jsonl", json.dumps({"uri": known, "label": "complaint"}))
    labels = SourceLabels(format="Jsonl", uri=f"s3://{around.bucket}/labels.jsonl")
    live = Source(name="live", uri=f"s3://{around.bucket}/digits/", kind="Feedback", exclude=NOTES)
    around.put("none/1.txt", "Fine.")
    old = Source(name="old", uri=f"s3://{around.bucket}/none/", labels=labels)
    around.sync(sources=(old, live))
    tasks = {task["data"]["text"]: task for task in around.person.tasks(around.project.project)}
    (given,) = tasks["Cold."]["annotations"]
    assert (given["result"][0]["value"]["choices"], tasks["Cold."]["predictions"]) == (["complaint"], [])
    assert tasks["Cold."]["data"]["why"].startswith("Random: ")
    around.person.answer(tasks["It leaks."]["id"], "complaint")
    around.feed(b"It leaks.", label="praise", at="2026-01-02T10:00:00+00:00", when="Uncertain")
    assert around.sync(sources=(old, live), slot=1).added == 0
    after = {task["data"]["text"]: task for task in around.person.tasks(around.project.project)}
    assert [len(after[text]["annotations"]) for text in ("Cold.", "It leaks.")] == [1, 1]
    assert after["It leaks."]["data"] == tasks["It leaks."]["data"]


async def test_people_read_the_reason_above_the_item_and_find_the_models_answer_chosen(
    around: Round, label_studio: LabelStudioServer, tmp_path: Path
) -> None:
    around.feed(b"It leaks.", when="Uncertain", label="praise", score=0.54)
    around.sync()
    (task,) = around.person.tasks(around.project.project)
    async with browser(tmp_path) as tab:
        await open_task(tab, label_studio, around.project.project, task["id"])
        await tab.until("document.body?.innerText.includes('Uncertain: version 7 of ml/d said praise, 54 % sure')")
        chosen = "Array.from(document.querySelectorAll('input[type=checkbox]:checked'), box => box.closest('label')?.innerText)"
        await tab.until(f"{chosen}.join() === 'praise[1]'")
        (tmp_path / "screen.png").write_bytes(await tab.picture())
