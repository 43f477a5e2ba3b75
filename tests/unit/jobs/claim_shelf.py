"""Pictures and their labels in a claim, and our Jobs at work there: real files, and no server."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from treadle.contracts import JobSpec, Result
from treadle.contracts.labels import LabelClass, LabelSchema
from treadle.contracts.quality import ConsensusPolicy, QualityResult, QualitySpec
from treadle.contracts.stores import StoreConnection
from treadle.contracts.sync import KeptLabels, Source, SourceLabels, SyncResult, SyncSpec
from treadle.jobs._failure import JobFailure
from treadle.jobs.collect import collect
from treadle.jobs.draft import draft
from treadle.jobs.fetch_dataset import fetch_dataset
from treadle.jobs.quality import quality
from treadle.jobs.release import release
from treadle.jobs.sync import sync

COLOURS = LabelSchema(task="ImageClassification", labels=tuple(LabelClass(name=name) for name in ("red", "green", "blue")))
WORKS: Mapping[str, Callable[[Any], Result]] = {
    "sync": sync,
    "collect": collect,
    "quality": quality,
    "draft": draft,
    "release": partial(release, now=datetime(2026, 11, 30, tzinfo=UTC)),
    "fetch-dataset": fetch_dataset,
}

Answer = TypeVar("Answer", bound=Result)


class ClaimShelf:
    """A claim with pictures and a file of labels."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "claims" / "data"
        (self.root / "raw").mkdir(parents=True)
        self.store = StoreConnection(endpoint="http://127.0.0.1:9", claims=str(folder / "claims"))
        self.sets = "pvc://data/sets/"

    def picture(self, name: str, shade: int) -> None:
        content = io.BytesIO()
        Image.new("L", (40, 20), shade).save(content, "PNG")
        (self.root / "raw" / name).write_bytes(content.getvalue())

    def write_labels(self, *lines: tuple[str, str, str]) -> None:
        told = [{"uri": name, "label": label, "annotator": who} for name, label, who in lines]
        (self.root / "raw" / "labels.jsonl").write_text("\n".join(map(json.dumps, told)))

    def result(self, spec: JobSpec, wanted: type[Answer]) -> Answer:
        """What the Job says in its termination message."""
        return wanted.from_message(WORKS[spec.kind](type(spec).model_validate_json(spec.to_variable())).to_message())

    def failure(self, spec: JobSpec) -> JobFailure:
        """Why it cannot."""
        try:
            WORKS[spec.kind](spec)
        except JobFailure as failure:
            return failure
        raise AssertionError("the Job ended well")

    def sync(self) -> SyncResult:
        labels = SourceLabels(format="Jsonl", uri="pvc://data/raw/labels.jsonl")
        source = Source(name="old", uri="pvc://data/raw/", labels=labels)
        spec = SyncSpec(labels=COLOURS, sources=(source,), destination=self.sets, store=self.store, keep=KeptLabels(annotations_per_item=2))
        return self.result(spec, SyncResult)

    def quality(self, synced: SyncResult, policy: ConsensusPolicy) -> QualityResult:
        spec = QualitySpec(
            labels=COLOURS, destination=self.sets, store=self.store, annotations=synced.annotations, items=synced.listing, consensus=policy
        )
        return self.result(spec, QualityResult)

    def items(self, version: int) -> dict[str, Any]:
        """The lines of a version, by file name."""
        lines = (self.root / "sets" / f"v{version:04}" / "items.jsonl").read_text().splitlines()
        return {item["key"].rpartition("/")[2]: item for item in map(json.loads, lines)}
