"""What is labelled: the names that people may choose, and how much of them one item may hold."""

from collections.abc import Sized
from typing import Annotated

from pydantic import Field

from treadle.contracts._base import Contract

LabelName = Annotated[str, Field(min_length=1, max_length=128)]
MOST_PARTS = 1000
"""Spans, relations, intervals, regions or points in one item, as for boxes."""


def is_empty(content: Sized) -> bool:
    """Whether a field that came later is not said, so that all that was written before it came is still the same text."""
    return not content


class LabelClass(Contract):
    """One name that annotators may choose; its place in the schema is its class id for ever."""

    name: LabelName
    description: str = Field(default="", max_length=1024)
    color: str = Field(default="", pattern=r"^(#[0-9a-fA-F]{6})?$")
    hotkey: str = Field(default="", max_length=16)


class LabelSchema(Contract):
    """What is labelled: the task type and its labels in order. Its digest is part of every dataset version."""

    task: str = Field(max_length=64, description="Task type of API.md, e.g. ImageClassification.")
    labels: tuple[LabelClass, ...] = Field(default=(), max_length=300)
    relations: tuple[LabelClass, ...] = Field(
        default=(), max_length=100, exclude_if=is_empty, description="What relations between spans may be called; no label has the same name."
    )

    @property
    def names(self) -> tuple[str, ...]:
        """The labels' names; the index is the class id."""
        return tuple(label.name for label in self.labels)

    @property
    def relation_names(self) -> tuple[str, ...]:
        """The names of relations; the index is the class id among them."""
        return tuple(relation.name for relation in self.relations)

    @property
    def all_names(self) -> tuple[str, ...]:
        """All that an item can show: labels, then relations."""
        return (*self.names, *self.relation_names)
