"""Whether two versions answered the same: what they decided counts, not how sure they were of it."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

TOLERANCE = 0.01
"""Numbers that are the whole answer (a regression) agree when they differ by at most 1 %."""


def same_answer(body: bytes, other: bytes) -> bool:
    """Whether two bodies of 200 answers (`/infer` or `/invocations`) decide the same.

    Labels and whole numbers must be equal; beside them, scores do not count. Where an answer has only scores, the highest one of each row must be
    at the same place; a single number must be equal within 1 %. Anything that is not an answer agrees with nothing.
    """
    try:
        mine, theirs = _rows(json.loads(body)), _rows(json.loads(other))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False
    decided, also = [list(_decided(row)) for row in mine], [list(_decided(row)) for row in theirs]
    if any(decided) or any(also):
        return decided == also
    return len(mine) == len(theirs) and all(_same_scores(list(_scores(a)), list(_scores(b))) for a, b in zip(mine, theirs, strict=True))


def _rows(answer: Mapping[str, Any]) -> Sequence[Any]:
    """One entry per item that was asked about."""
    if "predictions" in answer:
        predictions = answer["predictions"]
        return predictions if isinstance(predictions, list) else [predictions]
    return [row for output in sorted(answer["outputs"], key=lambda output: str(output["name"])) for row in _tensor_rows(output)]


def _tensor_rows(output: Mapping[str, Any]) -> Iterator[Any]:
    shape, data = output["shape"], output["data"]
    width = max(1, math.prod(shape[1:])) if shape else 1
    for start in range(0, len(data), width):
        yield data[start : start + width]


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from _leaves(value[key])
    elif isinstance(value, list):
        for entry in value:
            yield from _leaves(entry)
    else:
        yield value


def _decided(row: Any) -> Iterator[Any]:
    return (leaf for leaf in _leaves(row) if isinstance(leaf, str | bool | int))


def _scores(row: Any) -> Iterator[float]:
    return (leaf for leaf in _leaves(row) if isinstance(leaf, float))


def _same_scores(mine: list[float], theirs: list[float]) -> bool:
    if len(mine) != len(theirs):
        return False
    if len(mine) > 1:
        return mine.index(max(mine)) == theirs.index(max(theirs))
    return all(math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=1e-9) for a, b in zip(mine, theirs, strict=True))
