"""How long quality and release take, and how much memory: `python -m tests.bench.labels [items] [task type] [method] [part]`; two answers per item.

Everything is what the Jobs do, from the bytes of a snapshot and a listing on; the store is in memory, and what is written there is thrown away.
"""

from __future__ import annotations

import hashlib
import json
import random
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from treadle.contracts import Blob, StoreConnection
from treadle.contracts.labels import ImageSize, LabelClass, LabelSchema
from treadle.contracts.quality import ConsensusPolicy, RawAnnotation
from treadle.contracts.release import ReleaseSpec
from treadle.contracts.sync import Item
from treadle.jobs import release
from treadle.jobs._consensus import Verdict, judge_all, wanted_of
from treadle.jobs._light import LabelsOf
from treadle.jobs._lines import from_lines, to_lines
from treadle.jobs._numbers import by_annotator
from treadle.jobs._store import Entry, NotThere
from treadle.statistics.shapes import SHAPES
from treadle.tasks import TASKS

PEOPLE, CLASSES, BOXES, RIGHT = 20, 10, 3, 0.9
NAMES = tuple(f"class {number}" for number in range(CLASSES))


class Memory:
    """A store that keeps only what it is given to begin with, and manifests."""

    contents: dict[str, bytes] = {}

    def __init__(self, connection: StoreConnection) -> None:
        del connection

    def list(self, uri: str) -> Iterator[Entry]:
        now = datetime.now(UTC)
        return (Entry(each, len(content), "", now) for each, content in self.contents.items() if each.startswith(uri))

    def folders(self, uri: str) -> Sequence[str]:
        below = (each.removeprefix(uri.rstrip("/") + "/") for each in self.contents if each.startswith(uri))
        return sorted({name.partition("/")[0] for name in below if "/" in name})

    def read(self, uri: str) -> bytes:
        if uri not in self.contents:
            raise NotThere(uri)
        return self.contents[uri]

    def stream(self, uri: str) -> Iterator[bytes]:
        yield self.read(uri)

    def create(self, uri: str, content: bytes) -> bool:
        new = uri not in self.contents
        self.contents.setdefault(uri, content if uri.endswith("manifest.json") else b"")
        return new


def annotations(items: int, task: str) -> Iterator[RawAnnotation]:
    """Two people per item, each right nine times of ten."""
    chance = random.Random(1)
    for number in range(items):
        key, truth = f"s3://raw/{number:07}.png", chance.randrange(CLASSES)
        for answer in range(2):
            said = truth if chance.random() < RIGHT else chance.randrange(CLASSES)
            yield RawAnnotation(
                key=key,
                uri=key,
                sha256=f"ab{number:062x}",
                task=number + 1,
                annotation=2 * number + answer + 1,
                annotator=f"u{(number + answer * 7) % PEOPLE}",
                wanted=2,
                updated_at=str(answer),
                result=result(task, said, chance),
            )


def result(task: str, said: int, chance: random.Random) -> tuple[dict[str, Any], ...]:
    """An answer as Label Studio writes it."""
    if task != "ObjectDetection":
        return ({"from_name": "label", "value": {"choices": [NAMES[said]]}},)
    place = {"y": 10.0, "width": 9.0, "height": 30.0}
    size = {"original_width": 200, "original_height": 100}
    names = [NAMES[(said + box) % CLASSES] for box in range(BOXES)]
    return tuple(
        {"from_name": "box", **size, "value": {**place, "x": 10 + 10 * box + chance.random(), "rectanglelabels": [name]}}
        for box, name in enumerate(names)
    )


def listing(items: int) -> bytes:
    """What a sync found."""
    keys = (f"s3://raw/{number:07}.png" for number in range(items))
    size = ImageSize(width=200, height=100)
    return to_lines(Item(key=key, source="raw", uri=key, sha256=f"ab{number:062x}", size=1, image=size) for number, key in enumerate(keys))


def blob(uri: str, content: bytes) -> Blob:
    """Keep content in the store."""
    Memory.contents[uri] = content
    return Blob(uri=uri, sha256=hashlib.sha256(content).hexdigest())


def main(items: int = 100_000, task: str = "ImageClassification", method: str = "MajorityVote", part: str = "both") -> None:
    """Measure once, and print one line of JSON for each part. Parts are best run in processes of their own, as the Jobs are."""
    schema = LabelSchema(task=task, labels=tuple(LabelClass(name=name) for name in NAMES))
    snapshot, found = blob("s3://sets/snapshot.jsonl", to_lines(annotations(items, task))), blob("s3://sets/items.jsonl", listing(items))
    policy = ConsensusPolicy.model_validate({"method": method})
    parts = {"quality": lambda: quality(schema, snapshot, found, policy), "release": lambda: released(schema, snapshot, found, policy)}
    for name, work in parts.items():
        if part in (name, "both"):
            since, busy, made_with = time.monotonic(), time.process_time(), memory()
            count = work()
            figures = {"part": name, "items": items, "task": task, "method": method, "agreed": count, "seconds": round(time.monotonic() - since, 1)}
            figures |= {"busy": round(time.process_time() - busy, 1), "memory": memory(), "made_with": made_with}
            sys.stdout.write(json.dumps(figures) + "\n")


def quality(schema: LabelSchema, snapshot: Blob, found: Blob, policy: ConsensusPolicy) -> int:
    """What the quality Job does once the snapshot is kept; returns how many items people agree on."""
    task = TASKS[schema.task]
    wanted = wanted_of(from_lines(Item, Memory.contents[found.uri]))
    judgement = judge_all(from_lines(RawAnnotation, Memory.contents[snapshot.uri]), wanted, schema, task, policy)
    shape = SHAPES[task.shape]
    shape.agreement(LabelsOf([item.answers for item in judgement.items]), NAMES)
    by_annotator(shape, judgement)
    return sum(item.verdict == Verdict.AGREED for item in judgement.items)


def released(schema: LabelSchema, snapshot: Blob, found: Blob, policy: ConsensusPolicy) -> int:
    """The release Job, whole; returns how many items the version has."""
    spec = ReleaseSpec(labels=schema, destination="s3://sets/v", store=StoreConnection(), snapshot=snapshot, items=found, policy=policy)
    with patch.object(release, "Store", Memory):
        return release.release(spec, datetime.now(UTC)).items


def memory() -> int:
    """The most that this process ever had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((int, str, str, str), sys.argv[1:], strict=False)))
