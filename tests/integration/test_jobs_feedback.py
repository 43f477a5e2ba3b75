"""What a serving pod spooled comes to a real object store: whole, once, and never more of it than the day's bound."""

from __future__ import annotations

import hashlib
from pathlib import Path
from uuid import uuid4

import pytest

from tests.integration.job_runs import store_at
from tests.integration.servers import S3Server
from tests.unit.predictors.models import png, save_digits
from tests.unit.runtime.test_feedback import EVERYTHING, Pod
from treadle.contracts.feedback import FeedbackNote, FeedbackSpec
from treadle.contracts.stores import STORE_KEY_VARIABLE, STORE_SECRET_VARIABLE
from treadle.jobs._failure import JobFailure
from treadle.jobs._store import Store
from treadle.jobs.feedback import deliver
from treadle.predictors import load_model

DAY = "2026-01-01"


@pytest.fixture
def bucket(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(STORE_KEY_VARIABLE, s3.access_key)
    monkeypatch.setenv(STORE_SECRET_VARIABLE, s3.secret_key)
    return s3.make_bucket(f"feedback-{uuid4().hex[:8]}")


def spooled(directory: Path, *items: bytes) -> FeedbackNote:
    directory.mkdir(exist_ok=True)
    for item in items:
        digest = hashlib.sha256(item).hexdigest()
        note = FeedbackNote(
            when="Random", at=f"{DAY}T10:00:00+00:00", deployment="ml/d", model_version="7", revision="abc123", digest=digest, extension="txt"
        )
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
