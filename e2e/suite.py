"""Run the tiers of the test suite one after the other and print one summary: `python -m e2e.suite lint unit properties integration e2e`.

Every tier runs even when an earlier one failed, so that one run tells everything. The exit code is 0 only when all passed.
"""

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Outcome:
    """How a tier went: counts, seconds, and what failed by name."""

    tier: str
    passed: int
    failures: tuple[str, ...]
    seconds: float


def checks() -> Sequence[tuple[str, Sequence[str | Path]]]:
    """What `lint` runs: a name and a command each."""
    return (
        ("ruff check", (BIN / "ruff", "check", "--quiet", ".")),
        ("ruff format", (BIN / "ruff", "format", "--check", "--quiet", ".")),
        ("mypy treadle", (BIN / "mypy", "--strict", "-p", "treadle")),
        ("mypy e2e", (BIN / "mypy", "--strict", "--explicit-package-bases", "--namespace-packages", "e2e")),
        ("import contracts", (BIN / "lint-imports", "--no-cache")),
        ("generated files", (sys.executable, "-m", "e2e.generate", "--check")),
        ("documentation", ("make", "--silent", "docs")),
        ("bandit, zizmor", (sys.executable, "-m", "e2e.audit", "code")),
        ("chart lint", (sys.executable, "-m", "e2e.chart_lint")),
    )


def lint(tier: str) -> Outcome:
    """Run every check and print what it said when it failed."""
    started, passed, failures = time.monotonic(), 0, []
    for name, command in checks():
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900)
        print(f"  {'ok' if done.returncode == 0 else 'FAILED':6} {name}", flush=True)
        if done.returncode == 0:
            passed += 1
        else:
            failures.append(f"lint: {name}")
            print(done.stdout + done.stderr, flush=True)
    return Outcome(tier, passed, tuple(failures), time.monotonic() - started)


def pytest(*paths: str, workers: int = 1) -> Callable[[str], Outcome]:
    """A tier that runs pytest over some paths; with several workers, each takes whole files and has servers of its own."""
    side_by_side = [f"--numprocesses={workers}", "--dist=loadfile"] if workers > 1 else []

    def run(tier: str) -> Outcome:
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *side_by_side, *paths]
            code = subprocess.run(command, cwd=ROOT, check=False).returncode
            passed, failures = read(report) if report.exists() else (0, [])
        if code != 0 and not failures:
            failures = [f"{tier}: pytest ended with exit code {code}"]
        return Outcome(tier, passed, tuple(failures), time.monotonic() - started)

    return run


def read(report: Path) -> tuple[int, list[str]]:
    """The number of passed tests and the names of failed ones in a JUnit report. A skipped test counts as failed: a test that lacks what it needs
    must say so and fail.
    """
    passed, failures = 0, []
    for case in ElementTree.parse(report).iter("testcase"):
        if any(case.find(tag) is not None for tag in ("failure", "error", "skipped")):
            failures.append(f"{case.get('classname')}::{case.get('name')}")
        else:
            passed += 1
    return passed, failures


TIERS: dict[str, Callable[[str], Outcome]] = {
    "lint": lint,
    "unit": pytest("tests/unit", "tests/stories", workers=os.cpu_count() or 1),
    "properties": pytest("tests/properties", workers=os.cpu_count() or 1),
    # Most of their time they wait: for a controller's next step, for a lease to run out, for a page of Label Studio.
    "integration": pytest("tests/integration", workers=3),
    "e2e": pytest("e2e"),
}


def main(tiers: Sequence[str]) -> int:
    """Run the tiers; returns the exit code."""
    outcomes = []
    for tier in tiers:
        print(f"\n==> {tier}", flush=True)
        outcomes.append(TIERS[tier](tier))
    print("\n==> summary")
    for outcome in outcomes:
        print(f"  {outcome.tier:12} {outcome.passed:5} passed {len(outcome.failures):4} failed {outcome.seconds:8.0f} s")
    failures = [name for outcome in outcomes for name in outcome.failures]
    for name in failures:
        print(f"  FAILED {name}")
    print(f"\n{sum(outcome.passed for outcome in outcomes)} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    if unknown := [tier for tier in sys.argv[1:] if tier not in TIERS]:
        sys.exit(f"no tier {', '.join(unknown)}; there are {', '.join(TIERS)}")
    sys.exit(main(sys.argv[1:] or list(TIERS)))
