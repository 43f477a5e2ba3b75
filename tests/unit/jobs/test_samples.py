"""The samples, run: what they label, in small and from packages, becomes a version in all their formats. No server: their buckets are claims here."""

from __future__ import annotations

import csv
import io
import json
import wave
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from sklearn.datasets import load_digits, load_sample_image

from treadle.api import AnnotationProjectSpec
from treadle.contracts import StoreConnection
from treadle.contracts.labels import LabelClass, LabelSchema
from treadle.contracts.quality import ConsensusPolicy, GoldPolicy, QualitySpec
from treadle.contracts.release import ReleaseSpec
from treadle.contracts.sync import GoldSource, KeptLabels, Source, SourceFields, SourceLabels, SyncSpec
from treadle.jobs.quality import quality
from treadle.jobs.release import release
from treadle.jobs.sync import sync
from treadle.tasks import TASKS

SAMPLES = Path(__file__).parents[3] / "manifests" / "samples"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LINES = ("Dear Ada, I left London on Sunday.", "Nobody wrote.", "Grete is in Vienna since 3 May.", "Send it to Ada in Vienna.")
MAILS = {"praise": "It keeps the tea hot all day.", "complaint": "It leaks, and nobody answers.", "question": "Does it come in green?"}
Said = tuple[str, object, str]
"""Which item, what somebody says of it, and who."""


def pictures(folder: Path, suffix: str, names: tuple[str, ...]) -> None:
    """Parts of a photograph of a flower."""
    flower = load_sample_image("flower.jpg")
    for number, name in enumerate(names):
        content = io.BytesIO()
        Image.fromarray(flower[60 * number : 60 * number + 60, 200:280]).save(content, "JPEG" if suffix == "jpg" else "PNG")
        where = folder / f"{name}.{suffix}"
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(content.getvalue())


def digits(folder: Path) -> Iterator[Said]:
    pixels, truth = load_digits(return_X_y=True)
    for number in range(20):
        content = io.BytesIO()
        Image.fromarray((pixels[number].reshape(8, 8) * 15).astype("uint8")).save(content, "PNG")
        (folder / f"{number:02}.png").write_bytes(content.getvalue())
        yield from ((f"{number:02}.png", str(truth[number]), who) for who in "12")


def photographs(folder: Path) -> Iterator[Said]:
    pictures(folder, "jpg", ("0001", "0002", "0003"))
    yield from ((f"{number:04}.jpg", "can" if number < 3 else "bottle", who) for number in (1, 2, 3) for who in "12")


def boxes(folder: Path) -> Iterator[Said]:
    pictures(folder, "jpg", ("a", "b", "c"))
    for place, name in enumerate(("a.jpg", "b.jpg", "c.jpg")):
        for shift, who in ((0, "1"), (0.5, "2")):
            drawn = [
                {"label": "can", "x": 5 + shift, "y": 4, "width": 20, "height": 30},
                {"label": "bottle", "x": 40, "y": 9, "width": 12, "height": 40},
            ]
            yield name, {"shape": "Boxes", "boxes": drawn[:place]}, who


def leaves(folder: Path) -> Iterator[Said]:
    pictures(folder, "jpg", ("1", "2", "3"))
    for name in ("1.jpg", "2.jpg", "3.jpg"):
        for shift, who in ((0, "1"), (0.5, "2")):
            corners = [[5 + shift, 5], [40, 5], [40, 45], [5, 45]]
            yield name, {"shape": "Regions", "regions": [{"label": "leaf", "points": corners, "image": {"width": 80, "height": 60}}]}, who


def gaits(folder: Path) -> Iterator[Said]:
    pictures(folder, "png", ("anna/1", "anna/2", "bert/1"))
    for name in ("anna/1.png", "anna/2.png", "bert/1.png"):
        marked = [{"label": label, "x": 10.0, "y": y, "scale": 69.3} for label, y in (("hip", 10.0), ("knee", 30.0), ("ankle", 50.0))]
        yield name, {"shape": "Points", "points": marked}, "1"


