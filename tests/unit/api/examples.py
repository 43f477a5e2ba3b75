"""Statuses made from their schemas."""

import re
from functools import cache
from typing import Any

from treadle.api.crd import build_crd
from treadle.api.kinds import ApiKind

TEXTS = ("A", "1", "a" * 64, "s3://bucket/path/")
"""Of these, one fits each pattern in a status."""


def example(schema: dict[str, Any], number: int = 1) -> Any:
    """A value that a structural schema allows, with every property set; `number` tells entries of a list apart."""
    if "enum" in schema:
        return schema["enum"][number % len(schema["enum"])]
    match schema.get("type"):
        case "object":
            return {name: example(child, number) for name, child in schema["properties"].items()}
        case "array":
            keys = schema.get("x-kubernetes-list-map-keys", ())
            entries = [example(schema["items"], n) for n in range(1, 4)]
            return list({tuple(entry[key] for key in keys) or n: entry for n, entry in enumerate(entries)}.values())
        case "string" if schema.get("format") == "date-time":
            return f"2026-05-17T12:00:0{number}Z"
        case "string" if pattern := schema.get("pattern"):
            return next(text for text in TEXTS if re.search(pattern, text))
        case "string":
            return str(number)
        case "integer":
            return max(number, schema.get("minimum", 0))
        case "boolean":
            return True
    raise AssertionError(schema)


@cache
def _schema(kind: ApiKind) -> Any:
    return build_crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]


def status_of(kind: ApiKind) -> Any:
    common = {"observedGeneration", "phase", "conditions"}
    return {name: value for name, value in example(_schema(kind)).items() if name not in common}
