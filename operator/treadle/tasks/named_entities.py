"""NamedEntities: stretches of a text, each with one label; they may overlap, and there may be relations between them."""

from collections.abc import Sequence

from treadle.contracts.labels import ImageSize, LabelSchema, Span, Spans
from treadle.tasks import _relations
from treadle.tasks._parts import chosen, each_part, number, part, screen
from treadle.tasks._task import Invalid, Region, Task, value_of

CONTROL = "part"
FIELD = "text"


def configuration(schema: LabelSchema) -> str:
    """A text in which stretches can be marked, and joined where the schema has relations."""
    tool = {"choice": "single", "showInline": "true"}
    return screen("Text", {"value": f"${FIELD}"}, "Labels", tool, schema, beside=_relations.tags(schema))


def parse(answer: Sequence[Region], schema: LabelSchema) -> Spans | Invalid:
    """All spans and relations; the same one twice counts once. None of them means that the text names nothing."""
    marked = [region for region in answer if region.get("from_name") == CONTROL]
    spans = each_part(marked, CONTROL, lambda region: _span(region, schema))
    if isinstance(spans, Invalid):
        return spans
    by_id = {each: span for region, span in zip(marked, spans, strict=True) if isinstance(each := region.get("id"), str)}
    relations = _relations.read(answer, by_id, schema)
    return relations if isinstance(relations, Invalid) else Spans(spans=tuple(spans), relations=tuple(relations))


def show(label: Spans, _: ImageSize | None) -> list[Region]:
    """The spans and relations as an answer. Where there are relations spans have ids, the same ones each time."""
    ids = {span.mention: f"span-{place}" for place, span in enumerate(label.spans)} if label.relations else {}
    return [*(_shown(span) | ({"id": ids[span.mention]} if ids else {}) for span in label.spans), *_relations.shown(label.relations, ids)]


def _shown(span: Span) -> dict[str, object]:
    return dict(part(span.label, "labels", {"start": span.start, "end": span.end}))


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
    measures=("SpanF1", "RelationF1"),
    formats=("Jsonl", "Conll", "Parquet", "HuggingFace", "Dvc"),
)
