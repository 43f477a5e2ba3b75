"""Data in claims: listed, read and written as in a bucket; and the whole way from files to a version without any server."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from treadle.contracts import StoreConnection
from treadle.contracts.labels import LabelClass, LabelSchema
from treadle.contracts.quality import QualitySpec
from treadle.contracts.release import ReleaseSpec
from treadle.contracts.stores import FurtherStore
from treadle.contracts.sync import KeptLabels, Source, SourceLabels, SyncSpec
from treadle.jobs._failure import JobFailure
from treadle.jobs._places import keys_for
from treadle.jobs._store import NotThere, Store
from treadle.jobs.quality import quality
from treadle.jobs.release import release
from treadle.jobs.sync import sync

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path: Path) -> StoreConnection:
    (tmp_path / "claims" / "shelf" / "raw").mkdir(parents=True)
    return StoreConnection(claims=str(tmp_path / "claims"))


def test_files_of_a_claim_are_listed_read_and_written_once(connection: StoreConnection, tmp_path: Path) -> None:
    store = Store(connection)
    assert store.create("pvc://shelf/raw/a/1.txt", b"one")
    assert not store.create("pvc://shelf/raw/a/1.txt", b"two"), "nothing is ever written over"
    assert store.read("pvc://shelf/raw/a/1.txt") == b"one"
    (entry,) = store.list("pvc://shelf/raw")
    assert (entry.uri, entry.size) == ("pvc://shelf/raw/a/1.txt", 3)
    assert store.look(entry.uri).etag == entry.etag
    assert list(store.list("pvc://shelf/other")) == []
    assert (tmp_path / "claims" / "shelf" / "raw" / "a" / "1.txt").read_bytes() == b"one"


def test_what_is_not_in_the_claim_is_not_there(connection: StoreConnection, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("keys")
    (tmp_path / "claims" / "shelf" / "raw" / "link").symlink_to(tmp_path / "secret")
    for uri in ("pvc://shelf/raw/none", "pvc://shelf/raw/link", "pvc://shelf/../../secret"):
        with pytest.raises(NotThere):
            Store(connection).read(uri)


def test_a_claim_that_is_not_mounted_is_told(connection: StoreConnection) -> None:
    for asked in (connection, StoreConnection()):
        with pytest.raises(JobFailure) as failure:
            Store(asked).read("pvc://other/a")
        assert "claim other is not mounted" in failure.value.message


def test_each_prefix_has_its_own_endpoint_and_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ACCESS_KEY_ID_2": "c", "AWS_SECRET_ACCESS_KEY_2": "d"}.items():
        monkeypatch.setenv(name, value)
    clinic = FurtherStore(prefix="s3://clinic-", endpoint="https://clinic", number=1)
    ward = FurtherStore(prefix="s3://clinic-ward/", endpoint="https://ward", number=2)
    connection = StoreConnection(endpoint="https://corp", further=(clinic, ward))
    assert [
        (each.endpoint, each.access_key) for each in (keys_for(connection, f"s3://{uri}") for uri in ("raw/1", "clinic-x/1", "clinic-ward/1"))
    ] == [
        ("https://corp", "a"),
        ("https://clinic", ""),
        ("https://ward", "c"),
    ]


def test_labels_in_a_claim_become_a_version_in_a_claim(connection: StoreConnection, tmp_path: Path) -> None:
    root, sets = tmp_path / "claims" / "shelf", "pvc://shelf/sets"
    schema = LabelSchema(task="ImageClassification", labels=(LabelClass(name="can"), LabelClass(name="bottle")))
    for shade, name in enumerate(("a.png", "b.png", "c.png")):
        content = io.BytesIO()
        Image.new("L", (4, 4), shade).save(content, "PNG")
        (root / "raw" / name).write_bytes(content.getvalue())
    answers = [("a.png", "can", "1"), ("a.png", "can", "2"), ("b.png", "can", "1"), ("b.png", "bottle", "2"), ("c.png", "bottle", "1")]
    lines = [json.dumps({"uri": name, "label": label, "annotator": who}) for name, label, who in answers]
    (root / "raw" / "labels.jsonl").write_text("\n".join(lines))

    labels = SourceLabels(format="Jsonl", uri="pvc://shelf/raw/labels.jsonl")
    source = Source(name="old", uri="pvc://shelf/raw/", labels=labels)
    wanted = SyncSpec(labels=schema, sources=(source,), destination=sets, store=connection, keep=KeptLabels(annotations_per_item=2))
    synced = sync(wanted)
    assert (synced.items, synced.answers, synced.annotated, synced.finished) == (3, 5, 3, 2)
    assert sync(wanted) == synced

    measured = quality(QualitySpec(labels=schema, destination=sets, store=connection, annotations=synced.annotations, items=synced.listing))
    assert (measured.items, measured.complete, measured.agreed, measured.disputed, measured.percent_agreement) == (3, 2, 1, 1, 0.5)
    assert measured.snapshot == synced.annotations

    asked = ReleaseSpec(labels=schema, destination=sets, store=connection, snapshot=measured.snapshot, items=synced.listing)
    released = release(asked, NOW)
    assert (released.version, released.items, released.excluded, released.uri) == (1, 1, {"Disputed": 1, "Incomplete": 1}, "pvc://shelf/sets/v0001/")
    assert not release(asked, NOW).created
    assert json.loads((root / "sets" / "v0001" / "items.jsonl").read_text())["uri"] == "pvc://shelf/raw/a.png"
