"""What every model of the API is made of: the base class, the field types that users write, and the markers that the CRD generator reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

Schema = dict[str, Any]
NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
DNS_NAME = r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"


@dataclass(frozen=True)
class Cel:
    """A rule of the API server's expression language. As a marker on a field it judges the field, in `Model.rules` the whole object.

    Attributes:
        rule: an expression over `self` (and `oldSelf`: then it judges updates only).
        message: names the fix, not the fault.
    """

    rule: str
    message: str

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return _with_rules(handler(core), self)


@dataclass(frozen=True)
class ListMap:
    """Marks a list whose items are told apart by these keys: server-side apply then merges it item by item."""

    key: str

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(core), "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [self.key]}


@dataclass(frozen=True)
class ListSet:
    """Marks a list of distinct plain values: server-side apply then merges it value by value."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(core), "x-kubernetes-list-type": "set"}


@dataclass(frozen=True)
class Atomic:
    """Marks a list whose order means something: it is always replaced as a whole."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(core), "x-kubernetes-list-type": "atomic"}


class Model(BaseModel):
    """Base of all models: snake_case in Python, camelCase on the wire, frozen, unknown fields refused, descriptions from docstrings."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        protected_namespaces=(),
    )

    rules: ClassVar[tuple[Cel, ...]] = ()
    """What the API server checks across fields."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core))
        return _with_rules(schema, *cls.rules)

    def to_object(self) -> dict[str, Any]:
        """As plain JSON data with the names of the wire, without what equals its default. Equal models give equal data."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)


def exactly_one(*fields: str) -> Cel:
    """The rule that exactly one of these (camelCase) fields is set."""
    return Cel(f"[{_presence(fields)}].filter(present, present).size() == 1", f"set exactly one of {_listed(fields)}")


def at_most_one(*fields: str) -> Cel:
    """The rule that at most one of these (camelCase) fields is set."""
    return Cel(f"[{_presence(fields)}].filter(present, present).size() <= 1", f"set at most one of {_listed(fields)}")


def needs(field: str, *others: str) -> Cel:
    """The rule that `field` is set only together with at least one of `others`."""
    alternatives = " || ".join(f"has(self.{other})" for other in others)
    return Cel(f"!has(self.{field}) || {alternatives}", f"{field} needs {_listed(others)}: set it, or remove {field}")


def bounded(limit: int, pattern: str | None = None, *, shortest: int = 1) -> Any:
    """Bounds of a string field."""
    return Field(min_length=shortest, max_length=limit, pattern=pattern)


def is_store_uri(uri: str) -> bool:
    """Whether this is a `StoreUri`; for what outside systems say."""
    return len(uri) <= 1024 and re.fullmatch(_STORE_URI, uri) is not None


def parse_duration(duration: object) -> object:
    """`2h`, `7d`, `1h30m`, `250ms` as a timedelta; anything that is not a string is passed on.

    Raises:
        ValueError: if the string is no duration.
    """
    if not isinstance(duration, str):
        return duration
    if len(duration) < 2 or not (match := re.fullmatch(_DURATION, duration)):
        raise ValueError(f"{duration!r} is no duration such as 90s, 2h or 7d")
    days, hours, minutes, seconds, milliseconds = (int(part[: -len(unit)]) if part else 0 for part, unit in zip(match.groups(), _UNITS, strict=True))
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)


def format_duration(duration: timedelta) -> str:
    """The shortest way to write a duration: `1h30m`, `7d`; never empty."""
    milliseconds = round(duration / timedelta(milliseconds=1))
    parts = []
    for unit, size in zip(_UNITS, (86_400_000, 3_600_000, 60_000, 1000, 1), strict=True):
        count, milliseconds = divmod(milliseconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _with_rules(schema: JsonSchemaValue, *rules: Cel) -> JsonSchemaValue:
    if not rules:
        return schema
    written = [{"rule": rule.rule, "message": rule.message} for rule in rules]
    return {**schema, "x-kubernetes-validations": [*schema.get("x-kubernetes-validations", []), *written]}


def _presence(fields: tuple[str, ...]) -> str:
    return ", ".join(f"has(self.{field})" for field in fields)


def _listed(fields: tuple[str, ...]) -> str:
    return fields[0] if len(fields) == 1 else f"{', '.join(fields[:-1])} or {fields[-1]}"


def _decimal(number: object) -> object:
    if isinstance(number, float):
        raise ValueError(f'write the number as a string: "{number}"')
    return number


def _matching(pattern: str, limit: int) -> Callable[[object], object]:
    def check(value: object) -> object:
        if isinstance(value, str) and (len(value) > limit or not re.search(pattern, value)):
            raise ValueError(f"{value!r} does not match {pattern}")
        return value

    return check


def _quantity(quantity: object) -> object:
    return str(quantity) if isinstance(quantity, int) and not isinstance(quantity, bool) else quantity


_UNITS = ("d", "h", "m", "s", "ms")
_DURATION = r"^([1-9][0-9]{0,4}d)?([1-9][0-9]{0,6}h)?([1-9][0-9]{0,7}m)?([1-9][0-9]{0,8}s)?([1-9][0-9]{0,11}ms)?$"
_DECIMAL = r"^-?[0-9]{1,12}(\.[0-9]{1,9})?$"
_FRACTION = r"^(0(\.[0-9]{1,9})?|1(\.0{1,9})?)$"
_QUANTITY = r"^[0-9]{1,15}(\.[0-9]{1,3})?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"
_AZURE = r"abfss://[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?@[a-z0-9]{3,24}\.dfs\.core\.windows\.net"
_STORE_URI = rf"^((s3|gs|az)://[^/]+|{_AZURE})(/.*)?$"
_DATA_URI = rf"^((s3|gs|az|pvc)://[^/]+|{_AZURE})(/.*)?$"
_URI = rf"^((s3|az|pvc)://[a-z0-9]([-.a-z0-9]{{0,61}}[a-z0-9])?|gs://[a-z0-9]([-._a-z0-9]{{0,220}}[a-z0-9])?|{_AZURE})(/[^\s?#]*)?$"

Duration: TypeAlias = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration),
    WithJsonSchema({"type": "string", "minLength": 2, "maxLength": 32, "pattern": _DURATION}),
]
"""A positive time span, `90s`, `2h`, `7d`, `1h30m`; a timedelta in Python."""

