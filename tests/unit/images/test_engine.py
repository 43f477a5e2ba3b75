"""Where images cannot be built, one sentence says what would help."""

import contextlib
import os
import shutil
from pathlib import Path

import pytest

from e2e.images import ImageError
from e2e.images._buildah import Buildah
from e2e.images._command import Work


def test_a_user_without_docker_is_told_both_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ImageError, match=r"built with a running Docker engine, or as root on Debian .*: start Docker, or run this as root\.$"):
        Buildah.find()


def test_root_elsewhere_is_told_which_packages_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(ImageError, match=r"run `apt-get update && apt-get install buildah debootstrap`\.$"):
        Buildah.find()


@pytest.mark.parametrize(("faults", "ends"), [(1, True), (2, True), (3, False)])
def test_a_build_begins_again_when_an_image_that_it_looked_at_was_removed(faults: int, ends: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    said = ["treadle-jobs: building failed: checking if cached image exists: getting top layer info: layer not known"] * faults
    built: list[str] = []

    def run(self: Buildah, work: Work, *arguments: str, doing: str, quick: bool = False) -> str:
        if arguments[0] == "bud":
            if said:
                raise ImageError(said.pop())
            built.append(arguments[arguments.index("--tag") + 1])
        return ""

    monkeypatch.setattr(Buildah, "_run", run)
    with contextlib.nullcontext() if ends else pytest.raises(ImageError, match="layer not known"):
        Buildah.build(Buildah.__new__(Buildah), Work("treadle-jobs", print, 0.0), Path(), "jobs:1", layered=True)
    assert built == (["jobs:1"] if ends else [])
