"""Google's and Azure's stores, as S3: from items and labels to a fetched version, and every refusal worded as the same reason."""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

import pytest
from PIL import Image

from tests.integration.job_runs import JobProcess
from tests.integration.labelling_people import COLOURS
from tests.integration.other_stores import Azure, Google, OtherStore
from treadle.contracts import StoreConnection
from treadle.contracts.dataset import FetchDatasetResult, FetchDatasetSpec
from treadle.contracts.quality import QualityResult, QualitySpec
from treadle.contracts.release import ReleaseResult, ReleaseSpec
from treadle.contracts.stores import FurtherStore
from treadle.contracts.sync import KeptLabels, Source, SourceLabels, SyncResult, SyncSpec
from treadle.jobs import _buckets
from treadle.jobs._failure import JobFailure
from treadle.jobs._store import NotThere, Store

NAMES = ("red.png", "green.png", "blue.png")


@dataclass(frozen=True)
class Bucket:
    """A new bucket, and how it is reached."""

    server: OtherStore
    uri: str
    keys: dict[str, str]

    @property
    def connection(self) -> StoreConnection:
        return StoreConnection(endpoint=self.server.endpoint)

    def fill(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Three pictures and what they show."""
        with monkeypatch.context() as tenant:
            for name, key in self.keys.items():
                tenant.setenv(name, key)
            store = Store(self.connection)
            for shade, name in enumerate(NAMES):
                content = io.BytesIO()
                Image.new("L", (40, 20), shade).save(content, "PNG")
                assert store.create(f"{self.uri}/raw/{name}", content.getvalue())
            lines = [json.dumps({"uri": name, "label": name.removesuffix(".png")}) for name in NAMES]
            store.create(f"{self.uri}/raw/labels.jsonl", "\n".join(lines).encode())


@pytest.fixture(params=["gs", "az", "abfss"])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    """Of Google's, with a service account; of Azure's, with the account's key, and with a token that is good for some of it."""
    name = f"b-{uuid4().hex[:8]}"
    if request.param == "gs":
        google: Google = request.getfixturevalue("gcs")
        return Bucket(google, google.make_bucket(name), dict(google.keys))
    azure: Azure = request.getfixturevalue("azure")
    made = azure.make_bucket(name)
    if request.param == "az":
        return Bucket(azure, made, dict(azure.keys))
    return Bucket(azure, f"abfss://{name}@{azure.account}.dfs.core.windows.net", {"AZURE_STORAGE_SAS_TOKEN": azure.token()})


def test_from_items_to_a_fetched_version(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.fill(monkeypatch)
    job = JobProcess(tmp_path, "", "", others=bucket.keys)
    sets, store = f"{bucket.uri}/sets/", bucket.connection
    source = Source(name="old", uri=f"{bucket.uri}/raw/", labels=SourceLabels(format="Jsonl", uri=f"{bucket.uri}/raw/labels.jsonl"))
    asked = SyncSpec(labels=COLOURS, sources=(source,), destination=sets, store=store, keep=KeptLabels(annotations_per_item=1))
    synced = job.result(asked, SyncResult)
    assert (synced.items, synced.answers, synced.unreadable) == (3, 3, 0), "the file of labels is no item"
    assert job.result(asked, SyncResult) == synced, "what is there is found again, and not written twice"
    measured = job.result(
        QualitySpec(labels=COLOURS, destination=sets, store=store, annotations=synced.annotations, items=synced.listing), QualityResult
    )
    assert measured.agreed == 3
    wish = ReleaseSpec(
        labels=COLOURS, destination=sets, store=store, snapshot=measured.snapshot, items=synced.listing, formats=("ImageFolder",), content="Embed"
    )
    released = job.result(wish, ReleaseResult)
    assert (released.version, released.items, released.created) == (1, 3, True)
    assert not job.result(wish, ReleaseResult).created
    fetched = job.result(
        FetchDatasetSpec(store=store, uri=released.uri, digest=released.digest, directory=str(tmp_path / "dataset")), FetchDatasetResult
    )
    assert fetched.items == 3
    found = sorted(path.relative_to(tmp_path / "dataset").as_posix().partition("/")[2] for path in (tmp_path / "dataset").rglob("*.png"))
    assert [name.partition("/")[0] for name in found] == ["blue", "green", "red"]


@pytest.mark.parametrize(
    ("what", "reason"),
    [("no bucket", "BucketNotFound"), ("wrong keys", "StoreAccessDenied"), ("no key", "StoreAccessDenied"), ("nobody there", "Unreachable")],
)
def test_refusals_are_those_of_s3(bucket: Bucket, what: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_buckets, "PATIENCE", timedelta(seconds=1))
    given = dict(bucket.server.wrong_keys if what == "wrong keys" else bucket.keys)
    if what == "no key":
        given = {name: key if name == "AZURE_STORAGE_ACCOUNT_NAME" else "not a key" for name, key in given.items()}
    connection = StoreConnection(endpoint="http://127.0.0.1:9") if what == "nobody there" else bucket.connection
    uri = bucket.uri.replace("://b-", "://c-") if what == "no bucket" else bucket.uri
    with patch.dict(os.environ, given):
        store = Store(connection)
        for ask in (lambda: list(store.list(f"{uri}/raw/")), lambda: store.read(f"{uri}/raw/1"), lambda: store.create(f"{uri}/raw/1", b"1")):
            with pytest.raises(JobFailure) as failure:
                ask()
            assert failure.value.reason.name == reason
            assert not [key for key in given.values() if len(key) > 8 and key.removeprefix("?") in failure.value.message]
            assert "sig=" not in failure.value.message


def test_an_object_that_is_not_there_is_none_and_one_that_is_stays(bucket: Bucket) -> None:
    with patch.dict(os.environ, bucket.keys):
        store = Store(bucket.connection)
        with pytest.raises(NotThere):
            store.read(f"{bucket.uri}/a/none")
        with pytest.raises(NotThere):
            store.look(f"{bucket.uri}/a/none")
        assert list(store.list(f"{bucket.uri}/a/")) == []
        assert store.create(f"{bucket.uri}/a/b c%2Fä.txt", b"first")
        assert not store.create(f"{bucket.uri}/a/b c%2Fä.txt", b"second")
        assert store.read(f"{bucket.uri}/a/b c%2Fä.txt") == b"first"
        assert [(entry.uri, entry.size) for entry in store.list(f"{bucket.uri}/a")] == [(f"{bucket.uri}/a/b c%2Fä.txt", 5)]
        assert store.folders(f"{bucket.uri}/") == ["a"]


def test_each_store_is_reached_with_its_own_keys(gcs: Google, azure: Azure) -> None:
    """One Job, two clouds: what the environment holds for the one does not reach the other."""
    here, there = gcs.make_bucket(f"b-{uuid4().hex[:8]}"), azure.make_bucket(f"b-{uuid4().hex[:8]}")
    connection = StoreConnection(endpoint=gcs.endpoint, further=(FurtherStore(prefix="az://", endpoint=azure.endpoint, number=1),))
    with patch.dict(os.environ, {**gcs.keys, **{f"{name}_1": key for name, key in azure.keys.items()}}):
        store = Store(connection)
        for uri in (here, there):
            assert store.create(f"{uri}/1", uri.encode())
            assert store.read(f"{uri}/1") == uri.encode()


def test_keys_of_another_account_are_not_sent(azure: Azure) -> None:
    uri = "abfss://b-1@somebodyelse.dfs.core.windows.net/a/1"
    with patch.dict(os.environ, azure.keys), pytest.raises(JobFailure, match="is in the account somebodyelse, the keys are those of tenant"):
        Store(StoreConnection(endpoint=azure.endpoint)).read(uri)
