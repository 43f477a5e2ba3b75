"""Answers of a screen that Treadle does not know: two are the same or not, and more than half decide."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from statistics import fmean

from treadle.contracts.labels import Answer
from treadle.statistics.edit_distance import likeness
from treadle.statistics.shapes._shape import Agreement, Consensus, Shape

LONGEST = 1000
"""Letters of a text that are compared."""


def similarity(one: Answer, other: Answer) -> float:
    """1 for the same parts in any order, else 0."""
    return float(one.said == other.said)


def majority(answers: Sequence[Answer]) -> Consensus[Answer] | None:
    """What more than half of the answers say. None: disputed, or no answer at all."""
    if not answers:
        return None
    said, votes = Counter(answer.said for answer in answers).most_common(1)[0]
    if 2 * votes <= len(answers):
        return None
    return Consensus(next(answer for answer in answers if answer.said == said), votes / len(answers))


def agreement(items: Sequence[Sequence[Answer]], names: Sequence[str]) -> Agreement:
    """Mean over the items of the share of pairs of answers that are the same; beside it, how like each other the texts in them are."""
    overall, graded = _mean_over(items, similarity), _mean_over(items, text_likeness)
    return Agreement(overall, dict.fromkeys(names), {"PercentAgreement": overall, "EditDistance": graded})


def text_likeness(one: Answer, other: Answer) -> float:
    """How like each other the texts are that people typed, control by control, by edit distance; answers without any are the same or not."""
    here, there = _texts(one), _texts(other)
    controls = sorted(here.keys() | there.keys())
    return fmean(likeness(here.get(control, ""), there.get(control, "")) for control in controls) if controls else similarity(one, other)


def _texts(answer: Answer) -> Mapping[str, str]:
    """What was typed, by the control that it was typed into; cut to what can be compared in no time."""
    typed: dict[str, str] = {}
    for part in answer.parts:
        value = part.get("value")
        if isinstance(value, dict) and isinstance(text := value.get("text"), list) and part.get("type") == "textarea":
            control = str(part.get("from_name"))
            typed[control] = "\n".join((*((typed[control],) if control in typed else ()), *map(str, text)))[:LONGEST]
    return typed


def _mean_over(items: Sequence[Sequence[Answer]], measure: Callable[[Answer, Answer], float]) -> float | None:
    means = [fmean(measure(one, other) for one, other in combinations(answers, 2)) for answers in items if len(answers) >= 2]
    return fmean(means) if means else None


ANSWERS = Shape(similarity=similarity, consensus=majority, agreement=agreement)
