"""Rules that every label of a version holds to: what they know, whom they are asked about, and how they fail."""

from __future__ import annotations

import pytest

from treadle.contracts.labels import Box, Boxes, ClassLabel, ImageSize, Label, LabelClass, LabelSchema, Region, Regions, Relation, Span, Spans
from treadle.contracts.quality import ConsensusPolicy, RawAnnotation, Rule
from treadle.contracts.rank import AcceptedLabel
from treadle.jobs._accepted import with_accepted
from treadle.jobs._consensus import Judgement, Verdict, judge_all, wanted_of
from treadle.jobs._failure import JobFailure
from treadle.jobs._rules import Rules
from treadle.jobs._suspicion import findings_of
from treadle.tasks import TASKS

CAN, SPECK = Box(label="can", x=1, y=1, width=40, height=20), Box(label="bottle", x=1, y=1, width=3, height=9)
TOP, BOTTLE = Span(label="can", start=0, end=3), Span(label="bottle", start=5, end=9)
JOINED = Spans(spans=(TOP, BOTTLE), relations=(Relation(label="of", head=TOP.mention, tail=BOTTLE.mention),))
SQUARE = Region(label="can", points=((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0)), image=ImageSize(width=10, height=10))


def broken(rule: str, label: Label) -> str:
    return Rules([Rule(name="it", rule=rule)], label.shape).broken(label)


@pytest.mark.parametrize(("rule", "label", "holds"), [
    ("box.width > 4", Boxes(boxes=(CAN,)), True),
    ("box.width > 4", Boxes(boxes=(CAN, SPECK)), False),
    ("box.width > 4", Boxes(), True),
    ("size(label.boxes) > 0", Boxes(), False),
    ("size(names) > 0", Boxes(boxes=(CAN,)), True),
    ("'can' in names", Boxes(boxes=(SPECK,)), False),
    ("label.boxes.exists(b, b.label == 'can')", Boxes(boxes=(CAN, SPECK)), True),
    ("box.width * box.height > 20.0 || box.label != 'can'", Boxes(boxes=(CAN, SPECK)), True),
    ("region.area >= 16", Regions(regions=(SQUARE,)), True),
    ("region.area > 16", Regions(regions=(SQUARE,)), False),
    ("span.end - span.start < 10", Spans(spans=(Span(label="can", start=3, end=30),)), False),
    ("relation.label != 'of' || relation.tail.label == 'bottle'", JOINED, True),
    ("relation.label != 'of' || relation.tail.label == 'can'", JOINED, False),
    ("relation.head.start < relation.tail.start", JOINED, True),
    ("relation.label == 'nothing'", Spans(spans=JOINED.spans), True),
    ("size(label.relations) > 0", JOINED, True),
    ("size(label.relations) > 0", Spans(spans=JOINED.spans), False),
    ("!('of' in names) || 'bottle' in names", JOINED, True),
    ("label.label != 'unknown'", ClassLabel(label="can"), True),
    ("label.label != 'unknown'", ClassLabel(label="unknown"), False),
])  # fmt: skip
def test_a_rule_is_asked_of_the_label_or_of_every_part(rule: str, label: Label, holds: bool) -> None:
    assert broken(rule, label) == ("" if holds else "it")


def test_the_first_rule_that_is_broken_is_told() -> None:
    rules = Rules([Rule(name="one", rule="true"), Rule(name="two", rule="box.width > 4"), Rule(name="three", rule="false")], "Boxes")
    assert rules.broken(Boxes(boxes=(SPECK,))) == "two"
    assert rules.broken(Boxes(boxes=(CAN,))) == "three"


@pytest.mark.parametrize(("rule", "why"), [
    ("box.width >", "rule it: Failed to parse"),
    ("nothing.width > 4", "rule it: Undefined"),
    ("box.depth > 4.0", "rule it asks for 'depth'"),
    ("box.width + 1 > 4.0", "rule it: Unsupported operation"),
    ("box.width", "rule it says neither true nor false, but float"),
])  # fmt: skip
def test_a_rule_that_cannot_be_asked_is_told(rule: str, why: str) -> None:
    with pytest.raises(JobFailure) as failed:
        broken(rule, Boxes(boxes=(CAN,)))
    assert failed.value.reason.name == "RuleInvalid"
    assert why in failed.value.message


def test_a_rule_about_two_kinds_of_parts_is_refused() -> None:
    with pytest.raises(JobFailure, match="rule it is about span and relation: make it a rule for each"):
        broken("span.start < relation.head.start", JOINED)


def test_items_whose_label_breaks_a_rule_are_left_out_and_found() -> None:
    schema = LabelSchema(task="ImageClassification", labels=(LabelClass(name="can"), LabelClass(name="unknown")))
    answers = [
        RawAnnotation(
            key=name,
            uri=f"s3://raw/{name}",
            sha256="a" * 64,
            task=number,
            annotation=number,
            annotator="u1",
            result=({"from_name": "label", "value": {"choices": [name]}},),
        )
        for number, name in enumerate(("can", "unknown"), start=1)
    ]
    policy = ConsensusPolicy(rules=(Rule(name="known", rule="label.label != 'unknown'"),))
    judged = judge_all(answers, wanted_of(None), schema, TASKS["ImageClassification"], policy).items
    assert [(each.verdict, each.rule, each.consensus is None) for each in judged] == [
        (Verdict.AGREED, "", False),
        (Verdict.BREAKS_RULE, "known", True),
    ]
    assert [(found.key, found.what, found.rule) for found in findings_of(judged, None)] == [("unknown", "BreaksRule", "known")]


def test_accepted_proposals_hold_to_the_same_rules() -> None:
    proposals = [
        AcceptedLabel(key=name, uri=f"s3://raw/{name}", sha256="a" * 64, label=ClassLabel(label=name), confidence=1.0) for name in ("a", "b")
    ]
    rules = Rules([Rule(name="known", rule="label.label != 'b'")], "Class")
    judged = with_accepted(Judgement([], {}), proposals, wanted_of(None), rules).items
    assert [(each.key, each.verdict) for each in judged] == [("a", Verdict.AGREED), ("b", Verdict.BREAKS_RULE)]
