"""What is different in a later version's items, found line by line."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from treadle.contracts import RESULT_LIMIT
from treadle.contracts.compare import Changes, CompareResult, Example, Move, VersionNumbers
from treadle.contracts.dataset import DatasetItem
from treadle.contracts.labels import Box, Boxes, ClassLabel, Label, Relation, Span, Spans
from treadle.jobs._changes import changes_between, words_of
from treadle.jobs.compare import fitting

PLACE, PERSON = Span(label="place", start=0, end=3), Span(label="person", start=5, end=8)
BORN = Relation(label="born in", head=PERSON.mention, tail=PLACE.mention)


def line(key: str, label: str = "can", split: str = "train", **more: Any) -> bytes:
    content: dict[str, Any] = {"key": key, "uri": f"s3://b/{key}", "sha256": "1" * 64, "label": ClassLabel(label=label), "split": split}
    return DatasetItem.model_validate(content | more).to_json().encode()


def test_each_kind_of_change_is_counted_and_shown() -> None:
    before = [line("a"), line("b"), line("c", "bottle"), line("d"), line("e", split="test")]
    after = [line("b"), line("c", "can", agreement=0.7), line("d", sha256="2" * 64), line("e", split="train"), line("f", "jar")]
    assert changes_between(before, after) == Changes(
        same=1,
        added=1,
        removed=1,
        replaced=1,
        relabelled=1,
        moved=1,
        labels=(Move(before="bottle", after="can", items=1),),
        splits=(Move(before="test", after="train", items=1),),
        examples=(
            Example(what="Added", key="f", after="jar"),
            Example(what="Moved", key="e", before="test", after="train"),
            Example(what="Relabelled", key="c", before="bottle", after="can"),
            Example(what="Removed", key="a", before="can"),
            Example(what="Replaced", key="d", before="can", after="can"),
        ),
    )


def test_a_label_that_more_people_agree_on_is_the_same_label() -> None:
    changes = changes_between([line("a", agreement=0.7, annotators=2)], [line("a", agreement=1.0, annotators=3)])
    assert changes == Changes(same=1)
    assert changes.none


def test_of_a_sensitive_dataset_only_numbers_are_told() -> None:
    changes = changes_between([line("a"), line("b")], [line("a", "bottle"), line("c")], sensitive=True)
    assert (changes.added, changes.removed, changes.relabelled) == (1, 1, 1)
    assert changes.labels == changes.examples == ()


@pytest.mark.parametrize("seed", range(20))
def test_two_lists_walked_side_by_side_say_what_two_dictionaries_say(seed: int) -> None:
    dice = random.Random(seed)

    def version() -> dict[str, bytes]:
        keys = dice.sample(range(60), 40)
        return {f"{key:02}": line(f"{key:02}", dice.choice(["can", "jar"]), dice.choice(["train", "test"])) for key in keys}

    before, after = version(), version()
    found = changes_between((before[key] for key in sorted(before)), (after[key] for key in sorted(after)))
    both = before.keys() & after.keys()
    was, now = ({key: json.loads(lines[key]) for key in both} for lines in (before, after))
    assert (found.added, found.removed) == (len(after.keys() - both), len(before.keys() - both))
    assert found.relabelled == sum(was[key]["label"] != now[key]["label"] for key in both)
    assert found.moved == sum(was[key]["split"] != now[key]["split"] for key in both)
    assert found.same == sum(before[key] == after[key] for key in both)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        (ClassLabel(label="can"), "can"),
        (Boxes(boxes=tuple(Box(label=name, x=0, y=0, width=1, height=1) for name in ("jar", "can", "can"))), "2 can, 1 jar"),
        (Boxes(), "nothing"),
        (Spans(spans=(Span(label="place", start=0, end=3),)), "1 place"),
        (Spans(spans=(PLACE, PERSON), relations=(BORN,)), "1 born in, 1 person, 1 place"),
    ],
)
def test_a_label_is_told_in_a_few_words(label: Label, words: str) -> None:
    assert words_of(label) == words


def test_whatever_items_and_labels_are_called_the_answer_fits_a_termination_message() -> None:
    names = ["ä" * 60 + str(number) for number in range(20)]
    numbers = VersionNumbers(version=1, digest="1" * 64, created_at="now", items=9, splits={}, counts=dict.fromkeys(names, 10**9))
    changes = Changes(
        added=10**9,
        labels=tuple(Move(before=name, after=name, items=10**9) for name in names[:10]),
        examples=tuple(Example(what="Relabelled", key="ü" * 200, before=names[0], after=names[1]) for _ in range(15)),
    )
    found = fitting(CompareResult(before=numbers, after=numbers, changes=changes))
    assert len(found.to_json().encode()) <= RESULT_LIMIT
    assert found.changes.added == 10**9
