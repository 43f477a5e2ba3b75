"""Archives without a container engine."""

import tarfile
from pathlib import Path

import pytest

from e2e.cluster import Problem
from e2e.cluster.images import contents, known, outdated, pack


def test_a_packed_program_is_an_image_with_its_name_and_the_same_program_gives_the_same_bytes(tmp_path: Path) -> None:
    program = tmp_path / "hello"
    program.write_bytes(b"\x7fELF and so on")
    first, second = (pack(program, "treadle.local/hello:1", tmp_path / name) for name in ("first.tar", "second.tar"))
    assert first.read_bytes() == second.read_bytes()
    ((name, digest),) = contents(first).items()
    assert name == "treadle.local/hello:1"
    assert digest.endswith(".json")


def test_another_program_under_the_same_name_is_other_content(tmp_path: Path) -> None:
    program = tmp_path / "hello"
    program.write_bytes(b"one")
    before = contents(pack(program, "treadle.local/hello:1", tmp_path / "image.tar"))
    program.write_bytes(b"two")
    assert contents(pack(program, "treadle.local/hello:1", tmp_path / "image.tar")) != before


def test_a_file_that_is_no_image_archive_is_refused_in_one_sentence(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no archive")
    with pytest.raises(Problem, match="no docker or OCI image archive"):
        contents(text)
    empty = tmp_path / "empty.tar"
    tarfile.open(empty, "w").close()
    with pytest.raises(Problem, match="no docker or OCI image archive"):
        contents(empty)


def test_a_short_name_is_found_under_the_host_that_containerd_gave_it() -> None:
    present = {"registry.example/library/digits:1", "treadle.local/probe:1"}
    assert known("digits:1", present)
    assert known("treadle.local/probe:1", present)
    assert not known("igits:1", present)
    assert not known("digits:2", present)


def test_the_two_latest_builds_of_an_image_are_kept() -> None:
    loaded = ["treadle.local/jobs:a", "treadle.local/probe:1", "treadle.local/jobs:b", "treadle.local/runtime:b", "treadle.local/jobs:c"]
    assert outdated(loaded) == ["treadle.local/jobs:a"]
    assert outdated(loaded[:4]) == []
