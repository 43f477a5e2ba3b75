"""Labels that exist as files, against a real bucket: listed, measured and released without a labelling backend."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

from PIL import Image

from tests.integration.job_runs import JobProcess, store_at
from tests.integration.labelling_people import COLOURS
from tests.integration.servers import S3Server
from treadle.contracts import ExitCode
from treadle.contracts.compare import CompareResult, CompareSpec
from treadle.contracts.dataset import Manifest
from treadle.contracts.quality import ConsensusPolicy, QualityResult, QualitySpec, ReviewPolicy
from treadle.contracts.release import ReleaseResult, ReleaseSpec
from treadle.contracts.sync import KeptLabels, Source, SourceLabels, SyncResult, SyncSpec

POLICY = ConsensusPolicy(review=ReviewPolicy(reviewers=("u9",)))


class Shelf:
    """A bucket with pictures and a file of labels."""

    def __init__(self, s3: S3Server, folder: Path) -> None:
        self.bucket = s3.make_bucket(f"files-{uuid4().hex[:8]}")
        self.root = s3.folder / self.bucket
        self.store = store_at(s3.endpoint)
        self.job = JobProcess(folder, s3.access_key, s3.secret_key)
        self.uri = f"s3://{self.bucket}"
        self.sets = f"{self.uri}/sets"

    def picture(self, name: str, shade: int) -> None:
        content = io.BytesIO()
        Image.new("L", (40, 20), shade).save(content, "PNG")
        (self.root / "raw").mkdir(exist_ok=True)
        (self.root / "raw" / name).write_bytes(content.getvalue())

    def write_labels(self, *lines: tuple[str, str, str]) -> None:
        told = [{"uri": name, "label": label, "annotator": who} for name, label, who in lines]
        (self.root / "raw" / "labels.jsonl").write_text("\n".join(map(json.dumps, told)))

    def sync(self) -> SyncResult:
        labels = SourceLabels(format="Jsonl", uri=f"{self.uri}/raw/labels.jsonl")
        source = Source(name="old", uri=f"{self.uri}/raw/", labels=labels)
        spec = SyncSpec(labels=COLOURS, sources=(source,), destination=self.sets, store=self.store, keep=KeptLabels(annotations_per_item=2))
        return self.job.result(spec, SyncResult)

    def quality(self, synced: SyncResult) -> QualityResult:
        spec = QualitySpec(
            labels=COLOURS, destination=self.sets, store=self.store, annotations=synced.annotations, items=synced.listing, consensus=POLICY
        )
        return self.job.result(spec, QualityResult)

    def release(self, synced: SyncResult, measured: QualityResult) -> ReleaseResult:
        spec = ReleaseSpec(
            labels=COLOURS,
            destination=self.sets,
            store=self.store,
            snapshot=measured.snapshot,
            items=synced.listing,
            policy=POLICY,
            formats=("Jsonl",),
        )
        return self.job.result(spec, ReleaseResult)

    def compare(self, after: int, before: int | None = None) -> CompareResult:
        return self.job.result(CompareSpec(destination=self.sets, store=self.store, after=after, before=before), CompareResult)

    def items(self, version: int) -> dict[str, Any]:
        lines = (self.root / "sets" / f"v{version:04}" / "items.jsonl").read_text().splitlines()
        return {item["key"].rpartition("/")[2]: item for item in map(json.loads, lines)}


def test_labels_of_files_are_measured_reviewed_and_released(s3: S3Server, tmp_path: Path) -> None:
    shelf = Shelf(s3, tmp_path)
    for shade, name in enumerate(("a.png", "b.png", "c.png", "d.png")):
        shelf.picture(name, shade)
    answers = [("a.png", "red", "1"), ("a.png", "red", "2"), ("b.png", "red", "1"), ("b.png", "blue", "2"), ("c.png", "green", "1")]
    shelf.write_labels(*answers, ("d.png", "pink", "1"), ("gone.png", "red", "1"))
    synced = shelf.sync()
    assert (synced.items, synced.answers, synced.annotated, synced.finished, synced.unreadable) == (4, 5, 3, 2, 1)
    assert shelf.sync() == synced
    measured = shelf.quality(synced)
    counts = (measured.items, measured.complete, measured.agreed, measured.disputed, measured.annotators, measured.annotations)
    assert counts == (4, 2, 1, 1, 2, 5)
    assert measured.percent_agreement == 0.5
    assert measured.snapshot == synced.annotations, "labels are kept once, and nothing is lost on the way"
    first = shelf.release(synced, measured)
    assert (first.version, first.items, first.excluded) == (1, 1, {"Disputed": 1, "Incomplete": 1})

    shelf.write_labels(*answers, ("c.png", "green", "2"), ("b.png", "blue", "9"))
    synced = shelf.sync()
    assert synced.digest == shelf.sync().digest
    measured = shelf.quality(synced)
    assert (measured.agreed, measured.reviewed) == (3, 1)
    second = shelf.release(synced, measured)
    found = shelf.items(second.version)
    assert [(name, item["label"]["label"]) for name, item in sorted(found.items())] == [("a.png", "red"), ("b.png", "blue"), ("c.png", "green")]
    assert found["b.png"]["reviewed"]
    assert found["a.png"]["split"] == shelf.items(first.version)["a.png"]["split"]
    assert not shelf.release(synced, measured).created, "the same labels again are no new version"

    directory = shelf.root / "sets" / "v0002"
    manifest = Manifest.model_validate_json((directory / "manifest.json").read_text())
    assert manifest.changes is not None
    assert (manifest.changes.added, manifest.changes.same) == (2, 1)
    assert [(pair.one, pair.other, pair.items, pair.alike) for pair in manifest.pairs] == [("u1", "u2", 3, 0.666667)]
    assert (directory / "card.html").read_text().count('<img alt="" src="data:image/jpeg;base64,') == 3
    assert "Items: 2 added, 1 as they were." in (directory / "README.md").read_text()

    different = shelf.compare(2)
    assert (different.before.version, different.after.version, different.settings) == (1, 2, ())
    assert (different.changes.same, different.changes.added, different.changes.removed) == (1, 2, 0)
    assert (different.before.counts["blue"], different.after.counts["blue"]) == (0, 1)
    assert shelf.compare(2, 2).same
    code, failure = shelf.job.failure(CompareSpec(destination=shelf.sets, store=shelf.store, after=1))
    assert (code, failure.reason) == (ExitCode.BAD_INPUT, "DatasetVersionNotFound")
    (shelf.root / "sets" / "v0001" / "items.jsonl").write_text("")
    assert shelf.job.failure(CompareSpec(destination=shelf.sets, store=shelf.store, after=2))[1].reason == "ContentChanged"
