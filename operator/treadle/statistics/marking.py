"""How well the things that a model marks match the true ones: spans, events, outlines, points. Found is what is alike enough, as for people."""

import math
from collections.abc import Sequence
from typing import Any

from treadle.statistics.shapes._parts import Parts


def marking_metrics(parts: Parts[Any, Any], truths: Sequence[Any], answers: Sequence[Any]) -> dict[str, float]:
    """`precision`, `recall` and `f1` over all things; the same of each label as `<metric>/<label>`; `mean_iou` where likeness is an overlap.

    A ratio without anything to count is 0. Where nothing is marked and nothing is there to be marked, all is NaN: nothing was measured.

    Raises:
        ValueError: when there are not as many answers as truths.
    """
    found: dict[str, list[int]] = {}
    alike = 0.0
    for truth, answer in zip(truths, answers, strict=True):
        real, told = parts.of(truth), parts.of(answer)
        pairs = parts.matched(real, told)
        alike += sum(parts.likeness(real[one], told[other]) for one, other in pairs)
        for place, named in enumerate(([real[one] for one, _ in pairs], told, real)):
            for part in named:
                found.setdefault(part.label, [0, 0, 0])[place] += 1
    right, told_of_all, true = (sum(counts[place] for counts in found.values()) for place in range(3))
    metrics = {"items": float(len(truths)), **_ratios(right, told_of_all, true)}
    for label, counts in sorted(found.items()):
        metrics |= {f"{name}/{label}": value for name, value in _ratios(*counts).items()}
    if parts.graded:
        metrics["mean_iou"] = 2 * alike / (told_of_all + true) if told_of_all + true else math.nan
    return metrics


def _ratios(right: int, told: int, true: int) -> dict[str, float]:
    if not told + true:
        return dict.fromkeys(("precision", "recall", "f1"), math.nan)
    return {"precision": right / told if told else 0.0, "recall": right / true if true else 0.0, "f1": 2 * right / (told + true)}
