"""The values for kube-state-metrics name kinds and paths that exist: a path that does not is silence, and no error anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.unit.chart.render import CHART

ROOT = CHART.parents[1]
VALUES: dict[str, Any] = yaml.safe_load((ROOT / "manifests" / "monitoring" / "kube-state-metrics.yaml").read_text())
CRDS = [yaml.load(path.read_text(), yaml.CSafeLoader) for path in sorted((ROOT / "crds").glob("*.yaml"))]
RESOURCES: list[dict[str, Any]] = VALUES["customResourceState"]["config"]["spec"]["resources"]
METADATA: dict[str, Any] = {"properties": {"name": {"type": "string"}, "namespace": {"type": "string"}}}
"""What a CRD does not describe of `metadata`, as far as a label may name it."""


def schema_of(resource: dict[str, Any]) -> dict[str, Any]:
    """Of the kind that is read, in the version that is read."""
    wanted = resource["groupVersionKind"]
    (crd,) = [crd for crd in CRDS if (crd["spec"]["group"], crd["spec"]["names"]["kind"]) == (wanted["group"], wanted["kind"])]
    (version,) = [each for each in crd["spec"]["versions"] if each["name"] == wanted["version"]]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return {**schema, "properties": {**schema["properties"], "metadata": METADATA}}


def at(schema: dict[str, Any], path: list[str]) -> dict[str, Any]:
    """What stands at a path; a list is stood for by its items.

    Raises:
        KeyError: nothing does.
    """
    for name in path:
        schema = schema["properties"][name]
        schema = schema.get("items", schema)
    return schema


def read(metric: dict[str, Any]) -> Iterator[tuple[list[str], list[str]]]:
    """Where a metric begins, and the paths that it reads from there."""
    (how,) = (value for key, value in metric["each"].items() if key != "type")
    begin = how.get("path", [])
    yield from ((begin, path) for path in how.get("labelsFromPath", {}).values())
    if "valueFrom" in how:
        yield begin, how["valueFrom"]


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource["groupVersionKind"]["kind"])
def test_every_path_exists_and_ends_in_a_word_or_a_number(resource: dict[str, Any]) -> None:
    schema = schema_of(resource)
    paths = [([], path) for path in resource["labelsFromPath"].values()] + [pair for metric in resource["metrics"] for pair in read(metric)]
    assert len(paths) >= 5
    for begin, path in paths:
        assert at(at(schema, begin), path)["type"] in ("string", "integer", "number"), (begin, path)


def test_a_path_that_does_not_exist_is_found() -> None:
    with pytest.raises(KeyError):
        at(schema_of(RESOURCES[0]), ["status", "condition"])


def test_every_kind_of_ours_is_read_and_may_be() -> None:
    kinds = {crd["spec"]["names"]["kind"]: crd["spec"]["names"]["plural"] for crd in CRDS}
    assert {resource["groupVersionKind"]["kind"] for resource in RESOURCES} == set(kinds)
    (rule,) = VALUES["rbac"]["extraRules"]
    assert rule == {"apiGroups": ["treadle.dev"], "resources": rule["resources"], "verbs": ["list", "watch"]}
    assert set(rule["resources"]) == set(kinds.values())
