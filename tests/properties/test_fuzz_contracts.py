"""Whatever stands where one of our contracts should: the reader raises the error that it documents, and no other."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as some

from tests.properties.mutations import HALF, mutated, raw
from treadle.api import names
from treadle.connections.installation import parse_installation
from treadle.contracts import Blob, Contract, Failure, Result
from treadle.contracts.dataset import DatasetItem, FetchDatasetResult, FetchedItem, Manifest
from treadle.contracts.evaluate import METRICS_FILE, PREDICTIONS_FILE, EvaluateResult, ModelToMeasure
from treadle.contracts.labels import (
    Answer,
    Box,
    Boxes,
    ClassLabel,
    ImageSize,
    Interval,
    Intervals,
    Label,
    LabelClass,
    LabelSchema,
    Point,
    Points,
    Rating,
    Region,
    Regions,
    Relation,
    Span,
    Spans,
)
from treadle.contracts.quality import QualityResult
from treadle.contracts.release import ReleaseResult
from treadle.contracts.sync import SyncResult
from treadle.jobs._answers import answers_of
from treadle.jobs._failure import JobFailure
from treadle.jobs._lines import from_lines
from treadle.jobs._media import NotShowable, pair
from treadle.runtime._agreement import same_answer
from treadle.tasks import TASKS, Invalid
from treadle.workloads.contract_job import read_result
from treadle.workloads.states import Failed, Succeeded

SHA = names.digest("x")
BLOB = Blob(uri="s3://datasets/x.jsonl", sha256=SHA).model_dump(mode="json")
COUNTS = {"items": 3, "annotated": 3, "complete": 3, "annotations": 6, "annotators": 2}
RESULTS: Mapping[type[Result], Any] = {
    SyncResult: {"kind": "sync", "items": 3, "added": 3, "listing": BLOB, "digest": SHA},
    QualityResult: {"kind": "quality", **COUNTS, "agreed": 3, "disputed": 0, "agreement": 1.0, "snapshot": BLOB, "digest": SHA},
    ReleaseResult: {
        "kind": "release",
        "version": 1,
        "digest": SHA,
        "uri": "s3://datasets/v0001/",
        "created": True,
        "items": 3,
        "splits": {"train": 3},
        "excluded": {},
    },
    EvaluateResult: {"kind": "evaluate", "items": 3, "measured": {"metrics": {"f1": 0.9}}},
    FetchDatasetResult: {"kind": "fetch-dataset", "items": 3},
}
LINES: Mapping[type[Contract], Any] = {
    DatasetItem: {"key": "a.png", "uri": "s3://raw/a.png", "sha256": SHA, "label": {"shape": "Class", "label": "can"}, "split": "train"},
    FetchedItem: {
        "key": "a.png",
        "uri": "s3://raw/a.png",
        "sha256": SHA,
        "label": {"shape": "Class", "label": "can"},
        "split": "train",
        "path": "a.png",
    },
    Manifest: {"version": 1, "digest": SHA, "schema": {"task": "ImageClassification", "labels": [{"name": "can"}]}, "files": [], "items": 1},
}
SCHEMA = LabelSchema(task="x", labels=(LabelClass(name="can"), LabelClass(name="bottle")), relations=(LabelClass(name="of"),))
INSTALLATION = {
    "id": "here",
    "images": {"jobs": "registry.example/jobs:1", "runtime": "registry.example/runtime:1"},
    "namespaces": ["ml"],
    "connections": {
        "store": {"default": {"endpoint": "https://s3.example", "tenantSecret": "treadle-store"}},
        "mlflow": {"default": {"url": "https://mlflow.example", "namespaces": ["ml-*"], "modelPrefix": "{namespace}."}},
        "labelStudio": {"default": {"url": "https://label-studio.example", "tokenFile": "/token"}},
        "prometheus": {"default": {"url": "https://prometheus.example"}},
    },
}
ANSWER = {"outputs": [{"name": "label", "shape": [2], "data": ["can", "bottle"]}, {"name": "score", "shape": [2, 2], "data": [0.1, 0.9, 0.5, 0.5]}]}
ITEMS = [FetchedItem.model_validate(LINES[FetchedItem] | {"key": key}) for key in ("a.png", "b.png")]
PREDICTIONS = [{"key": key, "prediction": {"label": "can", "score": 0.5}} for key in ("a.png", "b.png")]


@given(kind=some.sampled_from(sorted(RESULTS, key=str)), data=some.data())
def test_a_termination_message_may_hold_anything(kind: type[Result], data: some.DataObject) -> None:
    message = data.draw(raw(RESULTS[kind])).decode("utf-8", errors="surrogateescape")
    ended = {"exitCode": 0, "message": message, "finishedAt": "2026-01-01T00:00:00Z"}
    pod = {"metadata": {"name": "x"}, "status": {"phase": "Succeeded", "containerStatuses": [{"name": "treadle", "state": {"terminated": ended}}]}}
    condition = {"type": "Complete", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    job = {
        "metadata": {"name": "x", "namespace": "ml", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {},
        "status": {"conditions": [condition]},
    }
    assert isinstance(read_result(job, [pod], kind), Succeeded | Failed)


@given(data=some.data())
def test_a_failure_may_hold_anything(data: some.DataObject) -> None:
    message = data.draw(raw({"kind": "failure", "reason": "Unreachable", "message": "no"})).decode("utf-8", errors="surrogateescape")
    try:
        said = Failure.from_message(message)
    except ValueError:
        return
    assert said.known_reason


@given(kind=some.sampled_from(sorted(LINES, key=str)), data=some.data())
def test_a_line_of_a_dataset_may_hold_anything(kind: type[Contract], data: some.DataObject) -> None:
    content = data.draw(raw(LINES[kind])) + b"\n" + data.draw(raw(LINES[kind]))
    try:
        list(from_lines(kind, content))
    except ValueError:
        note("refused")


SIZE = ImageSize(width=20, height=10)
CAN, BOTTLE = Span(label="can", start=0, end=3), Span(label="bottle", start=5, end=9)
ANSWERED: dict[str, Label] = {
    "Class": ClassLabel(label="can"),
    "Boxes": Boxes(boxes=(Box(label="can", x=1, y=1, width=5, height=5),) * 2),
    "Spans": Spans(spans=(CAN, BOTTLE), relations=(Relation(label="of", head=CAN.mention, tail=BOTTLE.mention),)),
    "Intervals": Intervals(intervals=(Interval(label="can", start=0, end=3),)),
    "Regions": Regions(
        regions=(Region(label="can", points=((0, 0), (5, 0), (5, 5)), image=SIZE), Region(label="bottle", runs=(3, 4, 5, 6), image=SIZE))
    ),
    "Points": Points(points=(Point(label="can", x=1, y=2, scale=14),)),
    "Rating": Rating(step=1, label="can"),
    "Answer": Answer(parts=({"from_name": "n", "type": "number", "value": {"number": 3}},)),
}


@given(task=some.sampled_from(sorted(TASKS)), data=some.data())
def test_a_person_may_answer_anything(task: str, data: some.DataObject) -> None:
    answer = data.draw(mutated(TASKS[task].show(ANSWERED[TASKS[task].shape], SIZE)))
    regions = [region for region in answer if isinstance(region, dict)] if isinstance(answer, list) else []
    assert isinstance(TASKS[task].parse(regions, SCHEMA), Contract | Invalid)


@given(data=some.data())
def test_a_pair_of_texts_may_hold_anything(data: some.DataObject) -> None:
    content = data.draw(raw({"prompt": "Why?", "first": "a", "second": "b", "id": 7}))
    try:
        assert pair(pair(content).to_json().encode()) == pair(content), "what is kept reads as what was read"
    except NotShowable as error:
        str(error).encode()
        note("refused")


@given(data=some.data())
def test_the_configuration_may_hold_anything(data: some.DataObject) -> None:
    text = json.dumps(data.draw(mutated(INSTALLATION)), ensure_ascii=data.draw(some.booleans()))  # JSON is YAML
    try:
        parse_installation(text)
    except ValueError as error:
        note(f"refused: {error!a}")


@pytest.mark.parametrize(
    "text", ["", "[" * 100_000, "a: &a [*a]", "!!python/object:os.system {}", "\x00", "? [" * 9000, "- " * 9000, "1e400", HALF], ids=repr
)
def test_a_configuration_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="configuration"):
        parse_installation(text)


@given(data=some.data())
def test_two_answers_may_hold_anything(data: some.DataObject) -> None:
    sample = data.draw(some.sampled_from([ANSWER, {"predictions": [1.0, 2.0]}, {"predictions": [[0.1, 0.9]]}]))
    assert isinstance(same_answer(data.draw(raw(sample)), json.dumps(sample).encode()), bool)


@given(data=some.data())
def test_a_users_image_may_leave_anything_behind(tmp_path_factory: pytest.TempPathFactory, data: some.DataObject) -> None:
    directory = tmp_path_factory.mktemp("answers", numbered=True)
    if data.draw(some.booleans()):
        (directory / METRICS_FILE).write_bytes(data.draw(raw({"f1": 0.9, "loss": None, "steps": 7})))
    if data.draw(some.booleans()):
        (directory / PREDICTIONS_FILE).write_bytes(b"\n".join(data.draw(raw(line)) for line in PREDICTIONS))
    wanted = ModelToMeasure.model_construct(answers=str(directory), directory="", version="")
    try:
        answers_of(wanted, directory, ITEMS)
    except JobFailure as failure:
        note(f"refused: {failure!a}")
