"""Build with a Docker engine, from the public base image."""

from __future__ import annotations

import os
from pathlib import Path

from e2e.images._command import Work
from e2e.images._engine import Mount
from e2e.images._recipes import BASE as NAMED

BASE = os.environ.get("TREADLE_BASE") or NAMED
"""The public base image: as the Containerfiles name it, or, for a release, by the digest that this name had."""


class Docker:
    """The engine that answered `docker info`."""

    @property
    def base_key(self) -> str:
        """The public base image by its name."""
        return f"docker {BASE}"

    def prepare(self, work: Work) -> None:
        """Pull the base image."""
        work.run("docker", "pull", "--quiet", BASE, doing=f"pulling {BASE}")

    def run_in_base(self, work: Work, script: str, *, mounts: tuple[Mount, ...], environment: dict[str, str], doing: str) -> None:
        """Run a script in a container that removes itself."""
        volumes = [f"--volume={mount.host}:{mount.inside}{'' if mount.writable else ':ro'}" for mount in mounts]
        variables = [f"--env={name}={value}" for name, value in environment.items()]
        work.run("docker", "run", "--rm", *volumes, *variables, BASE, "sh", "-ec", script, doing=doing)

    def build(self, work: Work, context: Path, tag: str, *, layered: bool) -> None:
        """Build with the engine's own cache; it always keeps the layers."""
        file = str(context / "Containerfile")
        work.run("docker", "build", "--network=none", "--build-arg", f"BASE={BASE}", "--file", file, "--tag", tag, str(context), doing="building")

    def save(self, work: Work, tag: str, archive: Path) -> None:
        """Write the archive."""
        work.run("docker", "save", "--output", str(archive), tag, doing="saving")

    def forget(self, work: Work, tag: str) -> None:
        """Remove the tag, and with it what only it needs."""
        if work.run("docker", "images", "--quiet", tag, doing=f"looking for {tag}", quick=True).strip():
            work.run("docker", "rmi", tag, doing=f"removing {tag}", quick=True)
