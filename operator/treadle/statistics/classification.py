"""How well answers of one label per item match the truth: counts, and the metrics that follow from them."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Confusion:
    """How often each truth was answered by each label.

    >>> Confusion.of(["a", "a", "b"], ["a", "b", "b"]).metrics()["accuracy"]
    0.6666666666666666
    """

    counts: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @classmethod
    def of(cls, truths: Sequence[str], answers: Sequence[str]) -> "Confusion":
        """Count pairs of truth and answer.

        Raises:
            ValueError: when there are not as many answers as truths.
        """
        return cls(Counter(zip(truths, answers, strict=True)))

    @property
    def items(self) -> int:
        """How many items were answered."""
        return sum(self.counts.values())

    @property
    def labels(self) -> Sequence[str]:
        """All labels that occur, in truth or as an answer, sorted."""
        return sorted({label for pair in self.counts for label in pair})

    def metrics(self) -> dict[str, float]:
        """Accuracy, and precision, recall and F1: per label, and as the mean over all labels that occur.

        A ratio without anything to count is 0, as is usual: a label that is never answered has precision 0. Without items everything is NaN.
        """
        if not self.items:
            return dict.fromkeys(("accuracy", "precision", "recall", "f1"), math.nan) | {"items": 0.0}
        right = sum(count for (truth, answer), count in self.counts.items() if truth == answer)
        told: dict[str, float] = {"items": float(self.items), "accuracy": right / self.items}
        per_label = {label: self._of_label(label) for label in self.labels}
        for index, name in enumerate(("precision", "recall", "f1")):
            told[name] = sum(values[index] for values in per_label.values()) / len(per_label)
            told |= {f"{name}/{label}": values[index] for label, values in per_label.items()}
        return told

    def _of_label(self, label: str) -> tuple[float, float, float]:
        right = self.counts.get((label, label), 0)
        answered = sum(count for (_, answer), count in self.counts.items() if answer == label)
        true = sum(count for (truth, _), count in self.counts.items() if truth == label)
        return _share(right, answered), _share(right, true), _share(2 * right, answered + true)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
