"""Labels of texts: stretches that name something, and relations between them."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from treadle.contracts._base import Contract
from treadle.contracts._label_schema import MOST_PARTS, LabelName, is_empty


class Mention(Contract):
    """A span as a relation names it: by what it says, so that neither the order of spans nor their scores matter."""

    label: LabelName
    start: int = Field(ge=0)
    end: int = Field(gt=0)

    @property
    def place(self) -> tuple[str, int, int]:
        """Label and ends."""
        return (self.label, self.start, self.end)


class Span(Contract):
    """A stretch of a text that names something: from `start` up to, not including, `end`, counted in characters."""

    label: LabelName
    start: int = Field(ge=0)
    end: int = Field(gt=0)
    score: float | None = Field(default=None, ge=0, le=1, description="How sure a model is; people are not asked.")

    @property
    def place(self) -> tuple[str, int, int]:
        """Label and ends: what spans are sorted by."""
        return (self.label, self.start, self.end)

    @property
    def mention(self) -> Mention:
        """How relations name it."""
        return Mention(label=self.label, start=self.start, end=self.end)


class Relation(Contract):
    """What one span is to another. It goes from `head` to `tail`; what goes both ways is two relations."""

    label: LabelName
    head: Mention
    tail: Mention
    score: float | None = Field(default=None, ge=0, le=1, description="How sure a model is; people are not asked.")

    @property
    def place(self) -> tuple[str, tuple[str, int, int], tuple[str, int, int]]:
        """Label and ends: what relations are sorted by."""
        return (self.label, self.head.place, self.tail.place)


class Spans(Contract):
    """What a text names, and how that belongs together; nothing is an answer too. Spans may overlap."""

    shape: Literal["Spans"] = "Spans"
    spans: tuple[Span, ...] = Field(default=(), max_length=MOST_PARTS)
    relations: tuple[Relation, ...] = Field(
        default=(), max_length=MOST_PARTS, exclude_if=is_empty, description="Each joins two of the spans; of the same one twice the surest counts."
    )

    @field_validator("spans")
    @classmethod
    def _sorted(cls, spans: tuple[Span, ...]) -> tuple[Span, ...]:
        return tuple(sorted(set(spans), key=lambda span: span.place))

    @field_validator("relations")
    @classmethod
    def _each_once(cls, relations: tuple[Relation, ...]) -> tuple[Relation, ...]:
        surest_last = sorted(relations, key=lambda relation: (relation.place, relation.score or 0.0))
        return tuple({relation.place: relation for relation in surest_last}.values())

    @model_validator(mode="after")
    def _joined(self) -> Self:
        mentions = self.mentions if self.relations else frozenset()
        for relation in self.relations:
            if not {relation.head, relation.tail} <= mentions:
                raise ValueError(f'a relation "{relation.label}" joins what is no span')
            if relation.head == relation.tail:
                raise ValueError(f'a relation "{relation.label}" joins a span with itself')
        return self

    @property
    def mentions(self) -> frozenset[Mention]:
        """The spans as relations name them."""
        return frozenset(span.mention for span in self.spans)

    @property
    def names(self) -> tuple[LabelName, ...]:
        """The labels and relations that the item shows, each once."""
        return tuple(sorted({span.label for span in self.spans} | {relation.label for relation in self.relations}))
