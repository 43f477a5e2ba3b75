"""Valid samples, broken in every way: fields dropped, retyped and added, numbers beyond all numbers, half characters, endless nesting, cut bytes."""

import copy
import json
from typing import Any

from hypothesis import strategies as some

HALF = "\ud800"
"""Half of a surrogate pair: JSON can say it, UTF-8 cannot."""
NUMBERS = (0, -1, 2**31, 2**63, -(2**63) - 1, 10**400, 0.5, 1e308, float("nan"), float("inf"), float("-inf"))
TEXTS = (
    "",
    " ",
    "x" * 5000,
    HALF,
    "\x00",
    "\u202e",
    "ü",
    "NaN",
    "1e999",
    "-1",
    "9" * 400,
    "null",
    "2026-13-45T99:99:99Z",
    "../../etc/passwd",
    "s3://",
    "%ff",
)
WHOLE: tuple[Any, ...] = (None, True, False, [], {}, [None], {"": None}, [[]], [{}], {"a": {"b": [1]}})


def junk() -> some.SearchStrategy[Any]:
    """Some JSON that is not what was expected."""
    leaves = some.sampled_from(NUMBERS) | some.sampled_from(TEXTS) | some.sampled_from(WHOLE) | some.integers() | some.text(max_size=8)
    return (leaves | some.integers(10, 900).map(nested)).map(copy.deepcopy)


def nested(depth: int) -> Any:
    """So many lists in each other."""
    inner: Any = []
    for _ in range(depth):
        inner = [inner]
    return inner


@some.composite
def mutated(draw: some.DrawFn, sample: Any) -> Any:
    """A copy of some JSON with one to three changes anywhere in it."""
    changed = [copy.deepcopy(sample)]
    for _ in range(draw(some.integers(1, 3))):
        _change(draw, changed)
    return changed[0]


def _change(draw: some.DrawFn, root: list[Any]) -> None:
    parent: Any = root
    step: Any = 0
    while isinstance(parent[step], dict | list) and parent[step] and draw(some.integers(0, 5)):
        parent = parent[step]
        step = draw(some.sampled_from(sorted(parent, key=str))) if isinstance(parent, dict) else draw(some.integers(0, len(parent) - 1))
    match draw(some.sampled_from(["replace", "replace", "drop", "add", "double"])):
        case "drop" if parent is not root:
            del parent[step]
        case "add" if isinstance(parent[step], dict):
            parent[step][draw(some.sampled_from(TEXTS))] = draw(junk())
        case "double" if isinstance(parent[step], list) and parent[step]:
            parent[step].append(copy.deepcopy(parent[step][0]))
        case _:
            parent[step] = draw(junk())


@some.composite
def raw(draw: some.DrawFn, sample: Any) -> bytes:
    """Bytes that were to be some JSON."""
    text = json.dumps(draw(mutated(sample)), ensure_ascii=draw(some.booleans()))
    content = text.encode(draw(some.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16", "latin-1"])), errors="replace")
    match draw(some.sampled_from(["whole", "whole", "whole", "cut", "noise", "mark", "deep"])):
        case "cut":
            return content[: draw(some.integers(0, len(content)))]
        case "noise":
            at = draw(some.integers(0, len(content)))
            return content[:at] + draw(some.binary(max_size=4)) + content[at:]
        case "mark":
            return b"\xef\xbb\xbf" + content
        case "deep":
            return b"[" * 100_000
    return content
