"""The bounds of the API keep the description of every Job below what an environment variable may hold."""

from typing import Any

import pytest

from treadle.annotation.sync import NOTES
from treadle.api.annotation_source import FIELDS, SOURCES_SIZE
from treadle.api.annotation_task import LABELS_SIZE
from treadle.contracts._base import JOB_LIMIT, Contract, canonical_json
from treadle.contracts.labels import LabelClass
from treadle.contracts.sync import Source, SourceFields, SourceLabels

REST = 3800
"""Bytes for the destination (1 KiB), connections, digests and the names of fields."""
SOURCES = 20
NAME = "s" * 63
URI = "s3://abc/"


def test_labels_and_sources_of_the_largest_project_leave_room_for_the_rest() -> None:
    named = len(canonical_json({"name": NAME, "uri": ""})) + len(",")
    around = len(canonical_json({"labels": {"labels": [], "relations": [], "task": "ImageClassification"}, "sources": []}))
    assert LABELS_SIZE + SOURCES_SIZE + SOURCES * named + around + REST <= JOB_LIMIT


def test_the_accounting_of_a_label_is_not_below_what_it_takes() -> None:
    label = LabelClass(name="ä" * 10, description='"' * 20, color="#ffffff", hotkey="shift+a")
    taken = len(canonical_json(label.model_dump(mode="json")).encode()) + len(",")
    assert taken <= 66 + len(label.name.encode()) + 2 * len(label.description.encode())
    relation = LabelClass(name="ä" * 10, description='"' * 20, color="#ffffff")
    assert said(relation) + len(",") <= 47 + len(relation.name.encode()) + 2 * len(relation.description.encode())


@pytest.mark.parametrize(
    ("more", "accounted"),
    [
        ({"include": ("ä", "b"), "exclude": ("c",)}, 2 * 13 + 3 * 3 + 4),
        ({"kind": "Feedback", "exclude": NOTES}, 50),
        ({"kind": "Feedback", "exclude": ("a", *NOTES)}, 50 + 13 + 3 + 1),
        ({"group_by": "{parent}"}, 14 + 8),
        ({"labels": SourceLabels(format="ImageFolder", uri=URI, kind="Prediction")}, 63 + 9),
        ({"fields": SourceFields(**dict.fromkeys(FIELDS, '"'))}, 12 + sum(len(field) + 6 + 2 for field in FIELDS)),
    ],
    ids=["patterns", "feedback", "feedback with a pattern", "a group", "labels", "fields"],
)
def test_the_accounting_of_a_source_is_not_below_what_it_takes(more: dict[str, Any], accounted: int) -> None:
    assert said(Source(name=NAME, uri=URI, **more)) <= said(Source(name=NAME, uri=URI)) + accounted


def said(part: Contract) -> int:
    """Bytes of it in the description of a Job, where defaults are not said."""
    return len(canonical_json(part.model_dump(mode="json", exclude_defaults=True)).encode())
