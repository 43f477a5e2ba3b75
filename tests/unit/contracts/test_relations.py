"""Relations between the spans of a text, as a label holds them: found again whatever order things are in, and not said where there are none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from treadle.contracts.dataset import DatasetItem, FetchedDataset
from treadle.contracts.labels import LABEL, LabelClass, LabelSchema, Relation, Span, Spans
from treadle.contracts.prelabel import TaskToLabel

ADA = Span(label="person", start=0, end=3)
ACME = Span(label="company", start=14, end=18, score=0.9)
WORKS = Relation(label="works for", head=ADA.mention, tail=ACME.mention)
PAYS = Relation(label="pays", head=ACME.mention, tail=ADA.mention)


def ends(of: Span) -> Mapping[str, object]:
    return {"label": of.label, "start": of.start, "end": of.end}


def test_the_same_relations_in_any_order_and_said_twice_are_the_same_label() -> None:
    label = Spans(spans=(ADA, ACME), relations=(WORKS, PAYS))
    assert Spans(spans=(ACME, ADA, ADA), relations=(PAYS, WORKS, PAYS)) == label
    assert label.relations == (PAYS, WORKS)
    assert label.names == ("company", "pays", "person", "works for")


def test_of_one_relation_twice_the_surest_counts() -> None:
    scores = (None, 0.9, 0.2)
    label = Spans(spans=(ADA, ACME), relations=tuple(WORKS.model_copy(update={"score": score}) for score in scores))
    assert [relation.score for relation in label.relations] == [0.9]


def test_a_label_with_relations_is_read_as_it_was_written() -> None:
    label = Spans(spans=(ADA, ACME), relations=(WORKS,))
    assert LABEL.validate_json(label.to_json()) == label
    assert json.loads(label.to_json())["relations"] == [{"label": "works for", "head": ends(ADA), "tail": ends(ACME), "score": None}]


@pytest.mark.parametrize(
    ("head", "tail", "why"),
    [
        (ADA, Span(label="company", start=14, end=19), 'a relation "works for" joins what is no span'),
        (Span(label="place", start=0, end=3), ACME, 'a relation "works for" joins what is no span'),
        (ADA, ADA, 'a relation "works for" joins a span with itself'),
    ],
)
def test_a_relation_joins_two_spans_of_its_text(head: Span, tail: Span, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Spans(spans=(ADA, ACME), relations=(Relation(label="works for", head=head.mention, tail=tail.mention),))


OLD: list[tuple[Any, str]] = [
    (Spans(spans=(ADA,)), '{"shape":"Spans","spans":[{"end":3,"label":"person","score":null,"start":0}]}'),
    (LabelSchema(task="NamedEntities", labels=(LabelClass(name="person"),)),
     '{"labels":[{"color":"","description":"","hotkey":"","name":"person"}],"task":"NamedEntities"}'),
    (TaskToLabel(type="NamedEntities", labels=("person",)), '{"labels":["person"],"type":"NamedEntities"}'),
    (FetchedDataset(version=1, digest="0" * 64, uri="s3://sets/v0001/", format="Jsonl", labels=("person",), splits={}),
     f'{{"digest":"{"0" * 64}","format":"Jsonl","labels":["person"],"splits":{{}},"uri":"s3://sets/v0001/","version":1}}'),
]  # fmt: skip


@pytest.mark.parametrize(("content", "text"), OLD)
def test_what_has_no_relations_is_the_text_that_it_always_was(content: Any, text: str) -> None:
    assert content.to_json() == text
    assert type(content).model_validate_json(text) == content


def test_an_item_without_relations_is_the_line_that_it_always_was() -> None:
    item = DatasetItem(key="a", uri="s3://raw/a.txt", sha256="0" * 64, label=Spans(spans=(ADA,)), split="train")
    assert json.loads(item.to_json())["label"] == {"shape": "Spans", "spans": [{**ends(ADA), "score": None}]}
