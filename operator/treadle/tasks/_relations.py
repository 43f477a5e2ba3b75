"""Relations on the labelling screen: arrows from one marked part of a text to another one, each with its labels.

Label Studio holds one arrow from a part to another one, with any number of labels; each of them is a relation. An arrow goes `right`, from the part
that people clicked first, `left`, back to it, or both ways (`bi`), which is two relations. In every project, also in one that asks for no relations,
people can draw arrows without a label.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement

from treadle.contracts.labels import MOST_PARTS, LabelSchema, Mention, Relation, Span
from treadle.tasks._task import Invalid, Region

TYPE = "relation"
RIGHT, LEFT, BOTH = "right", "left", "bi"


def tags(schema: LabelSchema) -> list[Element]:
    """What lets people say what an arrow means; nothing where the schema has no relations."""
    if not schema.relations:
        return []
    names = Element("Relations", choice="multiple")
    for relation in schema.relations:
        SubElement(names, "Relation", {"value": relation.name} | ({"background": relation.color} if relation.color else {}))
    return [names]


def read(answer: Sequence[Region], marked: Mapping[str, Span], schema: LabelSchema) -> list[Relation] | Invalid:
    """Every relation of an answer. One bad arrow makes the answer invalid.

    Args:
        answer: all of it.
        marked: the spans in it, by the ids of their regions.
        schema: of the project; where it has no relations, arrows mean nothing.
    """
    if not schema.relations:
        return []
    found: list[Relation] = []
    for region in answer:
        if region.get("type") != TYPE:
            continue
        relations = _read(region, marked, schema)
        if isinstance(relations, Invalid):
            return relations
        found += relations
    return found if len(found) <= MOST_PARTS else Invalid(f"{len(found)} relations, more than {MOST_PARTS}")


def shown(relations: Sequence[Relation], ids: Mapping[Mention, str]) -> list[Region]:
    """Relations as arrows between regions with these ids: one for all that go from one span to another, since the screen drops a second one."""
    arrows: list[Region] = []
    for _, same in groupby(sorted(relations, key=_ends), key=_ends):
        joined = list(same)
        ends = {"from_id": ids[joined[0].head], "to_id": ids[joined[0].tail]}
        arrows.append({**ends, "type": TYPE, "direction": RIGHT, "labels": [relation.label for relation in joined]})
    return arrows


def _ends(relation: Relation) -> tuple[object, ...]:
    return (relation.head.place, relation.tail.place)


def _read(region: Region, marked: Mapping[str, Span], schema: LabelSchema) -> list[Relation] | Invalid:
    """The relations that one arrow says."""
    first, second = (_mention(region.get(key), marked) for key in ("from_id", "to_id"))
    names = region.get("labels")
    if not isinstance(names, list) or not names:
        return Invalid(f"a relation from {_told(first)} to {_told(second)} has no label")
    if unknown := [name for name in names if name not in schema.relation_names]:
        return Invalid(f'"{unknown[0]}" is not a relation of this project')
    if first is None or second is None:
        return Invalid(f'a relation "{names[0]}" joins what is no span: it goes from {_told(first)} to {_told(second)}')
    if first == second:
        return Invalid(f'a relation "{names[0]}" joins a span with itself')
    ways = {RIGHT: [(first, second)], LEFT: [(second, first)], BOTH: [(first, second), (second, first)]}
    direction = region.get("direction", RIGHT)
    if not isinstance(direction, str) or direction not in ways:
        return Invalid(f'a relation "{names[0]}" has a direction that is none of {", ".join(ways)}')
    return [Relation(label=name, head=head, tail=tail) for name in names for head, tail in ways[direction]]


def _mention(id_: object, marked: Mapping[str, Span]) -> Mention | None:
    span = marked.get(id_) if isinstance(id_, str) else None
    return span.mention if span else None


def _told(end: Mention | None) -> str:
    return "nothing" if end is None else f'"{end.label}"'
