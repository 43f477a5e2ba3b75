"""Running a build program: the log keeps everything, people hear what matters."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from e2e.images import ImageError
from e2e.images._command import Work
from e2e.images._image import read_digest


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> Work:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Work.begin("toy", said.append)


def test_a_step_is_announced_with_its_time_and_returns_its_output(work: Work, said: list[str]) -> None:
    assert work.run("echo", "7 wheels", doing="counting wheels") == "7 wheels\n"
    assert said == ["toy: counting wheels (0 s)"]
    assert "7 wheels" in work.log.read_text()


def test_a_quick_step_is_not_announced(work: Work, said: list[str]) -> None:
    work.run("true", doing="cleaning up", quick=True)
    assert said == []


def test_a_failure_tells_the_last_lines_and_the_log(work: Work) -> None:
    with pytest.raises(ImageError, match=r"toy: building failed \(exit code 3\); see .*toy\.log(.|\n)*no space left"):
        work.run("sh", "-c", "echo no space left >&2; exit 3", doing="building")


def test_what_takes_too_long_is_ended(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("e2e.images._command.EVERY", 0.05)
    with pytest.raises(ImageError, match="took longer than"):
        work.run("sleep", "60", doing="waiting", limit=0.1)


def test_a_silent_step_says_that_it_goes_on(work: Work, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("e2e.images._command.EVERY", 0.05)
    work.run("sleep", "0.2", doing="downloading")
    assert "toy: still downloading (0 s)" in said


@pytest.mark.parametrize("config", ["4f5e.json", "blobs/sha256/4f5e"], ids=["buildah", "docker"])
def test_the_digest_of_an_archive_is_its_configuration(tmp_path: Path, config: str) -> None:
    manifest = json.dumps([{"Config": config, "RepoTags": ["a:1"], "Layers": []}]).encode()
    with tarfile.open(tmp_path / "image.tar", "w") as tar:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(manifest)
        tar.addfile(entry, io.BytesIO(manifest))
    assert read_digest(tmp_path / "image.tar") == "sha256:4f5e"


def test_what_is_no_archive_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_text("not a tar")
    with pytest.raises(ImageError, match="is no docker-archive"):
        read_digest(tmp_path / "image.tar")
