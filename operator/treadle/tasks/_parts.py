"""What the types share that ask for parts of an item, each with one label."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from treadle.contracts.labels import MOST_PARTS, ImageSize, LabelSchema
from treadle.tasks._looks import looks
from treadle.tasks._task import Invalid, Region, value_of

Part = TypeVar("Part")

LARGEST = 1e15  # pixels, per cent or seconds since 1970: beyond it numbers are slips


def screen(
    media: str,
    attributes: dict[str, str],
    control: str,
    more: dict[str, str],
    schema: LabelSchema,
    parts: Sequence[Element] = (),
    beside: Sequence[Element] = (),
) -> str:
    """An item, and one tool with a label each in the schema's order.

    Args:
        media: element that shows the item.
        attributes: of it, apart from its name.
        control: element of the tool.
        more: its attributes, apart from its name and whose tool it is.
        schema: the labels.
        parts: elements inside of the one that shows the item.
        beside: elements after the tool.
    """
    view = Element("View")
    shown = SubElement(view, media, {"name": "item"} | attributes)
    shown.extend(parts)
    labels = SubElement(view, control, {"name": "part", "toName": "item"} | more)
    for look in looks(schema):
        SubElement(labels, "Label", dict(look))
    view.extend(beside)
    indent(view)
    return tostring(view, encoding="unicode")


def each_part(answer: Sequence[Region], control: str, read: Callable[[Region], Part | Invalid]) -> list[Part] | Invalid:
    """Every part of an answer that a tool made. One bad part makes the answer invalid; what other controls made (a comment, say) is passed over."""
    found: list[Part] = []
    for region in answer:
        if region.get("from_name") != control:
            continue
        part = read(region)
        if isinstance(part, Invalid):
            return part
        found.append(part)
    return found if len(found) <= MOST_PARTS else Invalid(f"{len(found)} parts, more than {MOST_PARTS}")


def chosen(region: Region, key: str, schema: LabelSchema) -> str | Invalid:
    """The one label of a part."""
    names = value_of(region).get(key) or []
    if not isinstance(names, list) or len(names) != 1:
        return Invalid(f"a part has {len(names) if isinstance(names, list) else 'no list of'} labels, one is wanted")
    (name,) = names
    return str(name) if name in schema.names else Invalid(f'"{name}" is not a label of this project')


def part(label: str, key: str, value: Mapping[str, object], *, image: ImageSize | None = None, control: str = "part") -> Region:
    """One part as an answer: what the tool with this key would have made."""
    size = {"original_width": image.width, "original_height": image.height, "image_rotation": 0} if image else {}
    return {"from_name": control, "to_name": "item", "type": key, "value": {**value, key: [label]}, **size}


def per_cent(pixels: float, whole: int) -> float:
    """A place as the labelling screen counts it."""
    return 100 * pixels / whole


def number(value: object) -> float | None:
    """A number that may stand for a place; anything else, also one beyond all items, is missing."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST < value < LARGEST else None


def size_of(region: Region) -> ImageSize | None:
    """The size of the image as the screen showed it."""
    across, down = number(region.get("original_width")), number(region.get("original_height"))
    return ImageSize(width=round(across), height=round(down)) if across and down and across >= 1 and down >= 1 else None
