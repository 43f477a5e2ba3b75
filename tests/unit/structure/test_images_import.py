"""An image holds what its programs import when they start."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).resolve().parents[3] / "operator" / "requirements"
PROGRAMS = {
    "operator": ("treadle.main",),
    "jobs": ("treadle.jobs.__main__",),
    "runtime": ("treadle.runtime.__main__", "treadle.jobs.__main__"),
}
"""Evaluations and proposals are Jobs of the runtime image, since they load models."""


def locked(extra: str) -> set[str]:
    """The names of an image's packages."""
    found = re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", (REQUIREMENTS / f"{extra}.txt").read_text(), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in found}


def absent(image: str) -> set[str]:
    """The modules of packages that are here, and not in the image."""
    there = locked(image) | {"treadle"}
    owners = {module: {re.sub(r"[-_.]+", "-", name).lower() for name in names} for module, names in packages_distributions().items()}
    return {module for module, names in owners.items() if not names & there and module.isidentifier()}


@pytest.mark.parametrize("image", PROGRAMS)
def test_every_program_of_an_image_starts_with_what_the_image_holds(image: str) -> None:
    lacking = absent(image)
    assert {"pytest", "hypothesis"} <= lacking
    hidden = "import sys; sys.modules.update(dict.fromkeys(sys.argv[1:]))"
    started = "; ".join(f"import {program}" for program in PROGRAMS[image])
    done = subprocess.run([sys.executable, "-c", f"{hidden}; {started}", *sorted(lacking)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
