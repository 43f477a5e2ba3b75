"""How like each other relations are, what several people's come to, and how well a model's match the true ones."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.contracts.labels import Relation, Span, Spans
from treadle.statistics.measuring import model_metrics
from treadle.statistics.shapes import SHAPES
from treadle.statistics.shapes.spans import RELATIONS

SHAPE = SHAPES["Spans"]
NAMES = ("person", "company", "works for", "founded")
ADA, BOB, ACME = (Span(label=label, start=start, end=start + 3) for label, start in (("person", 0), ("person", 8), ("company", 20)))
ALL = (ADA, BOB, ACME)


def said(*joined: tuple[str, Span, Span], spans: Iterable[Span] = ALL) -> Spans:
    return Spans(spans=tuple(spans), relations=tuple(Relation(label=label, head=head.mention, tail=tail.mention) for label, head, tail in joined))


WORKS, FOUNDED, BOB_WORKS = ("works for", ADA, ACME), ("founded", ADA, ACME), ("works for", BOB, ACME)


@pytest.mark.parametrize(("one", "other", "f1"), [
    (said(WORKS), said(WORKS), 1.0),
    (said(WORKS, BOB_WORKS), said(WORKS), 2 / 3),
    (said(WORKS), said(FOUNDED), 0.0),
    (said(WORKS), said(("works for", ACME, ADA)), 0.0),
    (said(WORKS), said(("works for", longer := ADA.model_copy(update={"end": 4}), ACME), spans=(longer, ACME)), 0.0),
    (said(WORKS), said(("works for", other := ADA.model_copy(update={"label": "company"}), ACME), spans=(other, ACME)), 0.0),
    (said(), said(), 1.0),
    (said(WORKS), said(), 0.0),
], ids=["the same", "one more", "another label", "the other way", "another end", "another label of an end", "none", "none of one"])  # fmt: skip
def test_a_relation_is_right_only_with_its_label_direction_and_both_ends(one: Spans, other: Spans, f1: float) -> None:
    assert RELATIONS.similarity(one, other) == RELATIONS.similarity(other, one) == pytest.approx(f1)


def test_an_answer_is_like_another_one_by_its_spans_and_relations_together() -> None:
    assert SHAPE.similarity(said(WORKS), said(FOUNDED)) == pytest.approx(2 * 3 / 8), "three of four things are the same"
    assert SHAPE.similarity(said(), said(spans=(ADA,))) == pytest.approx(2 / 4)


def test_agreement_is_told_of_spans_and_of_relations_and_of_each_name() -> None:
    items = [[said(WORKS), said(WORKS)], [said(WORKS, BOB_WORKS), said(WORKS)], [said(FOUNDED), said(spans=(ADA, ACME))], [said(FOUNDED)]]
    told = SHAPE.agreement(items, NAMES)
    assert told.overall == pytest.approx(fmean((1, 1, 4 / 5))), "as of spans alone"
    assert told.others == {"RelationF1": pytest.approx(fmean((1, 2 / 3, 0)))}
    assert told.by_label == {
        "person": pytest.approx(fmean((1, 1, 2 / 3))),
        "company": 1,
        "works for": pytest.approx(fmean((1, 2 / 3))),
        "founded": 0,
    }


def test_where_nobody_draws_a_relation_agreement_says_what_it_always_said() -> None:
    told = SHAPE.agreement([[said(), said(spans=(ADA,))]], NAMES)
    assert (told.overall, told.others, told.by_label["works for"]) == (0.5, {"RelationF1": None}, None)


@pytest.mark.parametrize(("answers", "relations"), [
    ([said(WORKS), said(WORKS), said()], [WORKS]),
    ([said(WORKS), said(), said()], []),
    ([said(WORKS), said(WORKS), said(FOUNDED)], [WORKS]),
    ([said(WORKS, FOUNDED), said(FOUNDED, WORKS), said(WORKS)], [WORKS, FOUNDED]),
    ([said(WORKS), said(WORKS), said(spans=(ADA,))], [WORKS]),
    ([said(WORKS), said(WORKS), said(WORKS, spans=(ADA, ACME))], [WORKS]),
    ([said(BOB_WORKS, spans=(BOB, ACME)), said(spans=(ADA, ACME)), said(spans=(ADA, ACME))], []),
    ([said(WORKS)], [WORKS]),
], ids=["two of three", "one of three", "two of three names", "two names", "who marked one end has no vote", "with fewer spans",
        "an end is gone", "one answer"])  # fmt: skip
def test_those_who_marked_both_ends_decide_about_a_relation(answers: list[Spans], relations: list[tuple[str, Span, Span]]) -> None:
    for order in permutations(answers):
        found = SHAPE.consensus(order)
        assert found
        assert found.label.relations == said(*relations).relations
        assert found.agreement == pytest.approx(fmean(SHAPE.similarity(answer, found.label) for answer in answers))


@pytest.mark.parametrize("answers", [
    [said(WORKS), said()],
    [said(WORKS), said(FOUNDED)],
    [said(WORKS), said(FOUNDED), said()],
    [said(WORKS), said(), said(spans=(ADA,))],
    [said(WORKS, FOUNDED), said(WORKS)],
], ids=["joined or not", "two names", "joined by most under two names", "of two who could vote", "one name more"])  # fmt: skip
def test_a_tie_about_a_relation_is_a_dispute_about_the_item(answers: list[Spans]) -> None:
    assert all(SHAPE.consensus(order) is None for order in permutations(answers))


def test_a_person_of_another_opinion_about_an_end_has_no_vote() -> None:
    place = ACME.model_copy(update={"label": "place"})
    other = said(("works for", ADA, place), spans=(ADA, BOB, place))
    found = SHAPE.consensus([said(WORKS), said(WORKS), other])
    assert found
    assert found.label == said(WORKS)
    assert SHAPE.consensus([said(WORKS), said(), other]) is None, "one of the two who can vote"


TRIPLES = [(label, head, tail) for label in ("works for", "founded") for head in ALL for tail in ALL if head != tail]
ANSWERS = st.lists(st.sampled_from(TRIPLES), max_size=5).map(lambda joined: said(*joined))


@given(st.lists(st.tuples(ANSWERS, ANSWERS), min_size=1, max_size=4))
def test_relation_f1_is_what_counting_by_hand_gives(items: list[tuple[Spans, Spans]]) -> None:
    """The oracle compares all pairs of relations, field by field, and knows nothing of matching."""

    def f1(one: Spans, other: Spans) -> float:
        here, there = ([(r.label, r.head.model_dump(), r.tail.model_dump()) for r in each.relations] for each in (one, other))
        right = sum(mine == theirs for mine in here for theirs in there)
        precision, recall = (right / len(each) if each else 0.0 for each in (here, there))
        return 1.0 if not here and not there else 2 * precision * recall / (precision + recall) if right else 0.0

    told = SHAPE.agreement(items, NAMES).others
    drawn = any(answer.relations for answers in items for answer in answers)
    assert told == {"RelationF1": pytest.approx(fmean(f1(*answers) for answers in items)) if drawn else None}


@given(st.lists(ANSWERS, min_size=1, max_size=4))
def test_the_consensus_does_not_hang_on_who_comes_first(answers: list[Spans]) -> None:
    found, again = SHAPE.consensus(answers), SHAPE.consensus(answers[::-1])
    assert (found and found.label) == (again and again.label)
    alone = SHAPE.consensus(answers[:1])
    assert (alone and alone.label) == answers[0]


def test_a_model_is_measured_by_its_relations_too() -> None:
    truths, answers = [said(WORKS), said(BOB_WORKS, FOUNDED)], [said(WORKS), said(BOB_WORKS, WORKS)]
    told = model_metrics(truths, answers)
    assert (told["items"], told["f1"]) == (2, 1)
    assert told["relation_f1"] == told["relation_precision"] == told["relation_recall"] == pytest.approx(2 / 3)
    assert told["relation_precision/works for"] == pytest.approx(2 / 3)
    assert (told["relation_recall/works for"], told["relation_f1/founded"]) == (1, 0)
    assert not [name for name in model_metrics([said()], [said()]) if name.startswith("relation")]
