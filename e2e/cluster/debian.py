"""Programs of Debian packages, unpacked into the cache: nothing is installed, and no service starts."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from e2e.cluster import places
from e2e.cluster.commands import run
from e2e.cluster.problem import Problem
from e2e.cluster.progress import Progress, step

PACKAGES: Mapping[str, str] = {"prometheus": "prometheus", "promtool": "prometheus"}
"""Program to the Debian package that holds it."""


def unpacked(package: str, progress: Progress) -> Path:
    """The directory of the unpacked package's programs.

    Raises:
        Problem: There is no apt, or the package cannot be fetched.
    """
    place = places.cache() / "tools" / f"debian-{package}"
    with places.locked(place.with_suffix(".lock")):
        if not place.exists():
            if not shutil.which("apt-get"):
                raise Problem(f"Missing: {package}. Install it (the name is Debian's) and try again.")
            draft = place.with_name(f"{place.name}.draft")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            with step(progress, f"downloading Debian's {package}"):
                _fetch(package, draft)
            draft.rename(place)
    return place / "usr" / "bin"


def _fetch(package: str, draft: Path) -> None:
    """Downloads and unpacks the package; the lists of packages are updated first where they do not know it."""
    download, failure = ("apt-get", "-q", "download", package), f"Downloading Debian's {package} failed"
    try:
        run(*download, cwd=draft, timeout=300, failure=failure)
    except Problem:
        run("apt-get", "-o", "DPkg::Lock::Timeout=300", "update", "--quiet", timeout=300, failure=failure)
        run(*download, cwd=draft, timeout=300, failure=failure)
    (archive,) = draft.glob("*.deb")
    run("dpkg-deb", "--extract", archive, draft, timeout=120, failure=f"Unpacking {archive.name} failed")
    archive.unlink()
