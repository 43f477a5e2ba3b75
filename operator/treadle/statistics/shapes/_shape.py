"""What a label shape knows about itself: how alike two labels are, what several of them come to, and how far people agree."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Shaped = TypeVar("Shaped")


@dataclass(frozen=True)
class Consensus(Generic[Shaped]):
    """What people agree on for one item.

    Attributes:
        agreement: how like it their answers are on average, 0 to 1.
        confidence: how likely it is right, 0 to 1, where that was estimated.
    """

    label: Shaped
    agreement: float
    confidence: float | None = None


@dataclass(frozen=True)
class Agreement:
    """How far people agree over all items with two answers or more; None where these say nothing.

    Attributes:
        overall: in the shape's own measure, 1 is perfect.
        by_label: as `overall`, of each label on its own; of a relation in the measure of relations.
        others: in further measures of the shape, by their names.
    """

    overall: float | None
    by_label: Mapping[str, float | None]
    others: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Weighed(Generic[Shaped]):
    """What many answers of many people come to when each counts by how reliable the person is.

    Attributes:
        consensus: one per item, in the items' order; None when they are disputed, or when there are none.
        accuracy: how likely an answer of each person is right, 0 to 1.
    """

    consensus: Sequence[Consensus[Shaped] | None]
    accuracy: Mapping[str, float]


Answers = Sequence[tuple[str, Shaped]]
"""Of one item: who says what."""


@dataclass(frozen=True)
class Shape(Generic[Shaped]):
    """A label shape. A value, not a base class; everything else in statistics and jobs works with any of them.

    Attributes:
        similarity: of two labels, 0 to 1; 1 for equal ones, and the same both ways.
        consensus: what several answers to one item come to; None when they are disputed, or when there are none.
        agreement: over items with their answers, and the names of all labels.
        weighed: over items with their answers, and the names of all labels; None for shapes whose people cannot be weighed.
        category: the one label that a label consists of; None for shapes of several parts.
        ordered: whether the labels are steps of a scale.
    """

    similarity: Callable[[Shaped, Shaped], float]
    consensus: Callable[[Sequence[Shaped]], Consensus[Shaped] | None]
    agreement: Callable[[Sequence[Sequence[Shaped]], Sequence[str]], Agreement]
    weighed: Callable[[Sequence[Answers[Shaped]], Sequence[str]], Weighed[Shaped]] | None = None
    category: Callable[[Shaped], str] | None = None
    ordered: bool = False


def agreement_with_others(shape: Shape[Shaped], items: Sequence[Answers[Shaped]]) -> dict[str, float | None]:
    """Per person: how like the consensus of the others' answers their answers are, on average over the items where there is one."""
    alike: dict[str, list[float]] = {person: [] for person in sorted({person for answers in items for person, _ in answers})}
    for answers in map(tuple, items):
        for index, (person, label) in enumerate(answers):
            if others := shape.consensus([answer for _, answer in (*answers[:index], *answers[index + 1 :])]):
                alike[person].append(shape.similarity(label, others.label))
    return {person: sum(found) / len(found) if found else None for person, found in alike.items()}
