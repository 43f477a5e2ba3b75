"""Labels that come as files become annotations, each with who gave it."""

import pytest

from treadle.contracts.labels import ClassLabel
from treadle.contracts.quality import RawAnnotation
from treadle.contracts.sync import Item, KeptLabels
from treadle.jobs._kept_labels import Kept, annotator, kept_labels
from treadle.jobs._labelling_tasks import Said
from treadle.jobs._lines import from_lines
from treadle.jobs._listing import Found

CAN = ClassLabel(label="can")
ITEMS = [Item(key=f"s3://raw/{name}", source="old", uri=f"s3://raw/{name}", sha256="1" * 64, size=1) for name in "abc"]


def said(annotator: str, kind: str = "Annotation") -> Said:
    return Said(CAN, "Prediction" if kind == "Prediction" else "Annotation", "old", annotator)


def kept(*people: list[Said], **wanted: int) -> Kept:
    by_key = {item.key: each for item, each in zip(ITEMS, people, strict=False)}
    return kept_labels(Found(ITEMS, 0, (), by_key), KeptLabels(**wanted))


def test_items_are_finished_with_as_many_answers_as_wanted() -> None:
    found = kept([said("1"), said("2")], [said("1")], annotations_per_item=2)
    assert (found.answers, found.annotated, found.finished) == (3, 2, 1)
    lines = list(from_lines(RawAnnotation, found.lines))
    assert [(line.key[-1], line.annotator, line.wanted, line.label) for line in lines] == [
        ("a", "u1", 2, CAN),
        ("a", "u2", 2, CAN),
        ("b", "u1", 2, CAN),
    ]


def test_with_partial_overlap_one_answer_is_enough() -> None:
    found = kept([said("1"), said("2")], [said("1")], annotations_per_item=2, overlap_percent=50)
    assert (found.annotated, found.finished) == (2, 2)


def test_who_says_it_twice_is_one_person_and_a_proposal_is_nobody() -> None:
    found = kept([said("1"), said("1")], [said("1", "Prediction")], annotations_per_item=2)
    assert (found.answers, found.annotated, found.finished) == (1, 1, 0)


@pytest.mark.parametrize(("name", "known_as"), [("7", "u7"), ("anna", "anna"), ("", "old"), ("anna@example.com", "f3743af8b")])
def test_people_are_known_by_identifiers(name: str, known_as: str) -> None:
    assert annotator(said(name)) == known_as
