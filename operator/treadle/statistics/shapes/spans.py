"""Spans, and relations between them.

Two spans name the same thing only where they begin and end alike, so that what people agree on is a span that somebody marked. Two relations are the
same only with the same label and the same spans at both ends, boundaries and labels alike: the strict scheme of Bekoulis et al., "Joint entity
recognition and relation extraction as a multi-head selection problem" (2018), which Taillé et al., "Let's Stop Incorrect Comparisons in End-to-end
Relation Extraction!" (2020) tell from laxer ones.

The consensus of several answers is found for the spans first, as for all sets of parts. Then those people vote about a relation who marked both of
its ends, with the labels that were agreed on; who sees another span there could not have drawn it. Two spans are joined when more than half of them
join these, and not when fewer than half do; each relation is there that more than half of those who join them name. A tie in either, or no relation
that enough people name, is a dispute about the item.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from statistics import fmean

from treadle.contracts.labels import Mention, Relation, Span, Spans
from treadle.statistics.shapes._parts import Parts, Tally
from treadle.statistics.shapes._shape import Agreement, Consensus, Shape

RELATION_F1 = "RelationF1"

Ends = tuple[Mention, Mention]
"""Head and tail."""


def likeness(one: Span, other: Span) -> float:
    """1 for the same ends, else 0, whatever the labels are: what nervaluate and seqeval call strict, apart from the label."""
    return float((one.start, one.end) == (other.start, other.end))


def merged(label: str, spans: Sequence[Span]) -> Span:
    """One span of several that are where it is."""
    return Span(label=label, start=spans[0].start, end=spans[0].end)


def relation_likeness(one: Relation, other: Relation) -> float:
    """1 where they join the same spans in the same direction, else 0, whatever the labels of the relations are."""
    return float((one.head.place, one.tail.place) == (other.head.place, other.tail.place))


PARTS = Parts(of=lambda answer: answer.spans, answer=lambda spans, _: Spans(spans=tuple(spans)), likeness=likeness, enough=1.0, merged=merged)
RELATIONS = Parts(
    of=lambda answer: answer.relations,
    answer=lambda relations, whole: Spans(spans=whole.spans, relations=tuple(relations)),
    likeness=relation_likeness,
    enough=1.0,
    merged=lambda label, relations: relations[0].model_copy(update={"label": label}),
)


def similarity(one: Spans, other: Spans) -> float:
    """F1 of spans and relations together: each is one thing that is right or not. Without relations it is the F1 of spans."""
    total = sum(len(each.spans) + len(each.relations) for each in (one, other))
    matched = len(PARTS.matched(one.spans, other.spans)) + len(RELATIONS.matched(one.relations, other.relations))
    return 2 * matched / total if total else 1.0


def consensus(answers: Sequence[Spans]) -> Consensus[Spans] | None:
    """The spans and relations that the answers come to. None: a tie about one of them, or no answer at all."""
    if (found := PARTS.consensus(answers)) is None or not any(answer.relations for answer in answers):
        return found
    if (relations := _joined(answers, found.label.mentions)) is None:
        return None
    label = Spans(spans=found.label.spans, relations=tuple(relations))
    return Consensus(label, fmean(similarity(answer, label) for answer in answers))


def agreement(items: Sequence[Sequence[Spans]], names: Sequence[str]) -> Agreement:
    """As of all sets of parts, of the spans; of the relations beside it, once somebody draws one. A name is that of a label or of a relation."""
    spans, relations = Tally(PARTS), Tally(RELATIONS)
    for answers in items:  # one at a time: there may be very many
        spans.add(answers)
        relations.add(answers)
    by_label = {**relations.by_label, **spans.by_label}
    drawn = relations.overall if relations.by_label else None
    return Agreement(spans.overall, {name: by_label.get(name) for name in names}, {RELATION_F1: drawn})


def _joined(answers: Sequence[Spans], agreed: frozenset[Mention]) -> list[Relation] | None:
    """The relations between agreed spans, by the votes of those who marked both of their ends. None: a tie about one."""
    said = [_by_ends(answer) for answer in answers]
    marked = [answer.mentions for answer in answers]
    found: list[Relation] = []
    for ends in {ends for each in said for ends in each if agreed.issuperset(ends)}:
        votes = [each.get(ends, []) for each, mentions in zip(said, marked, strict=True) if mentions.issuperset(ends)]
        if (names := _named(votes)) is None:
            return None
        found += [Relation(label=name, head=ends[0], tail=ends[1]) for name in names]
    return found


def _named(votes: Sequence[Sequence[str]]) -> list[str] | None:
    """What people call the relation of two spans, who each give it any number of names. None: a tie."""
    joining = [names for names in votes if names]
    if 2 * len(joining) <= len(votes):
        return None if 2 * len(joining) == len(votes) else []
    counts = Counter(chain.from_iterable(joining))
    named = [name for name, count in counts.items() if 2 * count > len(joining)]
    return named if named and not any(2 * count == len(joining) for count in counts.values()) else None


def _by_ends(answer: Spans) -> Mapping[Ends, list[str]]:
    """The names of all relations from one span to another."""
    found: defaultdict[Ends, list[str]] = defaultdict(list)
    for relation in answer.relations:
        found[relation.head, relation.tail].append(relation.label)
    return found


SPANS = Shape(similarity=similarity, consensus=consensus, agreement=agreement)
