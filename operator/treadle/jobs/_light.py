"""Very many labels in little room: those that are one name are shared, all others are kept as JSON and read anew by whoever looks.

An answer of three boxes takes a few hundred bytes so, and ten times as much as objects.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, overload

from treadle.contracts.labels import LABEL, ClassLabel, Label, Rating
from treadle.statistics.shapes import Consensus

Answer = tuple[str, Label]
"""Who says what."""


class Reached(Protocol):
    """What a `Consensus` says, however it is kept."""

    @property
    def label(self) -> Label:
        """What people agree on."""

    @property
    def agreement(self) -> float:
        """How like it their answers are on average, 0 to 1."""

    @property
    def confidence(self) -> float | None:
        """How likely it is right, 0 to 1, where that was estimated."""


class Answers(Sequence[Answer]):
    """All answers to one item. `people` says who gave them without reading any."""

    __slots__ = ("_labels", "people")

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.people = tuple(who for who, _ in answers)
        self._labels = tuple(kept(label) for _, label in answers)

    @overload
    def __getitem__(self, index: int) -> Answer: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Answer]: ...

    def __getitem__(self, index: int | slice) -> Answer | Sequence[Answer]:
        if isinstance(index, slice):
            return tuple(self)[index]
        return self.people[index], read(self._labels[index])

    def __iter__(self) -> Iterator[Answer]:
        return zip(self.people, map(read, self._labels), strict=True)

    def __len__(self) -> int:
        return len(self.people)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(tuple(self))


class LabelsOf(Sequence[Sequence[Label]]):
    """The labels of items, item by item, without who gave them."""

    def __init__(self, items: Sequence[Sequence[Answer]]) -> None:
        self._items = items

    @overload
    def __getitem__(self, index: int) -> Sequence[Label]: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Sequence[Label]]: ...

    def __getitem__(self, index: int | slice) -> Sequence[Label] | Sequence[Sequence[Label]]:
        if isinstance(index, slice):
            return LabelsOf(self._items[index])
        return [label for _, label in self._items[index]]

    def __len__(self) -> int:
        return len(self._items)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A consensus whose label is kept."""

    content: Label | bytes
    agreement: float
    confidence: float | None

    @property
    def label(self) -> Label:
        return read(self.content)


def people_of(answers: Sequence[Answer]) -> Sequence[str]:
    """Who gave them; none is read for that."""
    return answers.people if isinstance(answers, Answers) else [who for who, _ in answers]


def light(consensus: Consensus[Label]) -> Reached:
    """The same in less room."""
    return _Kept(kept(consensus.label), consensus.agreement, consensus.confidence)


def kept(label: Label) -> Label | bytes:
    """A label as it is kept."""
    return _shared(label) if isinstance(label, ClassLabel | Rating) else LABEL.dump_json(label)


def read(content: Label | bytes) -> Label:
    """A label that was kept."""
    return LABEL.validate_json(content) if isinstance(content, bytes) else content


@lru_cache(maxsize=1000)
def _shared(label: Label) -> Label:
    return label
