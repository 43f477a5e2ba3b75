"""Lint and render the Helm chart with every values file it ships for tests, with Helm 4 and Helm 3: `python -m e2e.chart_lint`."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from e2e.cluster import tool

CHART = Path(__file__).resolve().parent.parent / "charts" / "treadle"
KUBERNETES = ("1.33.0", "1.37.0")
"""The oldest and the newest Kubernetes the chart is rendered for."""


def commands() -> Iterator[list[str | Path]]:
    """Every look at the chart: both Helms, every values file, an installation and an upgrade, the oldest and the newest Kubernetes."""
    for values in [CHART / "values.yaml", *sorted((CHART / "ci").glob("*.yaml"))]:
        for helm in (tool("helm"), tool("helm3")):
            yield [helm, "lint", "--strict", "--quiet", "--with-subcharts", CHART, "--values", values]
            for version, more in zip(KUBERNETES, ((), ("--is-upgrade", "--api-versions=monitoring.coreos.com/v1")), strict=True):
                yield [helm, "template", "treadle", CHART, "--values", values, f"--kube-version={version}", *more]


def said(command: list[str | Path]) -> str:
    """What a failed command said; empty when it succeeded."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}" if done.returncode else ""


def main() -> int:
    """Run every command; returns the exit code."""
    with ThreadPoolExecutor(4) as pool:
        failures = [failure for failure in pool.map(said, list(commands())) if failure]
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
