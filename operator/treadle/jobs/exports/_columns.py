"""Items as rows: what tables say of an item, and what its label is in plain columns. One table of names and kinds for every format that has rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from treadle.contracts._base import canonical_json
from treadle.contracts.dataset import DatasetItem
from treadle.contracts.labels import Answer, ClassLabel, LabelSchema, Rating, Spans
from treadle.jobs.exports._export import TextItem, label_of

Kind = Literal["Text", "Integer", "Number", "Truth", "Label", "Relation"]
"""Of a value; `Label` is a text that is one of the schema's labels, `Relation` one of its relations."""
Row = Mapping[str, object]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        kind: of its values; of the values in the lists, where they are lists.
        depth: how many lists are around a value.
        parts: what a value consists of, instead of `kind`.
    """

    name: str
    kind: Kind = "Text"
    depth: int = 0
    parts: tuple["Column", ...] = ()


ABOUT = (
    Column("key"),
    Column("uri"),
    Column("sha256"),
    Column("source"),
    Column("group"),
    Column("annotators", "Integer"),
    Column("agreement", "Number"),
    Column("confidence", "Number"),
    Column("reviewed", "Truth"),
)
"""What is known of an item apart from its label."""

_EXTENT = tuple(Column(name, "Number") for name in ("x", "y", "width", "height"))
_ENDS = tuple(Column(name, "Number") for name in ("start", "end"))
_LABEL, _CLASS = Column("label", "Label"), Column("class_id", "Integer")
_OUTLINE = (Column("points", "Number", depth=2), Column("runs", "Integer", depth=1))

OF_SHAPE: Mapping[str, tuple[Column, ...]] = {
    "Class": (_LABEL, _CLASS),
    "Rating": (_LABEL, _CLASS, Column("step", "Integer")),
    "Boxes": (Column("boxes", depth=1, parts=(_LABEL, _CLASS, *_EXTENT)),),
    "Regions": (Column("regions", depth=1, parts=(_LABEL, _CLASS, *_OUTLINE)),),
    "Points": (Column("points", depth=1, parts=(_LABEL, _CLASS, Column("x", "Number"), Column("y", "Number"))),),
    "Spans": (Column("spans", depth=1, parts=(_LABEL, _CLASS, Column("start", "Integer"), Column("end", "Integer"))),),
    "Intervals": (Column("intervals", depth=1, parts=(_LABEL, _CLASS, *_ENDS)),),
    "Answer": (Column("answer"),),
}
"""What a label is in columns, by its shape. Of an answer on a screen that Treadle does not know: its JSON."""
RELATIONS = Column("relations", depth=1, parts=(Column("label", "Relation"), _CLASS, Column("head", "Integer"), Column("tail", "Integer")))
"""Beside `spans`, where the schema has relations: `head` and `tail` are places in the row's `spans`, from 0, as trainers of relations want them."""


def columns_of(items: Sequence[DatasetItem], schema: LabelSchema) -> tuple[Column, ...]:
    """The columns of items with one shape of label: their words where they have some, the label, and what else is known."""
    shape, words = (items[0].label.shape, _words(items[0])) if items else ("Class", {})
    relations = (RELATIONS,) if shape == "Spans" and schema.relations else ()
    return (*map(Column, words), *OF_SHAPE[shape], *relations, *ABOUT)


def rows_of(items: Sequence[DatasetItem], schema: LabelSchema) -> Iterator[Row]:
    """One row per item, with those columns in that order."""
    number, relation_number = ({name: place for place, name in enumerate(names)} for names in (schema.names, schema.relation_names))
    columns = columns_of(items, schema)
    for item in items:
        values = {**item.model_dump(mode="json", include={column.name for column in ABOUT}), **_label(item, number), **_words(item)}
        if RELATIONS in columns:
            values[RELATIONS.name] = _relations(item, relation_number)
        yield {column.name: values[column.name] for column in columns}


def _words(item: DatasetItem) -> Mapping[str, str]:
    return item.words if isinstance(item, TextItem) else {}


def _label(item: DatasetItem, number: Mapping[str, int]) -> Row:
    label = item.label
    if isinstance(label, ClassLabel | Rating):
        return {"label": label.label, "class_id": number[label.label]} | ({"step": label.step} if isinstance(label, Rating) else {})
    if isinstance(label, Answer):
        return {"answer": canonical_json({"parts": list(label.parts)})}
    (column,) = OF_SHAPE[label.shape]
    parts = label.model_dump(mode="json")[column.name]
    return {column.name: [{each.name: number[part["label"]] if each is _CLASS else part[each.name] for each in column.parts} for part in parts]}


def _relations(item: DatasetItem, number: Mapping[str, int]) -> list[Row]:
    label = label_of(item, Spans)
    place = {span.mention: index for index, span in reversed(list(enumerate(label.spans)))}  # the first, should a model have said one twice
    return [{"label": each.label, _CLASS.name: number[each.label], "head": place[each.head], "tail": place[each.tail]} for each in label.relations]
