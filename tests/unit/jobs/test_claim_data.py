"""A dataset version that lies in a claim, with its items, is fetched without any object store; nothing outside the claim is ever read."""

import hashlib
from pathlib import Path

import pytest

from treadle.contracts.dataset import (
    DatasetItem,
    ExportFile,
    FetchDatasetSpec,
    FetchedDataset,
    Identity,
    Manifest,
    ManifestFile,
    Splits,
    identity_digest,
)
from treadle.contracts.labels import ClassLabel, LabelClass, LabelSchema
from treadle.contracts.quality import ConsensusPolicy
from treadle.contracts.stores import StoreConnection
from treadle.jobs._failure import JobFailure
from treadle.jobs.fetch_dataset import fetch_dataset

NOWHERE = "http://127.0.0.1:9"
INDEX = "exports/ImageFolder/index.jsonl"
CAN = b"a can"


def version_in(claim: Path, uri: str = "pvc://data/raw/can.png") -> str:
    """A version of one item, whose bytes are at `uri`; its digest."""
    sha256 = hashlib.sha256(CAN).hexdigest()
    item = DatasetItem(key="can", uri=uri, sha256=sha256, label=ClassLabel(label="can"), split="train")
    export = ExportFile(path="train/can/can.png", uri=uri, sha256=sha256, split="train")
    files = {"items.jsonl": f"{item.to_json()}\n".encode(), INDEX: f"{export.to_json()}\n".encode()}
    labels = LabelSchema(task="ImageClassification", labels=(LabelClass(name="can"),))
    identity = Identity(items=hashlib.sha256(files["items.jsonl"]).hexdigest(), labels=labels, policy=ConsensusPolicy(), splits=Splits())
    manifest = Manifest(
        version=1,
        digest=identity_digest(identity),
        identity=identity,
        created_at="2026-01-01T00:00:00Z",
        items=1,
        splits={"train": 1},
        counts={"can": 1},
        exports=("ImageFolder",),
        files=tuple(ManifestFile(path=path, sha256=hashlib.sha256(content).hexdigest(), size=len(content)) for path, content in files.items()),
    )
    for path, content in {**files, "manifest.json": manifest.to_json().encode()}.items():
        place = claim / "shelf" / "v0001" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    (claim / "raw").mkdir(parents=True)
    (claim / "raw" / "can.png").write_bytes(CAN)
    return manifest.digest


def wanted(tmp_path: Path, digest: str, uri: str = "pvc://data/shelf/v0001/") -> FetchDatasetSpec:
    store = StoreConnection(endpoint=NOWHERE, claims=str(tmp_path / "claims"))
    return FetchDatasetSpec(store=store, uri=uri, digest=digest, directory=str(tmp_path / "dataset"))


def test_a_version_in_a_claim_is_fetched_without_an_object_store(tmp_path: Path) -> None:
    digest = version_in(tmp_path / "claims" / "data")
    assert fetch_dataset(wanted(tmp_path, digest)).items == 1
    assert (tmp_path / "dataset" / "train" / "can" / "can.png").read_bytes() == CAN
    assert FetchedDataset.model_validate_json((tmp_path / "dataset" / "dataset.json").read_bytes()).uri == "pvc://data/shelf/v0001/"


def test_content_other_than_pinned_is_not_trained_on(tmp_path: Path) -> None:
    digest = version_in(tmp_path / "claims" / "data")
    (tmp_path / "claims" / "data" / "raw" / "can.png").write_bytes(b"a bottle")
    with pytest.raises(JobFailure, match=r"pvc://data/raw/can.png: content has sha256"):
        fetch_dataset(wanted(tmp_path, digest))


def test_a_claim_without_such_a_version_is_said(tmp_path: Path) -> None:
    digest = version_in(tmp_path / "claims" / "data")
    with pytest.raises(JobFailure, match="there is no dataset version at pvc://data/shelf/v0002/"):
        fetch_dataset(wanted(tmp_path, digest, "pvc://data/shelf/v0002/"))


@pytest.mark.parametrize("uri", ["pvc://data/../secret.png", "pvc://data/link.png", "pvc://other/raw/can.png"])
def test_nothing_outside_the_claim_is_read(tmp_path: Path, uri: str) -> None:
    digest = version_in(tmp_path / "claims" / "data", uri)
    (tmp_path / "secret.png").write_bytes(CAN)
    (tmp_path / "claims" / "data" / "link.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(JobFailure):
        fetch_dataset(wanted(tmp_path, digest))
    assert not list((tmp_path / "dataset").rglob("can.png"))
