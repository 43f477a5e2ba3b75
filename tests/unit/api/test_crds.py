"""The CRDs are structural, bounded, described, small enough for `kubectl apply`, and committed as generated."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field

from treadle.api import Model
from treadle.api._schema import structural_schema
from treadle.api.base import Atomic
from treadle.api.crd import SIZE_LIMIT, build_crd, render_crd
from treadle.api.kinds import KINDS, ApiKind

CRDS = Path(__file__).parents[3] / "crds"
STRUCTURAL = {
    "description",
    "type",
    "format",
    "enum",
    "default",
    "properties",
    "required",
    "items",
    "additionalProperties",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "anyOf",
    "x-kubernetes-validations",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-int-or-string",
}


def kinds() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.kind))


@kinds()
def test_the_committed_crd_is_the_generated_one(kind: ApiKind) -> None:
    assert (CRDS / f"{kind.plural}.yaml").read_text() == render_crd(kind), "run `make generate`"


@kinds()
def test_a_crd_is_small_enough_for_client_side_apply(kind: ApiKind) -> None:
    assert len(render_crd(kind).encode()) < SIZE_LIMIT


@kinds()
def test_every_word_of_a_schema_is_one_that_the_api_server_knows(kind: ApiKind) -> None:
    for path, schema in walk(schema_of(kind)):
        assert schema.keys() <= STRUCTURAL, path
        assert schema.get("type") in ("object", "array", "string", "integer", "boolean") or schema["x-kubernetes-int-or-string"], path


@kinds()
def test_every_field_is_described_in_whole_sentences(kind: ApiKind) -> None:
    for path, schema in walk(schema_of(kind)):
        if "[]" not in path.split(".")[-1] and path not in ("", ".metadata"):
            assert schema["description"].endswith((".", "`.")), path
            assert "\n" not in schema["description"], path


@kinds()
def test_everything_is_bounded(kind: ApiKind) -> None:
    for path, schema in walk(schema_of(kind)):
        if path in ("", ".apiVersion", ".kind", ".metadata"):
            continue
        match schema.get("type"):
            case "string":
                assert schema.keys() & {"maxLength", "enum", "format"}, path
            case "array":
                assert schema["maxItems"] <= (20 if path.startswith(".status") else 300), path
            case "object" if "additionalProperties" in schema:
                assert "maxProperties" in schema, path


@kinds()
def test_no_default_stands_inside_a_list_or_for_more_than_a_plain_value(kind: ApiKind) -> None:
    for path, schema in walk(schema_of(kind)):
        if "default" in schema and path != ".status":
            assert "[]" not in path, path
            assert isinstance(schema["default"], str | int), path
    assert schema_of(kind)["properties"]["status"]["default"] == {"observedGeneration": -1}


@kinds()
def test_enums_are_camel_case_and_fields_are_too(kind: ApiKind) -> None:
    for path, schema in walk(schema_of(kind)):
        for value in schema.get("enum", ()):
            assert value[0].isupper() or ".commands[]" in path or "plits" in path or path.endswith(".split"), f"{path}: {value}"
        for name in schema.get("properties", ()):
            assert name[0].islower(), path
            assert "_" not in name, path


@kinds()
def test_no_namespace_can_be_named_anywhere(kind: ApiKind) -> None:
    assert [path for path, _ in walk(schema_of(kind)) if path.lower().endswith("namespace")] == []


@kinds()
def test_every_rule_names_the_fix(kind: ApiKind) -> None:
    verbs = ("set", "remove", "choose", "give", "append", "keep", "make", "raise", "order", "shorten", "correct", "put", "new TrainingRun")
    for path, schema in walk(schema_of(kind)):
        for rule in schema.get("x-kubernetes-validations", ()):
            assert any(f"{verb} " in rule["message"] for verb in verbs), f"{path}: {rule['message']}"


def test_a_field_without_a_description_is_refused() -> None:
    class Undescribed(Model):
        """Without a word about its field."""

        field: int

    with pytest.raises(ValueError, match=r"Undescribed\.field: no description"):
        structural_schema(Undescribed)


def test_a_string_or_list_without_a_bound_is_refused() -> None:
    class Endless(Model):
        """Without an end."""

        name: str
        """A name."""

    class Many(Model):
        """Without an end."""

        numbers: Annotated[tuple[int, ...], Atomic()]
        """Numbers."""

    class Untyped(Model):
        """Without a list type."""

        numbers: Annotated[tuple[int, ...], Field(max_length=3)]
        """Numbers."""

    for model, message in ((Endless, "maxLength"), (Many, "maxItems"), (Untyped, "ListMap")):
        with pytest.raises(ValueError, match=message):
            structural_schema(model)


def test_a_union_is_refused() -> None:
    class Either(Model):
        """One or the other."""

        value: int | bool
        """A value."""

    with pytest.raises(ValueError, match="union"):
        structural_schema(Either)


@cache
def schema_of(kind: ApiKind) -> dict[str, Any]:
    schema: dict[str, Any] = build_crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def walk(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema within `schema`, with its path."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from walk(child, f"{path}.{name}")
    for word in ("items", "additionalProperties"):
        if word in schema:
            yield from walk(schema[word], f"{path}[]")
