"""Dataset versions as the release Job writes them to a real S3, fetched into a directory as a trainer's pod has them."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

import pytest
from PIL import Image

from tests.integration.servers import S3Server
from treadle.contracts import Blob, StoreConnection
from treadle.contracts.dataset import FetchDatasetSpec, Manifest, Provenance, Splits
from treadle.contracts.labels import Box, Boxes, ClassLabel, ImageSize, Label, LabelClass, LabelSchema, Region, Regions, Relation, Span, Spans
from treadle.contracts.quality import RawAnnotation
from treadle.contracts.release import ReleaseResult, ReleaseSpec
from treadle.contracts.stores import STORE_KEY_VARIABLE, STORE_SECRET_VARIABLE
from treadle.contracts.sync import Item
from treadle.jobs._lines import to_lines
from treadle.jobs.fetch_dataset import fetch_dataset
from treadle.jobs.release import release
from treadle.tasks import TASKS

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SIZE = ImageSize(width=60, height=40)
NAMES = ("can", "große Flasche", "apple")
RELATION = "next to"
COUNT = 60
TEXTS = ("Ada drinks a can.", "Nobody drinks.", "Two cans, one apple!", "Zoë's café sells apples.")


def names_of(task: str) -> tuple[str, ...]:
    """The labels of a project that says nothing of them, where the task type has some; else ours."""
    return tuple(label.name for label in TASKS[task].silent) or NAMES


def box(label: str, x: float) -> Box:
    return Box(label=label, x=x, y=5, width=10.5, height=20)


def outline(label: str, x: float) -> Region:
    corners = ((x, 5.0), (x + 10, 5.0), (x + 10, 25.0), (x, 25.0))
    return Region(label=label, points=corners, image=SIZE)


def painted(label: str) -> Region:
    return Region(label=label, runs=(70, 5, 55, 5), image=SIZE)


def boxes(number: int) -> Boxes:
    return Boxes(boxes=tuple(box(NAMES[(number + part) % 3], 2 + 20.25 * part) for part in range(number % 4 % 3)))


def regions(number: int) -> Regions:
    more = (painted("apple"),) if number % 2 else ()
    return Regions(regions=(outline(NAMES[number % 3], 5.0), outline(NAMES[1], 30.0), *more))


def spans_of(text: str) -> Spans:
    found = (Span(label="apple", start=start, end=start + 5) for start in range(len(text)) if text.startswith("apple", start))
    spans = (*found, *((Span(label="can", start=text.index("can"), end=text.index("can") + 3),) if "can" in text else ()))
    beside = ((one, other) for one in spans for other in spans if one.label == "can" and other.label == "apple")
    return Spans(spans=spans, relations=tuple(Relation(label=RELATION, head=one.mention, tail=other.mention) for one, other in beside))


LABELS: Mapping[str, Sequence[Label]] = {
    "ImageClassification": [ClassLabel(label=NAMES[number % 3]) for number in range(COUNT)],
    "ObjectDetection": [
        Boxes(boxes=tuple(box(NAMES[(number + part) % 3], 2 + 20.25 * part) for part in range(number % 4 % 3))) for number in range(COUNT)
    ],
    "Segmentation": [
        Regions(regions=(outline(NAMES[number % 3], 5.0), outline(NAMES[1], 30.0), *((painted("apple"),) if number % 2 else ())))
        for number in range(COUNT)
    ],
    "TextClassification": [ClassLabel(label=NAMES[number % 3]) for number in range(COUNT)],
    "PairwisePreference": [ClassLabel(label=names_of("PairwisePreference")[number % 3]) for number in range(COUNT)],
    "NamedEntities": [spans_of(f"{TEXTS[number % len(TEXTS)]} {number}") for number in range(COUNT)],
}
"""What people agree on, by task type: one label per item."""


@dataclass(frozen=True)
class Version:
    """A version at its destination, and where it was fetched to."""

    destination: str
    manifest: Manifest
    files: Path
    labels: Sequence[Label]

    def fetched(self, shelf: Shelf, format: str) -> Path:  # noqa: A002
        """The version in one of its formats."""
        directory = shelf.folder / uuid4().hex / "dataset"
        uri = f"{self.destination}/v{self.manifest.version:04}/"
        with shelf.keys():
            fetch_dataset(FetchDatasetSpec(store=shelf.store, uri=uri, digest=self.manifest.digest, format=format, directory=str(directory)))
        return directory


@dataclass(frozen=True)
class Shelf:
    """A bucket, and how our Jobs reach it."""

    s3: S3Server
    folder: Path

    @property
    def store(self) -> StoreConnection:
        return StoreConnection(endpoint=self.s3.endpoint)

    def keys(self) -> patch.dict:  # type: ignore[name-defined]
        return patch.dict(os.environ, {STORE_KEY_VARIABLE: self.s3.access_key, STORE_SECRET_VARIABLE: self.s3.secret_key})

    def version(self, task: str, formats: Sequence[str], content: str = "Reference") -> Version:
        """Items, answers of one person, and the release of them."""
        bucket = self.s3.make_bucket(f"loaders-{uuid4().hex[:8]}")
        root = self.s3.folder / bucket
        (root / "raw").mkdir()
        items, annotations = [], []
        for number, label in enumerate(LABELS[task]):
            name, data = _content(task, number)
            (root / "raw" / name).write_bytes(data)
            uri, digest, image = f"s3://{bucket}/raw/{name}", hashlib.sha256(data).hexdigest(), SIZE if name.endswith("png") else None
            items.append(Item(key=name, uri=uri, sha256=digest, size=len(data), source="raw", image=image))
            said = tuple(dict(region) for region in TASKS[task].show(label, image))
            annotations.append(RawAnnotation(key=name, uri=uri, sha256=digest, task=number + 1, annotation=number + 1, annotator="u1", result=said))
        spec = ReleaseSpec(
            labels=LabelSchema(
                task=task,
                labels=tuple(LabelClass(name=name) for name in names_of(task)),
                relations=(LabelClass(name=RELATION),) if task == "NamedEntities" else (),
            ),
            destination=f"s3://{bucket}/sets",
            store=self.store,
            snapshot=_keep(root / "snapshot.jsonl", bucket, to_lines(annotations)),
            items=_keep(root / "items.jsonl", bucket, to_lines(items)),
            splits=Splits(train=60, validation=20, test=20),
            formats=tuple(formats),
            content=content,  # type: ignore[arg-type]
            provenance=Provenance(project="here/shop/shelf"),
        )
        with self.keys():
            released: ReleaseResult = release(spec, NOW)
        assert (released.items, len(released.splits)) == (COUNT, 3)
        files = root / "sets" / f"v{released.version:04}"
        return Version(spec.destination, Manifest.model_validate_json((files / "manifest.json").read_bytes()), files, LABELS[task])


def _content(task: str, number: int) -> tuple[str, bytes]:
    text = f"{TEXTS[number % len(TEXTS)]} {number}"
    match TASKS[task].media:
        case "Text":
            return f"{number:02}.txt", text.encode()
        case "Pair":
            return f"{number:02}.json", json.dumps({"prompt": text, "first": f"first of {number}", "second": f"second of {number}"}).encode()
    content = io.BytesIO()
    Image.new("RGB", (SIZE.width, SIZE.height), (4 * number, 90, 90)).save(content, "PNG")
    return f"{number:02}.png", content.getvalue()


def _keep(path: Path, bucket: str, content: bytes) -> Blob:
    path.write_bytes(content)
    return Blob(uri=f"s3://{bucket}/{path.name}", sha256=hashlib.sha256(content).hexdigest())


@pytest.fixture
def shelf(s3: S3Server, tmp_path: Path) -> Shelf:
    """Where a test's versions are."""
    return Shelf(s3, tmp_path)
