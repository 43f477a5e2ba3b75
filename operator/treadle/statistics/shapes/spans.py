"""Spans: two name the same thing only where they begin and end alike, so that what people agree on is a span that somebody marked."""

from collections.abc import Sequence

from treadle.contracts.labels import Span, Spans
from treadle.statistics.shapes._parts import Parts


def likeness(one: Span, other: Span) -> float:
    """1 for the same ends, else 0, whatever the labels are: what nervaluate and seqeval call strict, apart from the label."""
    return float((one.start, one.end) == (other.start, other.end))


def merged(label: str, spans: Sequence[Span]) -> Span:
    """One span of several that are where it is."""
    return Span(label=label, start=spans[0].start, end=spans[0].end)


PARTS = Parts(of=lambda answer: answer.spans, answer=lambda spans, _: Spans(spans=tuple(spans)), likeness=likeness, enough=1.0, merged=merged)
SPANS = PARTS.shape()
