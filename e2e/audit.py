"""Look for what is known to be wrong in our code, in what it depends on, and in how it is released: `python -m e2e.audit` (`make audit`).

bandit reads the code, zizmor the workflows, pip-audit asks a database of vulnerabilities about every locked package. That database is
on the network: where it cannot be asked, the audit fails and says so, unless OFFLINE=1 says that this is known; then it is told as not
checked.

`python -m e2e.audit code` does the first two, as `make lint` does. `python -m e2e.audit sbom` (`make sbom`) writes what each image is
made of, as CycloneDX, into `dist/sbom`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "operator" / "requirements"
AUDIT = REQUIREMENTS / "audit.txt"
IMAGES = ("operator", "jobs", "runtime")
"""What is shipped; each has a lock of its name."""
LOCKS = (*IMAGES, "cli", "dev", "docs", "audit", "loaders", "learning", "oracles")
EVERYWHERE: Mapping[str, str] = {
    "B101": "an assertion tells mypy and readers what holds; nothing that must be refused is refused by one",
    "B405": "elements are built and written; the only text that is parsed is our own",
}
WAIVED: Mapping[tuple[str, str], str] = {
    ("B104", "runtime/_server.py"): "a pod's own address; the network policy says who may come",
    ("B105", "contracts/stores.py"): "the names of variables",
    ("B108", "workloads/pod.py"): "places in a pod where it has a volume of its own",
    ("B311", "predictors/_twin.py"): "rows to compare two models on; nothing secret",
    ("B314", "tasks/segmentation.py"): "parses the text that the line before has written",
    ("B314", "jobs/_label_folders.py"): "documents that declare anything, entities included, are refused before",
    ("B301", "predictors/_estimator_file.py"): "a pickle is read where the user allowed it, in a pod that holds nothing else",
    ("B403", "predictors/_estimator_file.py"): "the same",
    ("B606", "cli/_command.py"): "kubectl takes over, whose plugin this is; without a shell",
}
"""Findings of bandit that stay, each with its reason."""


def tool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """One of the locked tools, in an environment of their own."""
    command: list[str | Path] = [Path(sys.executable).parent / "uv", "run", "--quiet", "--no-project", "--isolated", "--with-requirements", AUDIT]
    return subprocess.run([*command, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)


def code() -> Iterator[str]:
    """What bandit finds beyond the waivers, and waivers that waive nothing any more."""
    done = tool("bandit", "--quiet", "--recursive", "operator/treadle", "--format", "json")
    found = [(str(each["test_id"]), str(each["filename"]).removeprefix("operator/treadle/"), each) for each in json.loads(done.stdout)["results"]]
    for check, path, each in found:
        if check not in EVERYWHERE and (check, path) not in WAIVED:
            yield f"{each['filename']}:{each['line_number']}: {check} {each['issue_text']}"
    for check, path in set(WAIVED) - {(check, path) for check, path, _ in found}:
        yield f"{check} in {path} is waived and not found any more: remove the waiver"


def workflows() -> Iterator[str]:
    """What zizmor finds; with the strictest of its personas that people use."""
    done = tool("zizmor", "--offline", "--persona=pedantic", "--no-progress", ".github")
    if done.returncode != 0:
        yield done.stdout + done.stderr


def dependencies(lock: str) -> tuple[list[str], int, int]:
    """Known vulnerabilities of a lock's packages; how many packages were asked about, and how many of them the database knew nothing of."""
    done = tool("pip-audit", "--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json", "-r", REQUIREMENTS / f"{lock}.txt")
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        return [], 0, 0
    known = [f"{each['name']} {each['version']}: {fault['id']}" for each in packages for fault in each.get("vulns", ())]
    return known, len(packages), sum("skip_reason" in each for each in packages)


def told(what: str, problems: Sequence[str]) -> bool:
    """Print how a look went; returns whether nothing was found."""
    print(f"{what}: {'clean' if not problems else f'{len(problems)} found'}", *(f"  {problem}" for problem in problems), sep="\n", flush=True)
    return not problems


def ours() -> int:
    """Our code and our workflows; returns the exit code."""
    good = told("bandit, our code", [*code()])
    good &= told("zizmor, the workflows", [*workflows()])
    return 0 if good else 1


def audit(offline: bool) -> int:
    """Every look; returns the exit code."""
    good = ours() == 0
    for lock in LOCKS:
        known, asked, unknown = dependencies(lock)
        if asked and unknown < asked:
            good &= told(f"pip-audit, {lock}: {asked - unknown} packages", known)
            continue
        print(f"pip-audit, {lock}: NOT CHECKED, the database of vulnerabilities cannot be asked from here", flush=True)
        good &= offline
    return 0 if good else 1


def sbom() -> int:
    """Write a bill of materials for each image."""
    folder = ROOT / "dist" / "sbom"
    folder.mkdir(parents=True, exist_ok=True)
    for name in IMAGES:
        path = folder / f"treadle-{name}.cdx.json"
        what = ("cyclonedx-py", "requirements", "--pyproject", "pyproject.toml", "--mc-type", "application", "--output-reproducible")
        done = tool(*what, "--output-file", path, REQUIREMENTS / f"{name}.txt")
        if done.returncode != 0:
            print(done.stderr, file=sys.stderr)
            return done.returncode
        print(f"{path.relative_to(ROOT)}: {len(json.loads(path.read_text())['components'])} packages")
    return 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["code"]:
            sys.exit(ours())
        case ["sbom"]:
            sys.exit(sbom())
        case _:
            sys.exit(audit(offline=os.environ.get("OFFLINE") == "1"))
