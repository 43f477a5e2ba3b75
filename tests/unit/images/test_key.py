"""The cache key: what has to change it does, what must not does not."""

from dataclasses import replace
from pathlib import Path

import pytest

from e2e.images import ImageError, Recipe
from e2e.images._key import image_key


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "main.py").write_text("print(1)")
    (tmp_path / "Containerfile").write_text("FROM scratch")
    (tmp_path / "lock.txt").write_text("a==1")
    return Recipe(name="toy", containerfile=tmp_path / "Containerfile", lock=tmp_path / "lock.txt", sources={"source": tmp_path / "source"})


def key(recipe: Recipe, base: str = "b1", tool: Path | None = None) -> str:
    return image_key(recipe, base=base, tool=tool)


def test_nothing_changed_nothing_is_built(recipe: Recipe) -> None:
    before = key(recipe)
    (recipe.sources["source"] / "__pycache__").mkdir()
    (recipe.sources["source"] / "__pycache__" / "main.pyc").write_text("compiled")
    assert key(recipe) == before


@pytest.mark.parametrize("name", ["Containerfile", "lock.txt", "source/main.py", "source/new.py"])
def test_every_file_counts(recipe: Recipe, name: str) -> None:
    before = key(recipe)
    (recipe.containerfile.parent / name).write_text("changed")
    assert key(recipe) != before


def test_a_file_under_another_name_is_another_source(recipe: Recipe) -> None:
    before = key(recipe)
    (recipe.sources["source"] / "main.py").rename(recipe.sources["source"] / "other.py")
    assert key(recipe) != before


def test_becoming_executable_counts(recipe: Recipe) -> None:
    before = key(recipe)
    (recipe.sources["source"] / "main.py").chmod(0o755)
    assert key(recipe) != before


def test_base_version_and_tool_count(recipe: Recipe, tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_bytes(b"\x7fELF")
    keys = {key(recipe), key(recipe, base="b2"), key(replace(recipe, version="2")), key(replace(recipe, tool="tool"), tool=tool)}
    assert len(keys) == 4


def test_a_missing_source_is_one_sentence(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"Image toy needs .*/gone, which does not exist"):
        key(replace(recipe, sources={"gone": tmp_path / "gone"}))


def test_our_images_are_named_by_content_and_others_by_version(recipe: Recipe) -> None:
    assert recipe.tag("0123456789ab") == "treadle.local/toy:0123456789ab"
    assert replace(recipe, version="1.2").tag("0123456789ab") == "treadle.local/toy:1.2"