def letters(folder: Path) -> Iterator[Said]:
    rows = [{"letter": number, "body": line, "writer": "grete" if number % 2 else "ada"} for number, line in enumerate(LINES)]
    (folder / "letters.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    named = {"Ada": "person", "Grete": "person", "London": "place", "Vienna": "place", "Sunday": "date", "3 May": "date"}
    for number, line in enumerate(LINES):
        found = [{"label": label, "start": line.index(word), "end": line.index(word) + len(word)} for word, label in named.items() if word in line]
        stays = [
            {"label": "stayed at", "head": one, "tail": two} for one in found for two in found if (one["label"], two["label"]) == ("person", "place")
        ]
        yield from ((f"letters.jsonl#{number}", {"shape": "Spans", "spans": found, "relations": stays}, who) for who in "12")


def answers(folder: Path) -> Iterator[Said]:
    with (folder / "answers.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("id", "answer"))
        rows.writerows((number, line) for number, line in enumerate(LINES))
    steps = ("wrong", "poor", "good", "excellent")
    for number in range(len(LINES)):
        for who in "123":
            step = min(number + (who == "3"), 3)
            yield f"answers.csv#{number}", {"shape": "Rating", "step": step + 1, "label": steps[step]}, who


def preferences(folder: Path) -> Iterator[Said]:
    questions = ("Where is Ada?", "Who wrote?")
    rows = [
        {"id": number, "question": questions[number % 2], "answer_a": LINES[number], "answer_b": LINES[number - 1]} for number in range(len(LINES))
    ]
    (folder / "pairs.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    for number, better in enumerate(("First", "Tie", "Second", "First")):
        yield from ((f"pairs.jsonl#{number}", better, who) for who in "123")


def engines(folder: Path) -> Iterator[Said]:
    (folder.parent / "gold").mkdir()
    known = {"sound": 110, "knocking": 220, "whining": 440}
    for label, pitch in known.items():
        for number in range(4):
            tone = (np.sin(np.arange(2000) * (pitch + number) / 8000 * 2 * np.pi) * 9000).astype("<i2")
            where = folder.parent / "gold" if number == 3 else folder
            with wave.open(str(where / f"{label}{number}.wav"), "wb") as file:
                file.setparams((1, 2, 8000, 0, "NONE", ""))
                file.writeframes(tone.tobytes())
            if number < 3:
                yield from ((f"{label}{number}.wav", label, who) for who in "12")
    told = [{"uri": f"{label}3.wav", "label": label} for label in known]
    (folder.parent / "gold" / "labels.jsonl").write_text("\n".join(json.dumps(line) for line in told))


def hearts(folder: Path) -> Iterator[Said]:
    for number in range(3):
        beats = [(at, round(float(np.sin(at / (5 + number))), 3)) for at in range(100)]
        (folder / f"{number}.csv").write_text("time,value\n" + "\n".join(f"{at},{value}" for at, value in beats))
        yield f"{number}.csv", {"shape": "Intervals", "intervals": [{"label": "extrasystole", "start": 10, "end": 20 + number}]}, "1"


def mails(folder: Path) -> Iterator[Said]:
    for label, text in MAILS.items():
        (folder / f"{label}.txt").write_text(text)
        yield f"{label}.txt", label, "1"


def damages(folder: Path) -> Iterator[Said]:
    pictures(folder, "jpg", ("1", "2", "3"))
    for number, damage in enumerate(("dent", "scratch", "dent"), start=1):
        chosen = {"from_name": "damage", "to_name": "item", "type": "choices", "value": {"choices": [damage]}}
        yield from ((f"{number}.jpg", {"shape": "Answer", "parts": [chosen]}, who) for who in "12")


DATA: dict[str, Callable[[Path], Iterator[Said]]] = {
    "digits": digits,
    "old-shelf": photographs,
    "shelf-boxes": boxes,
    "leaves": leaves,
    "gaits": gaits,
    "letters": letters,
    "answers": answers,
    "preferences": preferences,
    "engines": engines,
    "hearts": hearts,
    "mails": mails,
    "damages": damages,
}
"""By the name of the sample."""
PROJECTS: dict[str, dict[str, Any]] = {
    this["metadata"]["name"]: this
    for path in sorted(SAMPLES.glob("*.yaml"))
    for this in yaml.safe_load_all(path.read_text())
    if this["kind"] == "AnnotationProject"
}


def test_every_task_type_has_a_sample_that_is_run() -> None:
    assert {PROJECTS[name]["spec"]["task"]["type"] for name in DATA} == set(TASKS)
    of_boxes, with_models_or_programs = {"shelf", "shelf-full"}, {"digits-proposed", "mails-voted"}
    assert set(PROJECTS) - set(DATA) == of_boxes | with_models_or_programs


@pytest.mark.parametrize("name", DATA)
def test_a_sample_becomes_a_version_in_all_its_formats(name: str, tmp_path: Path) -> None:
    spec = AnnotationProjectSpec.model_validate(json.loads(json.dumps(PROJECTS[name]["spec"]).replace("s3://", "pvc://")))
    (asked,) = spec.all_sources
    place = tmp_path / asked.uri.removeprefix("pvc://")
    folder = place.parent if place.suffix else place
    folder.mkdir(parents=True)
    (tmp_path / spec.dataset.destination.removeprefix("pvc://")).mkdir(parents=True)
    said = list(DATA[name](folder))
    lines = [json.dumps({"uri": item, "label": label, "annotator": who}) for item, label, who in said]
    (folder / "labels.jsonl").write_text("\n".join(lines))

    store, sets = StoreConnection(claims=str(tmp_path)), spec.dataset.destination
    classes = (spec.task.labels or TASKS[spec.task.type].silent, spec.task.relations or ())
    labels_of, relations_of = (tuple(LabelClass(name=each.name) for each in those) for those in classes)
    schema = LabelSchema(task=spec.task.type.value, labels=labels_of, relations=relations_of)
    fields = SourceFields(**asked.fields.model_dump(exclude_none=True)) if asked.fields else None
    labels = SourceLabels(format="Jsonl", uri=f"{asked.uri.rpartition('/')[0]}/labels.jsonl")
    source = Source(name=asked.name, uri=asked.uri, include=asked.include, group_by=asked.group_by or "", fields=fields, labels=labels)
    gold = spec.quality.gold
    people = spec.workforce.annotations_per_item
    synced = sync(
        SyncSpec(
            labels=schema,
            sources=(source,),
            destination=sets,
            store=store,
            gold=GoldSource(uri=gold.uri, percent=gold.percent) if gold else None,
            keep=KeptLabels(annotations_per_item=people),
        )
    )
    items = {item for item, _, _ in said}
    assert (synced.items, synced.answers, synced.unreadable) == (len(items), len(said), 0)
    assert synced.gold == (1 if gold else 0), "so many as their share is"

    policy = ConsensusPolicy(method=spec.quality.consensus.method, gold=GoldPolicy(minimum=str(gold.minimum_accuracy)) if gold else None)
    measured = quality(
        QualitySpec(labels=schema, destination=sets, store=store, annotations=synced.annotations, items=synced.listing, consensus=policy)
    )
    assert (measured.agreed, measured.disputed, measured.invalid, measured.metric) == (len(items), 0, 0, TASKS[schema.task].measures[0])
    assert people == 1 or (measured.agreement or 0) > 0.8

    formats = tuple(dict.fromkeys((*spec.dataset.formats, *TASKS[schema.task].formats)))
    wish = ReleaseSpec(
        labels=schema,
        destination=sets,
        store=store,
        snapshot=measured.snapshot,
        items=synced.listing,
        policy=policy,
        formats=formats,
        content="Embed",
    )
    made = release(wish, NOW)
    assert (made.version, made.items, made.excluded) == (1, len(items), {})
    version = tmp_path / made.uri.removeprefix("pvc://")
    assert {path.name for path in (version / "exports").iterdir()} == set(formats)
    if asked.group_by or (fields and fields.group):
        released = [json.loads(line) for line in (version / "items.jsonl").read_text().splitlines()]
        assert len({(item["group"], item["split"]) for item in released}) == len({item["group"] for item in released}) == 2