DecimalString: TypeAlias = Annotated[
    Decimal,
    BeforeValidator(_decimal),
    BeforeValidator(_matching(_DECIMAL, 24)),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 24, "pattern": _DECIMAL}),
]
"""A number written as a string, since floats do not survive a round trip; a Decimal in Python."""

Fraction: TypeAlias = Annotated[
    Decimal,
    BeforeValidator(_decimal),
    BeforeValidator(_matching(_FRACTION, 11)),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 11, "pattern": _FRACTION}),
]
"""A number from 0 to 1 written as a string; a Decimal in Python."""

Measure: TypeAlias = Annotated[
    float,
    PlainSerializer(lambda number: format(number, ".6g")),
    WithJsonSchema({"type": "string", "maxLength": 24}),
]
"""A measured number in status; a float in Python, a short string on the wire."""

Quantity: TypeAlias = Annotated[
    str,
    BeforeValidator(_quantity),
    BeforeValidator(_matching(_QUANTITY, 24)),
    WithJsonSchema(
        {"anyOf": [{"type": "integer"}, {"type": "string"}], "maxLength": 24, "minimum": 0, "pattern": _QUANTITY, "x-kubernetes-int-or-string": True}
    ),
]
"""An amount as Kubernetes writes it: `500m`, `2`, `4Gi`. A string in Python, also when the user wrote a number."""

Uri: TypeAlias = Annotated[str, bounded(1024, _URI)]
"""Where data is: `s3://bucket/path/`, `gs://bucket/path/`, `az://container/path/`, `abfss://container@account.dfs.core.windows.net/path/`, or
`pvc://claim/path/`."""

Name: TypeAlias = Annotated[str, bounded(63, NAME)]
"""A short name: lower-case letters, digits and dashes."""

ObjectName: TypeAlias = Annotated[str, bounded(253, DNS_NAME)]
"""The name of an object in the same namespace."""

OwnName: TypeAlias = Annotated[str, bounded(40, r"^[a-z]([-a-z0-9]*[a-z0-9])?$")]
"""The name of an AnnotationProject, TrainingRun or ModelDeployment."""

ModelName: TypeAlias = Annotated[str, bounded(128, r"^[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$")]
"""The short name of a registered model; the operator adds the namespace's prefix."""

Alias: TypeAlias = Annotated[str, bounded(63, r"^[a-z]([-_a-z0-9]*[a-z0-9])?$")]
"""An alias of a registered model, such as `champion`."""

ModelVersionNumber: TypeAlias = Annotated[str, bounded(10, r"^[1-9][0-9]{0,9}$")]
"""The number of a registered model's version, as a string."""

Image: TypeAlias = Annotated[str, bounded(512, r"^[a-zA-Z0-9][-._:@/a-zA-Z0-9]*$")]
"""A container image, best with a tag or digest."""

Argument: TypeAlias = Annotated[str, bounded(2048, shortest=0)]
Command: TypeAlias = Annotated[tuple[Argument, ...], Field(max_length=64), Atomic()]
"""A command line, one string per argument."""

Key: TypeAlias = Annotated[str, bounded(253, r"^[-._a-zA-Z0-9]+$")]
"""A key inside a Secret or ConfigMap."""

LabelKey: TypeAlias = Annotated[str, bounded(317, r"^([a-z0-9]([-.a-z0-9]*[a-z0-9])?/)?[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?$")]
LabelValue: TypeAlias = Annotated[str, bounded(63, r"^([A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?)?$", shortest=0)]
Labels: TypeAlias = Annotated[dict[LabelKey, LabelValue], Field(max_length=20)]
"""Labels or a node selector, at most 20."""

Percent: TypeAlias = Annotated[int, Field(ge=0, le=100)]
Message: TypeAlias = Annotated[str, bounded(1024, shortest=0)]
Digest: TypeAlias = Annotated[str, bounded(128, shortest=0)]
Sha256: TypeAlias = Annotated[str, bounded(64, r"^[0-9a-f]{64}$")]
StoreUri: TypeAlias = Annotated[str, bounded(1024, _STORE_URI)]
"""Where something is in an object store, as Jobs are told it: whatever status remembers to tell a Job is of this type."""
DataUri: TypeAlias = Annotated[str, bounded(1024, _DATA_URI)]
"""The same, or in a claim that is mounted into the Job's pod."""
Url: TypeAlias = Annotated[str, bounded(1024, shortest=0)]
