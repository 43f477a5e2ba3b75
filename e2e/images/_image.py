"""The words of image building: what comes out, what is said meanwhile, and how it fails."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Progress = Callable[[str], None]
"""Receives one line for people at a time, without a line end; called from several threads."""


class ImageError(Exception):
    """An image cannot be built; the message is one sentence that names the remedy or the log."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """A built image: the name pods use, the file to load it from, and what identifies its content."""

    name: str
    tag: str
    """The whole reference, such as `treadle.local/mlflow:3.17.2`."""
    archive_path: Path
    """A docker-archive file that holds exactly this tag."""
    digest: str
    """`sha256:...` of the image's configuration: what a node reports as imageID of a loaded image."""


def read_digest(archive: Path) -> str:
    """Return the configuration digest of the one image in a docker-archive.

    Raises:
        ImageError: the file is no docker-archive with one image.
    """
    try:
        with tarfile.open(archive) as tar:
            member = tar.extractfile("manifest.json")
            manifest: Any = json.load(member) if member else []
        (entry,) = manifest
    except (KeyError, OSError, ValueError, tarfile.TarError) as error:
        raise ImageError(f"{archive} is no docker-archive with exactly one image: {error}") from error
    return "sha256:" + str(entry["Config"]).removesuffix(".json").rsplit("/", 1)[-1]
