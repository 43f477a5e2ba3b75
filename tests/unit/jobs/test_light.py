"""Labels and lines that take little room: whoever looks finds what was kept."""

import sys

import pytest

from treadle.contracts.labels import Box, Boxes, ClassLabel, Label, Span, Spans
from treadle.contracts.sync import Item
from treadle.jobs._light import Answers, LabelsOf, kept, light, people_of, read
from treadle.jobs._lines import Lines, from_lines, to_lines
from treadle.statistics.shapes import Consensus

BOXES = Boxes(boxes=(Box(label="can", x=0.1, y=1 / 3, width=2.5, height=1e-9), Box(label="bottle", x=3, y=4, width=5, height=6, score=0.75)))
LABELS: list[Label] = [ClassLabel(label="can"), BOXES, Boxes(), Spans(spans=(Span(label="Ort ü", start=0, end=3),))]
ITEMS = [Item(key=f"s3://b/{number} ü.png", source="raw", uri=f"s3://b/{number}", sha256=f"{number:064x}", size=number) for number in range(5)]


@pytest.mark.parametrize("label", LABELS, ids=lambda label: label.shape)
def test_a_label_is_read_as_it_was_kept(label: Label) -> None:
    assert read(kept(label)) == label
    found = light(Consensus(label, 0.5, 0.25))
    assert (found.label, found.agreement, found.confidence) == (label, 0.5, 0.25)


def test_answers_are_a_sequence_of_who_says_what() -> None:
    said = [("u1", LABELS[0]), ("u2", BOXES), ("u3", BOXES)]
    answers = Answers(said)
    assert answers == tuple(said)
    assert answers != tuple(said[:2])
    assert (len(answers), answers[1], answers[-1], answers[:2]) == (3, said[1], said[2], tuple(said[:2]))
    assert (*answers[:1], *answers[2:]) == (said[0], said[2])
    assert people_of(answers) == ("u1", "u2", "u3")
    assert people_of(said) == ["u1", "u2", "u3"]
    assert [list(labels) for labels in LabelsOf([answers, Answers([])])] == [[label for _, label in said], []]


def test_labels_of_one_name_are_shared_and_all_others_are_bytes() -> None:
    assert kept(ClassLabel(label="can")) is kept(ClassLabel(label="can"))
    content = kept(BOXES)
    assert isinstance(content, bytes)
    assert sys.getsizeof(content) < 300


def test_lines_are_a_sequence_over_their_text() -> None:
    content = to_lines(ITEMS)
    lines = Lines(Item, content)
    assert list(lines) == ITEMS == list(from_lines(Item, content))
    assert (len(lines), lines[0], lines[4], lines[-1], lines[1:3]) == (5, ITEMS[0], ITEMS[4], ITEMS[4], ITEMS[1:3])
    with pytest.raises(IndexError):
        _ = lines[5]
    assert (len(Lines(Item, b"")), list(Lines(Item, b"")), bool(Lines(Item, b""))) == (0, [], False)
