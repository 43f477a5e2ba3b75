"""Class labels: two are equal or not. The majority decides, or what is most likely when each person counts by how reliable they are."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from treadle.contracts.labels import ClassLabel
from treadle.statistics.agreement import alpha_of_category, fleiss_kappa, krippendorff_alpha, percent_agreement
from treadle.statistics.dawid_skene import dawid_skene
from treadle.statistics.shapes._shape import Agreement, Answers, Consensus, Shape, Weighed
from treadle.statistics.shapes.counting import counts

HALF = 0.5 + 1e-6
"""A label must be likelier than that; the little more is what the estimate is not sure of."""


def similarity(one: ClassLabel, other: ClassLabel) -> float:
    """1 for the same label, 0 for another."""
    return float(one.label == other.label)


def majority(answers: Sequence[ClassLabel]) -> Consensus[ClassLabel] | None:
    """The label that more than half of the answers say. None: disputed, or no answer at all."""
    if not answers:
        return None
    label, votes = Counter(answer.label for answer in answers).most_common(1)[0]
    if 2 * votes <= len(answers):
        return None
    return Consensus(ClassLabel(label=label), votes / len(answers))


def agreement(items: Sequence[Sequence[ClassLabel]], names: Sequence[str]) -> Agreement:
    """Krippendorff's alpha, over all labels and of each label against all others; Fleiss' kappa beside it."""
    table = counts([[answer.label for answer in answers] for answers in items], names)
    by_label = {name: alpha_of_category(table, column) for column, name in enumerate(names)}
    return Agreement(krippendorff_alpha(table), by_label, {"PercentAgreement": percent_agreement(table), "FleissKappa": fleiss_kappa(table)})


def weighed(items: Sequence[Answers[ClassLabel]], names: Sequence[str]) -> Weighed[ClassLabel]:
    """The most likely label of each item by Dawid and Skene. Disputed is an item of which no label is likelier than all others together."""
    column = {name: index for index, name in enumerate(names)}
    answered = [index for index, answers in enumerate(items) if answers]
    people = sorted({who for answers in items for who, _ in answers})
    person = {who: index for index, who in enumerate(people)}
    said = [(row, person[who], column[label.label]) for row, index in enumerate(answered) for who, label in items[index]]
    if not said:
        return Weighed([None] * len(items), {})
    rows, whose, what = np.array(said, dtype=np.int64).T
    estimate = dawid_skene(rows, whose, what, categories=len(names))
    found: list[Consensus[ClassLabel] | None] = [None] * len(items)
    for chances, index in zip(estimate.truth, answered, strict=True):
        best = int(chances.argmax())
        if chances[best] > HALF:
            share = sum(label.label == names[best] for _, label in items[index]) / len(items[index])
            found[index] = Consensus(ClassLabel(label=names[best]), share, float(chances[best]))
    return Weighed(found, dict(zip(people, estimate.accuracy.tolist(), strict=True)))


CLASSES = Shape(similarity=similarity, consensus=majority, agreement=agreement, weighed=weighed, category=lambda label: label.label)
