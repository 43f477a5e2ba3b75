"""NamedEntities: stretches of a text, each with one label; they may overlap."""

from collections.abc import Sequence

from treadle.contracts.labels import ImageSize, LabelSchema, Span, Spans
from treadle.tasks._parts import chosen, each_part, number, part, screen
from treadle.tasks._task import Invalid, Region, Task, value_of

FIELD = "text"


def configuration(schema: LabelSchema) -> str:
    """A text in which stretches can be marked."""
    return screen("Text", {"value": f"${FIELD}"}, "Labels", {"choice": "single", "showInline": "true"}, schema)


def parse(answer: Sequence[Region], schema: LabelSchema) -> Spans | Invalid:
    """All spans; the same one twice counts once. None of them means that the text names nothing."""
    spans = each_part(answer, "part", lambda region: _span(region, schema))
    return spans if isinstance(spans, Invalid) else Spans(spans=tuple(spans))


def show(label: Spans, _: ImageSize | None) -> list[Region]:
    """The spans as an answer."""
    return [part(span.label, "labels", {"start": span.start, "end": span.end}) for span in label.spans]


def _span(region: Region, schema: LabelSchema) -> Span | Invalid:
    name = chosen(region, "labels", schema)
    if isinstance(name, Invalid):
        return name
    start, end = (number(value_of(region).get(key)) for key in ("start", "end"))
    if start is None or end is None or start != int(start) or end != int(end) or start < 0:
        return Invalid(f'a span of "{name}" does not say where it begins and ends')
    if end <= start:
        return Invalid(f'a span of "{name}" is empty')
    return Span(label=name, start=int(start), end=int(end))


NAMED_ENTITIES = Task(
    type="NamedEntities",
    media="Text",
    fields=(FIELD,),
    configuration=configuration,
    parse=parse,
    show=show,
    shape="Spans",
    measures=("SpanF1",),
    formats=("Jsonl", "Conll", "Parquet", "HuggingFace", "Dvc"),
)
