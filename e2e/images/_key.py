"""The cache key: a digest of everything an image is made from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from e2e.images._image import ImageError
from e2e.images._recipes import Recipe

KEY_LENGTH = 12
"""Hex digits of a cache key."""
LEFT_OUT = ("__pycache__", ".ipynb_checkpoints", ".mypy_cache", ".ruff_cache")
"""Names that never enter a build context: they differ between machines and change nothing."""


def image_key(recipe: Recipe, *, base: str, tool: Path | None) -> str:
    """Return the hex digits that change when the recipe, the base image (named by its own key), a source or the tool changes.

    Raises:
        ImageError: a file that the recipe names is missing.
    """
    digest = hashlib.sha256(f"1 {base} {recipe.name} {recipe.version}\n".encode())
    places = {"Containerfile": recipe.containerfile, **recipe.sources}
    if recipe.lock:
        places["requirements.txt"] = recipe.lock
    if tool:
        places[recipe.tool] = tool
    for place, path in sorted(places.items()):
        for name, file in _files(place, path, recipe.name):
            digest.update(f"{name} {file_digest(file)} {file.stat().st_mode & 0o111:o}\n".encode())
    return digest.hexdigest()[:KEY_LENGTH]


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(place: str, path: Path, image: str) -> Iterator[tuple[str, Path]]:
    if path.is_file():
        yield place, path
    elif path.is_dir():
        for file in sorted(path.rglob("*")):
            inside = file.relative_to(path)
            if file.is_file() and not any(part in LEFT_OUT for part in inside.parts):
                yield f"{place}/{inside.as_posix()}", file
    else:
        raise ImageError(f"Image {image} needs {path}, which does not exist; restore it from the repository.")
