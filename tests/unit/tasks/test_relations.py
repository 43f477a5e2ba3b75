"""Relations on the labelling screen: what people can call an arrow, what arrows become, and which ones make no label."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.contracts.labels import LabelClass, LabelSchema, Relation, Span, Spans
from treadle.tasks import TASKS, Invalid

TASK = TASKS["NamedEntities"]
UNRELATED = LabelSchema(task="NamedEntities", labels=(LabelClass(name="person"), LabelClass(name="company")))
SCHEMA = UNRELATED.model_copy(update={"relations": (LabelClass(name="works for", color="#d44444"), LabelClass(name="founded"))})
ADA, BOB, ACME = (Span(label=label, start=start, end=start + 3) for label, start in (("person", 0), ("person", 8), ("company", 20)))


def region(span: Span, id_: str) -> dict[str, Any]:
    """A span as the screen says it; ids are made up by the browser."""
    value = {"start": span.start, "end": span.end, "text": "...", "labels": [span.label]}
    return {"id": id_, "from_name": "part", "to_name": "item", "type": "labels", "value": value}


def arrow(**other: Any) -> dict[str, Any]:
    return {"from_id": "xA1", "to_id": "xC3", "type": "relation", "direction": "right", "labels": ["works for"]} | other


MARKED = [region(ADA, "xA1"), region(BOB, "xB2"), region(ACME, "xC3")]


def related(label: str, head: Span, tail: Span) -> Relation:
    return Relation(label=label, head=head.mention, tail=tail.mention)


def test_the_screen_offers_relations_only_where_the_project_has_some() -> None:
    assert TASK.configuration
    *plain, relations = fromstring(TASK.configuration(SCHEMA))
    assert (relations.tag, relations.attrib) == ("Relations", {"choice": "multiple"})
    assert [each.attrib for each in relations] == [{"value": "works for", "background": "#d44444"}, {"value": "founded"}]
    assert [each.tag for each in plain] == [each.tag for each in fromstring(TASK.configuration(UNRELATED))] == ["Text", "Labels"]


@pytest.mark.parametrize(("arrows", "relations"), [
    ([arrow()], [related("works for", ADA, ACME)]),
    ([arrow(direction="left")], [related("works for", ACME, ADA)]),
    ([arrow(direction="bi")], [related("works for", ADA, ACME), related("works for", ACME, ADA)]),
    ([arrow(labels=["founded", "works for"])], [related("founded", ADA, ACME), related("works for", ADA, ACME)]),
    ([arrow(), arrow(from_id="xB2")], [related("works for", ADA, ACME), related("works for", BOB, ACME)]),
    ([arrow(), arrow()], [related("works for", ADA, ACME)]),
    ([{"from_id": "xA1", "to_id": "xC3", "type": "relation", "labels": ["founded"]}], [related("founded", ADA, ACME)]),
    ([], []),
])  # fmt: skip
def test_every_label_of_an_arrow_is_a_relation_in_its_direction(arrows: list[dict[str, Any]], relations: list[Relation]) -> None:
    comment = {"id": "t1", "from_name": "comment", "to_name": "item", "type": "textarea", "value": {"text": ["unsure"]}}
    found = TASK.parse([*arrows, comment, *MARKED], SCHEMA)
    assert found == Spans(spans=(ADA, BOB, ACME), relations=tuple(relations))


@pytest.mark.parametrize(("wrong", "why"), [
    ({"labels": []}, 'a relation from "person" to "company" has no label'),
    ({"labels": None, "to_id": "gone"}, 'a relation from "person" to nothing has no label'),
    ({"labels": ["sells"]}, '"sells" is not a relation of this project'),
    ({"labels": ["works for", "person"]}, '"person" is not a relation of this project'),
    ({"labels": ["works for", ["founded"]]}, "\"['founded']\" is not a relation of this project"),
    ({"to_id": "gone"}, 'a relation "works for" joins what is no span: it goes from "person" to nothing'),
    ({"from_id": ["xA1"]}, 'a relation "works for" joins what is no span: it goes from nothing to "company"'),
    ({"from_id": "t1"}, 'a relation "works for" joins what is no span: it goes from nothing to "company"'),
    ({"to_id": "xA1"}, 'a relation "works for" joins a span with itself'),
    ({"direction": "up"}, 'a relation "works for" has a direction that is none of right, left, bi'),
    ({"direction": []}, 'a relation "works for" has a direction that is none of right, left, bi'),
])  # fmt: skip
def test_an_arrow_that_says_nothing_makes_no_label_and_is_told(wrong: dict[str, Any], why: str) -> None:
    elsewhere = {"id": "t1", "from_name": "comment", "to_name": "item", "type": "textarea", "value": {"text": ["unsure"]}}
    assert TASK.parse([*MARKED, elsewhere, arrow(), arrow(**wrong)], SCHEMA) == Invalid(why)


def test_the_same_stretch_marked_twice_is_one_span_and_not_related_to_itself() -> None:
    found = TASK.parse([region(ADA, "x1"), region(ADA, "x2"), arrow(from_id="x1", to_id="x2")], SCHEMA)
    assert found == Invalid('a relation "works for" joins a span with itself')


def test_more_relations_than_an_item_may_have_are_told() -> None:
    spans = [region(Span(label="person", start=start, end=start + 1), f"x{start}") for start in range(33)]
    arrows = [arrow(from_id=one["id"], to_id=other["id"]) for one in spans for other in spans if one is not other]
    assert TASK.parse([*spans, *arrows], SCHEMA) == Invalid("1056 relations, more than 1000")


@pytest.mark.parametrize("drawn", [arrow(labels=[]), arrow(to_id="gone"), arrow(labels=["sells"])])
def test_where_nothing_is_to_be_related_arrows_mean_nothing(drawn: dict[str, Any]) -> None:
    assert TASK.parse([*MARKED, drawn], UNRELATED) == Spans(spans=(ADA, BOB, ACME))


def test_spans_alone_are_shown_as_they_always_were() -> None:
    assert TASK.show(Spans(spans=(ADA,)), None) == [
        {"from_name": "part", "to_name": "item", "type": "labels", "value": {"start": 0, "end": 3, "labels": ["person"]}}
    ]


def test_relations_are_shown_as_one_arrow_from_span_to_span() -> None:
    label = Spans(spans=(ADA, ACME), relations=(related("works for", ADA, ACME), related("founded", ADA, ACME), related("works for", ACME, ADA)))
    company, person, *arrows = TASK.show(label, None)
    assert (company["id"], person["id"]) == ("span-0", "span-1")
    assert arrows == [
        {"from_id": "span-0", "to_id": "span-1", "type": "relation", "direction": "right", "labels": ["works for"]},
        {"from_id": "span-1", "to_id": "span-0", "type": "relation", "direction": "right", "labels": ["founded", "works for"]},
    ]


SPANS = st.builds(lambda label, start, length: Span(label=label, start=start, end=start + length),
                  st.sampled_from(UNRELATED.names), st.integers(0, 20), st.integers(1, 3))  # fmt: skip


@st.composite
def labels(draw: st.DrawFn) -> Spans:
    """Any spans, and any relations between them."""
    spans = draw(st.lists(SPANS, max_size=6, unique_by=lambda span: span.place))
    pairs = [(head, tail) for head in spans for tail in spans if head != tail]
    joined = draw(st.lists(st.tuples(st.sampled_from(SCHEMA.relation_names), st.sampled_from(pairs)), max_size=8)) if pairs else []
    return Spans(spans=tuple(spans), relations=tuple(related(name, *ends) for name, ends in joined))


@given(labels())
def test_what_is_shown_is_read_back(label: Spans) -> None:
    shown = TASK.show(label, None)
    assert TASK.parse(shown, SCHEMA) == label
    assert TASK.show(label, None) == shown, "ids are the same each time"
    ids = [each["id"] for each in shown if "id" in each]
    assert len(set(ids)) == len(ids)
    assert not any("#" in each for each in ids), "Label Studio cuts an id there"
