"""Scan what the chart installs and what the operator builds with Checkov: `python -m e2e.scan` (`make scan`).

The chart keeps every check; where one cannot hold, the object says so itself (`checkov.io/skip...`), so that everybody's scanner sees the same. Of
objects that the operator builds for tenants the waivers stand here, each with its reason; any other finding fails.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from e2e.cluster import go, places, tool
from e2e.cluster.progress import printed, step

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "charts" / "treadle"
REQUIREMENTS = Path(__file__).parent / "cluster" / "downloads" / "checkov" / "requirements.txt"
GOLDENS = ("tests/unit/annotation/*job*.yaml", "tests/unit/training/*.yaml", "tests/unit/serving/golden/*.yaml")
"""What each builder makes, as its test compares it."""
WAIVED: Mapping[str, str] = {
    "CKV_K8S_11": "a limit of the CPU would throttle training and inference; memory is limited, and a quota limits tenants",
    "CKV_K8S_15": "tags of our releases are never moved; of a user's image the user decides",
    "CKV_K8S_22": "a user's program may write to its root; our own images have it read-only",
    "CKV_K8S_35": "MLflow and S3 clients read their keys from the environment; they are the tenant's own",
    "CKV_K8S_43": "the image is the user's; imagePolicy.requireDigest asks for digests",
    "CKV_K8S_8": "a user's server says when it is ready; how it says that it lives is unknown",
}


class Found(NamedTuple):
    """What a scan found in one file: how many checks passed and were skipped, and those that failed."""

    passed: int
    skipped: int
    failed: tuple[tuple[str, str], ...]


def checkov() -> list[str]:
    """The command, installed once from its locked requirements."""
    place = places.cache() / "tools" / f"checkov-{places.digest(REQUIREMENTS)}"
    with places.locked(place.with_suffix(".lock")):
        if not place.exists():
            with step(printed, "installing Checkov"):
                go.install(REQUIREMENTS, place)
    return ["env", f"PYTHONPATH={place}", sys.executable, "-m", "checkov.main"]


def scanned(text: str) -> Found:
    """What Checkov finds in some manifests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "objects.yaml"
        path.write_text(text)
        command = [*checkov(), "--file", str(path), "--framework", "kubernetes", "--output", "json", "--skip-download", "--soft-fail"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, env={**os.environ, "LOG_LEVEL": "ERROR"})
    results = json.loads(done.stdout)["results"]
    failed = tuple(sorted({(check["check_id"], check["resource"]) for check in results["failed_checks"]}))
    return Found(len(results["passed_checks"]), len(results["skipped_checks"]), failed)


def rendered(values: Path | None, *sets: str) -> str:
    """The chart with a file of values."""
    more: Sequence[str | Path] = ("--values", values) if values else ()
    command = [tool("helm"), "template", "treadle", CHART, "--namespace=treadle-system", *more, *(f"--set={each}" for each in sets)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def built() -> str:
    """What the operator builds, beside the NetworkPolicy that the chart makes for it (`networkPolicy.workloads`)."""
    policies = yaml.safe_load_all(rendered(None, "scope.namespaces={ml}", "networkPolicy.workloads=true"))
    guard = [this for this in policies if this and this["kind"] == "NetworkPolicy" and this["metadata"]["namespace"] == "ml"]
    goldens = [path.read_text() for pattern in GOLDENS for path in sorted(ROOT.glob(pattern))]
    return "\n---\n".join([*goldens, *map(yaml.safe_dump, guard)])


def findings() -> Iterator[tuple[str, Found, Mapping[str, str]]]:
    """Every scan: what, what was found, and what is waived there."""
    yield "the chart, default values", scanned(rendered(None)), {}
    for values in sorted((CHART / "ci").glob("*.yaml")):
        yield (
            f"the chart, {values.name}",
            scanned(rendered(values)),
            {"CKV2_K8S_6": "networkPolicy.enabled=false"} if "minimal" in values.name else {},
        )
    yield "what the operator builds", scanned(built()), WAIVED


def main() -> int:
    """Scan everything; returns the exit code."""
    code = 0
    for what, found, waived in findings():
        open_ = [f"{check} {resource}" for check, resource in found.failed if check not in waived]
        excused = len(found.failed) - len(open_)
        print(f"{what}: {found.passed} passed, {len(open_)} failed, {found.skipped + excused} waived with a reason")
        print(*(f"  FAILED {each}" for each in open_), sep="\n", end="\n" if open_ else "")
        code = code or int(bool(open_))
    return code


if __name__ == "__main__":
    sys.exit(main())
