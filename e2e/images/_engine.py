"""What building needs from a container engine, and the choice between the two there are."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from e2e.images._command import Work


@dataclass(frozen=True)
class Mount:
    """A host path as seen inside the base image."""

    host: Path
    inside: str
    writable: bool = False


class Engine(Protocol):
    """Builds from Containerfiles; both engines build the same ones."""

    @property
    def base_key(self) -> str:
        """Identify the base image: another value rebuilds every image."""
        ...

    def prepare(self, work: Work) -> None:
        """Make the base image available."""
        ...

    def run_in_base(self, work: Work, script: str, *, mounts: tuple[Mount, ...], environment: dict[str, str], doing: str) -> None:
        """Run a shell script in a throw-away container of the base image, with network."""
        ...

    def build(self, work: Work, context: Path, tag: str, *, layered: bool) -> None:
        """Build the Containerfile of a context, without network where the engine can refuse it."""
        ...

    def save(self, work: Work, tag: str, archive: Path) -> None:
        """Write the image as a docker-archive."""
        ...

    def forget(self, work: Work, tag: str) -> None:
        """Remove an image that was built before; that it is gone already is fine."""
        ...


def choose() -> Engine:
    """Return Docker if an engine answers, else buildah.

    Raises:
        ImageError: there is neither; the message names the remedy.
    """
    from e2e.images._buildah import Buildah
    from e2e.images._docker import Docker

    return Docker() if docker_answers() else Buildah.find()


def docker_answers() -> bool:
    """Tell whether a Docker engine (not only its client) is there."""
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
