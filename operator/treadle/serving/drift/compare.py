"""One window against the reference: Drifted, Calm or Open, always with the numbers that this rests on.

A feature has drifted when the difference is both large (`minimumEffect`, a population stability index) and surely there: the chi-square test finds
any difference, the rank-sum test small shifts of numbers that it would miss. All tests of a window share one error probability (Bonferroni), so
that it is the same for one feature as for two hundred, and each test knows how many items both sides have: that is the calibration on the null.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from treadle.contracts.sketch import FeatureSketch, NumberSketch, Sketch
from treadle.statistics.drift import chi_square, rank_sum, stability_index

ALPHA = 0.001
"""Probability with which a window of the same distribution counts as drifted."""
CALM_ALPHA = 0.05
"""Only a window without any difference at this level is calm: between the two nothing is decided, so that the verdict does not flap."""
TOLD = 5
"""Features that a message names."""
NAME_SHOWN = 60  # characters


class Outcome(Enum):
    """What a window says."""

    DRIFTED = "Drifted"
    OPEN = "Open"
    CALM = "Calm"


@dataclass(frozen=True)
class Shift:
    """How far one feature, or one output, is from the reference.

    Attributes:
        effect: population stability index.
        p_value: of the test that says most, corrected for all tests of the window.
    """

    name: str
    effect: float
    p_value: float

    def __str__(self) -> str:
        return f"{self.name[:NAME_SHOWN]} (PSI {self.effect:.2g})"


@dataclass(frozen=True)
class Comparison:
    """The verdict on a window. `shifts` are those that led to it, the largest first; of a calm window, the largest one of all."""

    outcome: Outcome
    items: int
    shifts: tuple[Shift, ...]

    @property
    def words(self) -> str:
        """The verdict as people read it."""
        more = f" and {len(self.shifts) - TOLD} more" if len(self.shifts) > TOLD else ""
        named = ", ".join(map(str, self.shifts[:TOLD])) + more
        match self.outcome:
            case Outcome.DRIFTED:
                return f"{self.items} requests are unlike the reference: {named}"
            case Outcome.OPEN:
                return f"{self.items} requests may be unlike the reference: {named}"
            case Outcome.CALM:
                return f"{self.items} requests are like the reference" + (f"; most apart is {named}" if named else "")


def compare(reference: Sketch, window: Sketch, minimum_effect: float, *, windows: int = 1) -> Comparison:
    """The verdict on a window, one of so many `windows` that are judged at a time. What one side has nothing of is not judged."""
    pairs = [*_pairs(reference.features, window.features, ""), *_pairs(reference.predictions, window.predictions, "answer ")]
    tests = windows * sum(2 if isinstance(mine, NumberSketch) else 1 for _, mine, _ in pairs)
    shifts = sorted((_shift(name, mine, theirs, tests) for name, mine, theirs in pairs), key=lambda shift: -shift.effect)
    for outcome, alpha in ((Outcome.DRIFTED, ALPHA), (Outcome.OPEN, CALM_ALPHA)):
        if found := tuple(shift for shift in shifts if shift.p_value < alpha and shift.effect >= minimum_effect):
            return Comparison(outcome, window.items, found)
    return Comparison(Outcome.CALM, window.items, tuple(shifts[:1]))


def _pairs(
    reference: Mapping[str, FeatureSketch], window: Mapping[str, FeatureSketch], prefix: str
) -> Iterator[tuple[str, FeatureSketch, FeatureSketch]]:
    for name, mine in reference.items():
        theirs = window.get(name)
        if theirs is not None and mine.bins == theirs.bins and any(mine.all_counts()) and any(theirs.all_counts()):
            yield prefix + name, mine, theirs


def _shift(name: str, reference: FeatureSketch, window: FeatureSketch, tests: int) -> Shift:
    mine, theirs = reference.all_counts(), window.all_counts()
    p_values = [chi_square(mine, theirs)]
    if isinstance(reference, NumberSketch) and isinstance(window, NumberSketch):
        p_values.append(rank_sum(reference.counts, window.counts))
    return Shift(name, stability_index(mine, theirs), min(1.0, min(p_values) * tests))


__all__ = ["ALPHA", "CALM_ALPHA", "Comparison", "Outcome", "Shift", "compare"]
