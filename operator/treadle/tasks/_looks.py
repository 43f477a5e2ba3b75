"""How labels look on the screen: every label has a colour, and a key as long as there are keys."""

from collections.abc import Mapping
from colorsys import hsv_to_rgb

from treadle.contracts.labels import LabelSchema

KEYS = "1234567890qwetasdfgzxcvbyiopjklnm"
"""Keys that are given out, in this order: those that the labelling screen does not use for itself."""
GOLDEN_ANGLE = 0.381966
"""Part of the colour circle from one label to the next: neighbours are far apart however many follow."""


def looks(schema: LabelSchema) -> tuple[Mapping[str, str], ...]:
    """One element's attributes per label, in the schema's order: `value`, `background`, `hotkey` and `hint` where there is one."""
    keys = _hotkeys(schema)
    attributes = (
        {"value": label.name, "background": label.color or _color(index), "hotkey": keys.get(label.name, ""), "hint": label.description}
        for index, label in enumerate(schema.labels)
    )
    return tuple({name: value for name, value in each.items() if value} for each in attributes)


def _hotkeys(schema: LabelSchema) -> Mapping[str, str]:
    """What is asked for comes first; then a label that is itself a key is its own; the others get the next free ones."""
    keys = {label.name: label.hotkey for label in schema.labels if label.hotkey}
    keys |= {name: name for name in schema.names if name in KEYS and len(name) == 1 and name not in keys and name not in keys.values()}
    free = (key for key in KEYS if key not in set(keys.values()))
    return keys | dict(zip((name for name in schema.names if name not in keys), free, strict=False))


def _color(index: int) -> str:
    red, green, blue = hsv_to_rgb(index * GOLDEN_ANGLE % 1.0, 0.75, 0.85)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
