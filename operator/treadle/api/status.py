"""What every status has, and how one is read back that anybody may have written."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function

from treadle.api.base import ListMap, ListSet, Model, Uri, bounded

LISTED = 20
"""No list in a status is longer."""


def _cut(limit: int) -> BeforeValidator:
    return BeforeValidator(lambda text: text[:limit] if isinstance(text, str) else text)


def _instant(moment: datetime) -> datetime:
    known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not 2000 <= known.year <= 2200:
        raise ValueError(f"{moment} is not in our time")
    return known.astimezone(UTC)


@dataclass(frozen=True)
class Recent:
    """Marks a list of which the last entries are kept when it grows too long."""

    limit: int = LISTED

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(lambda entries: entries[-self.limit :], handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(core), "maxItems": self.limit}


Text = Annotated[str, _cut(253), Field(max_length=253)]
"""A name or number of some system, cut when too long."""

Said = Annotated[str, _cut(1024), Field(max_length=1024)]
"""A sentence for people, cut when too long."""

Place = Annotated[str, Field(max_length=2048)]
"""A URI or URL."""

Instant = Annotated[
    datetime,
    AfterValidator(_instant),
    PlainSerializer(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ")),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment, in whole seconds of UTC."""

ExactInstant = Annotated[
    datetime,
    AfterValidator(_instant),
    PlainSerializer(lambda moment: moment.isoformat().replace("+00:00", "Z")),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment by the clock of another system, to the last digit that this tells."""


class WrittenCondition(Model):
    """One aspect of the object's state, for programs and for people."""

    type: Annotated[str, bounded(316, r"^([-.a-z0-9]+/)?[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$")]
    """Which aspect."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: Annotated[str, bounded(1024, r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")]
    """Why, in one word; the documentation lists each with a remedy."""
    message: Annotated[str, bounded(32768, shortest=0)] = ""
    """Why, in a sentence, with names and numbers."""
    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """Generation of spec that this speaks of."""
    last_transition_time: Instant
    """When status last changed."""


class CommonStatus(Model):
    """What the status of every kind has; the engine writes it."""

    observed_generation: int | None = None
    """Generation of spec that this status speaks of; -1 before the first look."""
    phase: Annotated[str, bounded(63)] | None = None
    """The state in one word, for people; derived from the conditions."""
    conditions: Annotated[tuple[WrittenCondition, ...], Recent(), ListMap("type")] = ()
    """Ready, Reconciling and Stalled, and what they follow from."""


class HandledCommand(Model):
    """A command that was seen, and is not carried out again."""

    command: Literal["promote", "abort", "approve", "release", "cancel", "restore"]
    """Which command: the annotation treadle.dev/<command>."""
    value: Text
    """Its target, the annotation's value."""
    handled_at: Instant | None = None
    """When; silent for one that was found at the first look, and only recorded."""
    target: Text | None = None
    """Of restore: the whole digest of the snapshot."""
    done_at: Instant | None = None
    """Of restore: when it was done; silent while it is under way."""


Commands = Annotated[tuple[HandledCommand, ...], Recent(), ListMap("command")]


class DatasetPin(Model):
    """One dataset version, pinned."""

    project: Text | None = None
    """AnnotationProject it comes from."""
    version: Annotated[int, Field(ge=1)] | None = None
    """Its number; silent for data named by URI."""
    digest: Annotated[str, bounded(71, r"^(sha256:)?[0-9a-f]{64}$")]
    """Identity of its content."""
    uri: Uri
    """Folder it is in."""
    claims: Annotated[tuple[Text, ...], Field(max_length=20), ListSet()] = ()
    """Claims that hold items of it, beside the one that the folder is in."""


M = TypeVar("M", bound=Model)


def read_status(this: Mapping[str, Any], model: type[M]) -> M:
    """The fields of `model` that `this.status` holds; never raises for a model whose fields are all optional, as those of statuses are.

    A status may be written by anybody with access, by an older or newer operator, or be restored from a backup. What does not parse is dropped, as
    deep down as possible: a broken entry of a list costs the entry, a broken optional field costs the field.
    """
    status = this.get("status")
    sound: Any = status if isinstance(status, dict) else {}
    while True:
        try:
            return model.model_validate(sound, extra="ignore")
        except ValidationError as error:
            if not sound:
                raise
            faults = error.errors(include_url=False, include_input=False)
            broken = {tuple(fault["loc"][:-1] if fault["type"] == "missing" else fault["loc"]) for fault in faults}
            if () in broken:
                raise
            sound = deepcopy(sound) if sound is status else sound
            for place in sorted(broken, key=_order, reverse=True):
                _remove(sound, place)


def was_met(this: Mapping[str, Any]) -> bool:
    """Whether a status of ours was ever written for the object: the schema's default for what was not looked at yet is -1.

    The only thing outside of a kind's memory that is read back from status; a value of another type counts as never.
    """
    status = this.get("status")
    observed = status.get("observedGeneration") if isinstance(status, Mapping) else None
    return isinstance(observed, int) and not isinstance(observed, bool) and observed >= 0


def _order(place: tuple[int | str, ...]) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (0, step) for step in place]


def _remove(data: dict[str, Any], place: tuple[int | str, ...]) -> None:
    """Take away what lies at `place`; called for later places first, so that the indices of earlier ones hold."""
    parent: Any = data
    for step in place[:-1]:
        parent = parent[step]
    if isinstance(parent, dict):
        parent.pop(place[-1], None)
    else:
        del parent[place[-1]]


__all__ = [
    "LISTED",
    "Commands",
    "CommonStatus",
    "DatasetPin",
    "ExactInstant",
    "HandledCommand",
    "Instant",
    "Place",
    "Recent",
    "Said",
    "Text",
    "WrittenCondition",
    "read_status",
    "was_met",
]
