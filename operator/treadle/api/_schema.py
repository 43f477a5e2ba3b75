"""From a pydantic model to a structural schema, as the API server demands it."""

from collections.abc import Mapping
from typing import Any

from treadle.api.base import Cel, Model, Schema

SILENT = ("title", "additionalProperties", "patternProperties", "propertyNames", "const")
"""Words of JSON Schema that a structural schema may not say, or that we say otherwise."""


def structural_schema(model: type[Model]) -> Schema:
    """The schema of `model` without references, unions and nulls, with defaults for plain scalars only and none inside list items.

    Raises:
        ValueError: if a property has no description, a string or list no bound, or a type has no structural schema.
    """
    raw = model.model_json_schema(by_alias=True, mode="validation")
    schema = _structural(raw, raw.get("$defs", {}), defaults=True)
    check(schema, model.__name__)
    return schema


def immutability(schema: Schema, changeable: tuple[str, ...], message: str) -> list[Schema]:
    """A rule for each property of `schema` but `changeable`; one per property, since only then is an added optional one noticed.

    `message` is completed with the property's name, which stands in it as `{field}`.
    """
    return [
        {
            "rule": f"has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})",
            "message": message.format(field=field),
        }
        for field in schema["properties"]
        if field not in changeable
    ]


def check(schema: Schema, path: str) -> None:
    """Raise ValueError for what a reader would miss or the API server refuse: no description, no bound, no structure."""
    if "$ref" in schema or "allOf" in schema or ("anyOf" in schema and not schema.get("x-kubernetes-int-or-string")):
        raise ValueError(f"{path}: references and unions are not structural")
    if "type" not in schema and not schema.get("x-kubernetes-int-or-string"):
        raise ValueError(f"{path}: no type")
    if schema.get("type") == "string" and not schema.keys() & {"maxLength", "enum", "format"}:
        raise ValueError(f"{path}: a string without maxLength")
    if schema.get("type") == "array" and "maxItems" not in schema:
        raise ValueError(f"{path}: a list without maxItems")
    if schema.get("type") == "array" and "x-kubernetes-list-type" not in schema:
        raise ValueError(f"{path}: a list without ListMap, ListSet or Atomic")
    for name, child in schema.get("properties", {}).items():
        if not child.get("description"):
            raise ValueError(f"{path}.{name}: no description")
        check(child, f"{path}.{name}")
    for word in ("items", "additionalProperties"):
        if word in schema:
            check(schema[word], f"{path}[]")


def _structural(raw: Mapping[str, Any], definitions: Mapping[str, Any], *, defaults: bool) -> Schema:
    merged = _resolved(raw, definitions)
    schema: Schema = {}
    for word in ("description", "type", "format", "enum", "default"):
        if word in merged:
            schema[word] = merged[word]
    schema |= {word: value for word, value in merged.items() if word not in schema and word not in SILENT and not word.startswith("$")}
    if "const" in merged:
        schema["enum"] = [merged["const"]]
    if "properties" in merged:
        schema["properties"] = {name: _structural(child, definitions, defaults=defaults) for name, child in merged["properties"].items()}
    if "items" in merged:
        schema["items"] = _structural(merged["items"], definitions, defaults=False)
    if "patternProperties" in merged or "propertyNames" in merged:
        schema |= _map_of_strings(merged, definitions)
    elif isinstance(merged.get("additionalProperties"), dict):
        schema["additionalProperties"] = _structural(merged["additionalProperties"], definitions, defaults=False)
    if not defaults or not isinstance(schema.get("default"), str | int):
        schema.pop("default", None)
    return schema


def _resolved(raw: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """`raw` with its reference and its optional inlined; what stands beside a reference wins."""
    merged = dict(raw)
    if "anyOf" in merged and not merged.get("x-kubernetes-int-or-string"):
        options = [option for option in merged.pop("anyOf") if option.get("type") != "null"]
        if len(options) != 1:
            raise ValueError(f"a union is not structural: {options}")
        merged = options[0] | merged
    while "$ref" in merged:
        merged = definitions[merged.pop("$ref").removeprefix("#/$defs/")] | merged
    return merged


def _map_of_strings(merged: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    """A map whose keys have a pattern: a rule says it, since structural schemas have no words for keys."""
    ((pattern, values),) = merged["patternProperties"].items()
    limit = merged.get("propertyNames", {}).get("maxLength", 317)
    rule = Cel(f"self.all(key, size(key) <= {limit} && key.matches('{pattern}'))", "correct the key: a label key is [prefix/]name")
    return {
        "additionalProperties": _structural(values, definitions, defaults=False),
        "x-kubernetes-validations": [{"rule": rule.rule, "message": rule.message}, *merged.get("x-kubernetes-validations", ())],
    }
