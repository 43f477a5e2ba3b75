"""The chart, rendered by helm as an administrator would."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from e2e.cluster import tool

CHART = Path(__file__).parents[3] / "charts" / "treadle"
NAMESPACED = CHART / "ci" / "namespaced-values.yaml"
EVERYTHING = CHART / "ci" / "everything-values.yaml"
MINIMAL = CHART / "ci" / "minimal-values.yaml"
RELEASE_NAMESPACE = "treadle-system"


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`helm template` with these arguments."""
    command = [str(tool("helm")), "template", "treadle", str(CHART), "--namespace", RELEASE_NAMESPACE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@cache
def render(*sets: str, values: Path | None = None) -> Sequence[Any]:
    """The objects of the chart with these `--set` arguments, and perhaps a file of values.

    Raises:
        AssertionError: if helm refuses.
    """
    arguments = [word for assignment in sets for word in ("--set-json", assignment)]
    done = helm(*arguments, *(("--values", str(values)) if values else ()))
    assert done.returncode == 0, done.stderr
    return [this for this in yaml.load_all(done.stdout, yaml.CSafeLoader) if this]


def installed(objects: Sequence[Any]) -> list[Any]:
    """Without what only `helm test` makes."""
    return [this for this in objects if "helm.sh/hook" not in this["metadata"].get("annotations", {})]


def of_kind(objects: Sequence[Any], kind: str) -> list[Any]:
    """Those of one kind."""
    return [this for this in objects if this["kind"] == kind]


def the(objects: Sequence[Any], kind: str) -> Any:
    """The only one of its kind.

    Raises:
        ValueError: if there is none, or another.
    """
    (this,) = of_kind(objects, kind)
    return this
