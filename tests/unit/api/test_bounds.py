"""The bounds of the API keep the description of every Job below what an environment variable may hold."""

from treadle.api.annotation_source import SOURCES_SIZE
from treadle.api.annotation_task import LABELS_SIZE
from treadle.contracts._base import JOB_LIMIT, canonical_json
from treadle.contracts.labels import LabelClass, LabelSchema
from treadle.contracts.sync import Source

REST = 3800
"""Bytes for the destination (1 KiB), connections, digests and the names of fields."""


def test_labels_and_sources_of_the_largest_project_leave_room_for_the_rest() -> None:
    labels = [LabelClass(name=f"label {n:03}", color="#ffffff", hotkey="shift+a") for n in range(300)]
    assert sum(66 + len(label.name) for label in labels) <= LABELS_SIZE
    schema = LabelSchema(task="ImageClassification", labels=tuple(labels))
    sources = [Source(name=f"s{n:062}", uri="s3://abc/", include=("x" * 35,) * 2, exclude=("x" * 35,) * 2) for n in range(20)]
    assert sum(len(s.uri) + sum(map(len, s.include + s.exclude)) for s in sources) <= SOURCES_SIZE
    size = len(canonical_json({"labels": schema.model_dump(mode="json"), "sources": [source.model_dump(mode="json") for source in sources]}).encode())
    assert size + REST <= JOB_LIMIT


def test_the_accounting_of_a_label_is_not_below_what_it_takes() -> None:
    label = LabelClass(name="ä" * 10, description='"' * 20, color="#ffffff", hotkey="shift+a")
    taken = len(canonical_json(label.model_dump(mode="json")).encode()) + len(",")
    assert taken <= 66 + len(label.name.encode()) + 2 * len(label.description.encode())
