"""Labels that are sets of parts: boxes, spans, outlines, points. Two parts show the same thing when they are alike enough.

The consensus of several answers is found by clustering: parts of different people that are all alike are one thing. It is there when more than half
of the people marked it, and not there when fewer than half did; its label is what more than half of those say; where it is, the kind of part decides
from theirs. A tie in either is a dispute about the item.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any, Generic, Protocol, TypeVar

from treadle.statistics.shapes._shape import Agreement, Consensus, Shape


class Part(Protocol):
    """One thing that somebody marked."""

    @property
    def label(self) -> str:
        """What it is."""

    @property
    def place(self) -> tuple[Any, ...]:
        """What parts are sorted by: equal only for equal parts."""


One = TypeVar("One", bound=Part)
All = TypeVar("All")


@dataclass(frozen=True, kw_only=True)
class Parts(Generic[All, One]):
    """How a shape is made of parts. All else follows.

    Attributes:
        of: the parts of an answer.
        answer: of these parts; what else an answer holds comes from another answer to the same item.
        likeness: of two parts, 0 to 1, whatever their labels are.
        enough: likeness from which on two parts show the same thing.
        merged: where a thing is, from the parts of several people that show it, under this label.
        graded: name of the measure that counts likeness itself instead of pairs; empty for shapes where these are the same.
    """

    of: Callable[[All], Sequence[One]]
    answer: Callable[[Sequence[One], All], All]
    likeness: Callable[[One, One], float]
    enough: float
    merged: Callable[[str, Sequence[One]], One]
    graded: str = ""

    def shape(self) -> Shape[All]:
        """The shape that is made of such parts."""
        return Shape(similarity=self.similarity, consensus=self.consensus, agreement=self.agreement)

    def similarity(self, one: All, other: All) -> float:
        """F1 of matched parts: twice the largest number of pairs of parts with one label that are alike enough, by the number of parts.

        It does not matter which of the two is taken for the truth. Two answers without any part are equal.
        """
        here, there = self.of(one), self.of(other)
        total = len(here) + len(there)
        return 2 * len(self.matched(here, there)) / total if total else 1.0

    def mean_likeness(self, one: All, other: All) -> float:
        """As `similarity`, but each pair counts by how alike it is: a part without a partner counts as 0."""
        here, there = self.of(one), self.of(other)
        total = len(here) + len(there)
        return 2 * sum(self.likeness(here[a], there[b]) for a, b in self.matched(here, there)) / total if total else 1.0

    def matched(self, one: Sequence[One], other: Sequence[One]) -> list[tuple[int, int]]:
        """As many pairs as can be made of parts with the same label that are alike enough, each part used once (augmenting paths)."""
        fits = [
            [place for place, candidate in enumerate(other) if candidate.label == part.label and self.likeness(part, candidate) >= self.enough]
            for part in one
        ]
        given: dict[int, int] = {}
        taken: dict[int, int] = {}
        for start in range(len(one)):
            moves = _moves(start, fits, given, taken)
            given |= moves
            taken |= {place: part for part, place in moves.items()}
        return sorted(given.items())

    def consensus(self, answers: Sequence[All]) -> Consensus[All] | None:
        """The things that more than half of the answers show. None: a tie about a thing or its label, or no answer at all."""
        if not answers:
            return None
        agreed: list[One] = []
        for cluster in self._clusters([self.of(answer) for answer in answers]):
            if 2 * len(cluster) == len(answers):
                return None
            if 2 * len(cluster) > len(answers):
                label, votes = Counter(part.label for part in cluster).most_common(1)[0]
                if 2 * votes <= len(cluster):
                    return None
                agreed.append(self.merged(label, cluster))
        found = self.answer(agreed, answers[0])
        return Consensus(found, fmean(self.similarity(answer, found) for answer in answers))

    def agreement(self, items: Sequence[Sequence[All]], names: Sequence[str]) -> Agreement:
        """Mean F1 of all pairs of answers to an item, averaged over the items; of a label, over those where somebody marked it."""
        tally = Tally(self)
        for answers in items:  # one at a time: there may be very many
            tally.add(answers)
        by_label = tally.by_label
        return Agreement(tally.overall, {name: by_label.get(name) for name in names}, {self.graded: tally.likeness} if self.graded else {})

    def only(self, answer: All, name: str) -> All:
        """The parts with this label, as an answer."""
        return self.answer([part for part in self.of(answer) if part.label == name], answer)

    def _clusters(self, answers: Sequence[Sequence[One]]) -> list[list[One]]:
        """Parts that show one thing: at most one of each person, all alike enough. The same for the answers in any order.

        The best pairs are joined first: equal labels before others, then by likeness; what remains equal is decided by the parts themselves.
        """
        marked = [_Marked(person, part) for person, answer in enumerate(answers) for part in answer]
        cluster = {index: [index] for index in range(len(marked))}
        for one, other in sorted(self._pairs(marked), key=lambda pair: self._rank(marked[pair[0]].part, marked[pair[1]].part)):
            here, there = cluster[one], cluster[other]
            if here is there or {marked[index].person for index in here} & {marked[index].person for index in there}:
                continue
            if all(self.likeness(marked[a].part, marked[b].part) >= self.enough for a in here for b in there):
                here.extend(there)
                cluster.update((index, here) for index in there)
        distinct = {id(members): members for members in cluster.values()}
        return [[marked[index].part for index in members] for members in distinct.values()]

    def _pairs(self, marked: "Sequence[_Marked[One]]") -> list[tuple[int, int]]:
        return [
            (one, other)
            for one, other in combinations(range(len(marked)), 2)
            if marked[one].person != marked[other].person and self.likeness(marked[one].part, marked[other].part) >= self.enough
        ]

    def _rank(self, one: One, other: One) -> tuple[object, ...]:
        return (one.label != other.label, -self.likeness(one, other), *sorted((one.place, other.place)))


class Tally(Generic[All, One]):
    """How far people agree about one kind of part, item by item."""

    def __init__(self, parts: Parts[All, One]) -> None:
        self._parts = parts
        self._of_label: defaultdict[str, list[float]] = defaultdict(list)
        self._overall: list[float] = []
        self._graded: list[float] = []

    def add(self, answers: Sequence[All]) -> None:
        """Count one item; a single answer says nothing."""
        if len(answers) < 2:
            return
        for name in {part.label for answer in answers for part in self._parts.of(answer)}:
            self._of_label[name].append(_pairwise(self._parts.similarity, [self._parts.only(answer, name) for answer in answers]))
        self._overall.append(_pairwise(self._parts.similarity, answers))
        if self._parts.graded:
            self._graded.append(_pairwise(self._parts.mean_likeness, answers))

    @property
    def overall(self) -> float | None:
        """Mean F1; None without an item that several people answered."""
        return _mean(self._overall)

    @property
    def likeness(self) -> float | None:
        """Mean likeness of pairs, of kinds for which it is measured."""
        return _mean(self._graded)

    @property
    def by_label(self) -> Mapping[str, float]:
        """Mean F1 of every label that somebody marked, over the items where somebody did."""
        return {name: fmean(found) for name, found in self._of_label.items()}


@dataclass(frozen=True)
class _Marked(Generic[One]):
    """A part and who marked it."""

    person: int
    part: One


def _moves(start: int, fits: Sequence[Sequence[int]], given: Mapping[int, int], taken: Mapping[int, int]) -> dict[int, int]:
    """A shortest way to give the part `start` a partner, others moving on to new ones: which part gets which. Empty: there is none."""
    came: dict[int, int] = {}
    reached = [start]
    for part in reached:
        for place in fits[part]:
            if place in came:
                continue
            came[place] = part
            if place in taken:
                reached.append(taken[place])
                continue
            moves = {part: place}
            while part != start:
                place = given[part]
                part = came[place]
                moves[part] = place
            return moves
    return {}


def _pairwise(measure: Callable[[All, All], float], answers: Sequence[All]) -> float:
    return fmean(measure(one, other) for one, other in combinations(answers, 2))


def _mean(numbers: Sequence[float]) -> float | None:
    return fmean(numbers) if numbers else None
