"""What each image is made of. To add one: a folder in operator/images and an entry here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CONTAINERFILES = REPOSITORY / "operator" / "images"
REQUIREMENTS = REPOSITORY / "operator" / "requirements"
BASE = "python:3.11-slim-bookworm"
"""The public base image, as the Containerfiles name it."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one image is built."""

    name: str
    containerfile: Path
    version: str = ""
    """The tag. Empty: the tag is the digest of the sources, so that a cluster never runs an older build under the same name."""
    lock: Path | None = None
    """Hash-locked requirements; their wheels are found at `wheels/` and the file at `requirements.txt` in the build context."""
    sources: Mapping[str, Path] = field(default_factory=dict)
    """Further files and folders of the build context, by their place in it."""
    tool: str = ""
    """A binary of `e2e.cluster.tool` to put into the build context under its own name."""
    layered: bool = False
    """Keep the layers, so that a change of the sources does not install the requirements again."""
    apart: bool = False
    """Large, and of use to few: built only when it is named."""

    def tag(self, key: str) -> str:
        """Return the reference under which pods use the image that was built from `key`."""
        return f"treadle.local/{self.name}:{self.version or key}"


def _ours(name: str) -> Recipe:
    """An image that holds the package `treadle` with the requirements of one extra."""
    return Recipe(
        name=f"treadle-{name}",
        containerfile=CONTAINERFILES / f"treadle-{name}" / "Containerfile",
        lock=REQUIREMENTS / f"{name}.txt",
        sources={"treadle": REPOSITORY / "operator" / "treadle"},
        layered=True,
    )


def _theirs(name: str, version: str, **sources: Path) -> Recipe:
    """An image of somebody else's Python program."""
    folder = CONTAINERFILES / name
    return Recipe(name=name, version=version, containerfile=folder / "Containerfile", lock=folder / "requirements.txt", sources=sources)


def _sample(name: str) -> Recipe:
    """An image of a large framework, with the samples' scripts."""
    folder = CONTAINERFILES / f"sample-{name}"
    sources = {"frameworks": REPOSITORY / "manifests" / "samples" / "frameworks"}
    containerfile, lock = folder / "Containerfile", folder / "requirements.txt"
    return Recipe(name=f"sample-{name}", version="0.1.0", containerfile=containerfile, lock=lock, sources=sources, layered=True, apart=True)


def _demo() -> Recipe:
    """The image of the demo's user: the training script, and the scripts that make its data and play its people."""
    folder, scripts = CONTAINERFILES / "demo-train", REPOSITORY / "manifests" / "demo"
    return Recipe(
        name="demo-train",
        version="0.1.0",
        containerfile=folder / "Containerfile",
        lock=folder / "requirements.txt",
        # Under their places in the repository, so that their imports are the same in the image and in tests.
        sources={
            **{f"manifests/demo/{name}": scripts / name for name in ("annotators", "data", "train", "visitors")},
            "manifests/samples/frameworks": REPOSITORY / "manifests" / "samples" / "frameworks",
        },
        layered=True,
    )


RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        # The slowest come first: they bound the time of a cold build.
        _theirs("label-studio", "1.23.2", entrypoint=CONTAINERFILES / "label-studio" / "entrypoint"),
        _theirs("mlflow", "3.17.2"),
        _demo(),
        _ours("runtime"),
        _ours("jobs"),
        _ours("operator"),
        _sample("pytorch"),
        _sample("tensorflow"),
        Recipe(name="versitygw", version="1.8.0", containerfile=CONTAINERFILES / "versitygw" / "Containerfile", tool="versitygw"),
    )
}
