"""How well a detector's boxes match the true ones: precision, recall and F1 at an overlap of 0.5, and average precision as COCO counts it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treadle.contracts.labels import Box, Boxes
from treadle.statistics.shapes.boxes import iou

OVERLAP = 0.5
OVERLAPS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""Intersection over union from which on a box counts as found: `map` is the mean over these."""
RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class _Answers:
    """All boxes of one label over all images: `scores` of the answers and at which overlap each of them is right; how many there truly are."""

    scores: NDArray[np.float64]
    right: NDArray[np.bool_]  # one row per answer, one column per overlap
    true: int


def detection_metrics(truths: Sequence[Boxes], answers: Sequence[Boxes]) -> dict[str, float]:
    """`precision`, `recall` and `f1` over all boxes, `map50` and `map` as means over the labels that truly occur; `f1/<label>`, `ap50/<label>`.

    An answer without a score counts as sure. Without any true box the averages are NaN. Without images everything is NaN.

    Raises:
        ValueError: when there are not as many answers as truths.
    """
    if len(truths) != len(answers):
        raise ValueError(f"{len(answers)} answers to {len(truths)} images")
    if not truths:
        return dict.fromkeys(("precision", "recall", "f1", "map50", "map"), math.nan) | {"items": 0.0}
    names = sorted({name for boxes in (*truths, *answers) for name in boxes.names})
    found = {name: _of_label(name, truths, answers) for name in names}
    right = sum(int(one.right[:, 0].sum()) for one in found.values())
    told, true = sum(len(one.scores) for one in found.values()), sum(one.true for one in found.values())
    metrics = {"items": float(len(truths)), "precision": _share(right, told), "recall": _share(right, true), "f1": _f1(right, told, true)}
    precisions = {name: _average_precisions(one) for name, one in found.items() if one.true}
    metrics["map50"] = _mean([values[0] for values in precisions.values()])
    metrics["map"] = _mean([float(values.mean()) for values in precisions.values()])
    metrics |= {f"f1/{name}": _f1(int(one.right[:, 0].sum()), len(one.scores), one.true) for name, one in found.items()}
    return metrics | {f"ap50/{name}": float(values[0]) for name, values in precisions.items()}


def _of_label(name: str, truths: Sequence[Boxes], answers: Sequence[Boxes]) -> _Answers:
    scores: list[float] = []
    right: list[list[bool]] = []
    true = 0
    for truth, answer in zip(truths, answers, strict=True):
        real = [box for box in truth.boxes if box.label == name]
        told = sorted((box for box in answer.boxes if box.label == name), key=_sure, reverse=True)
        true += len(real)
        scores += [_sure(box) for box in told]
        right += _right(real, told)
    return _Answers(np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=np.bool_).reshape(len(scores), len(OVERLAPS)), true)


def _right(real: Sequence[Box], told: Sequence[Box]) -> list[list[bool]]:
    """For each answer, surest first: whether it takes a true box that is still free, the best one, at each overlap."""
    overlaps = [[iou(answer, box) for box in real] for answer in told]
    right = [[False] * len(OVERLAPS) for _ in told]
    for column, least in enumerate(OVERLAPS):
        free = set(range(len(real)))
        for row, shared in enumerate(overlaps):
            best = max(free, key=lambda place: shared[place], default=None)
            if best is not None and shared[best] >= least:
                free.remove(best)
                right[row][column] = True
    return right


def _average_precisions(found: _Answers) -> NDArray[np.float64]:
    """Per overlap: the mean, over 101 recalls, of the best precision that is reached at this recall or a higher one."""
    order = np.argsort(-found.scores, kind="stable")
    hits = np.cumsum(found.right[order], axis=0)
    told = np.arange(1, len(order) + 1).reshape(-1, 1)
    precision = np.maximum.accumulate((hits / told)[::-1], axis=0)[::-1]
    recall = hits / found.true
    values = np.zeros(len(OVERLAPS))
    for column in range(len(OVERLAPS)):
        places = np.searchsorted(recall[:, column], RECALLS, side="left")
        reached = places < len(order)
        values[column] = precision[places[reached], column].sum() / len(RECALLS)
    return values


def _sure(box: Box) -> float:
    return 1.0 if box.score is None else box.score


def _f1(right: int, told: int, true: int) -> float:
    return _share(2 * right, told + true)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
