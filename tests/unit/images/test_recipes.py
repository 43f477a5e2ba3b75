"""What holds for every image: nobody is root, nothing names a registry's host, everything installed is locked by hash."""

import re

import pytest

from e2e.images import RECIPES, ImageError, Recipe, build

EVERY = pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
HOST = re.compile(r"\b[\w-]+\.(io|org|com|dev|net)/")


@EVERY
def test_an_image_runs_as_nobody(recipe: Recipe) -> None:
    lines = recipe.containerfile.read_text().splitlines()
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001:10001"]
    assert lines[-1].startswith("ENTRYPOINT [")


@EVERY
def test_an_image_names_no_host_and_builds_on_the_base_it_is_given(recipe: Recipe) -> None:
    text = recipe.containerfile.read_text()
    assert not HOST.search(text)
    assert re.findall(r"^FROM (.*)$", text, re.MULTILINE) == (["${BASE}"] if recipe.lock else ["scratch"])


@EVERY
def test_every_requirement_is_locked_by_hash(recipe: Recipe) -> None:
    if recipe.lock is None:
        return
    text = recipe.lock.read_text()
    assert not HOST.search(re.sub(r"#.*", "", text))
    assert "--index" not in text
    for requirement in re.split(r"\n(?=[a-z])", text.split("\n", 1)[1] if text.startswith("#") else text):
        assert "--hash=sha256:" in requirement, requirement


def test_the_operator_image_has_no_numpy() -> None:
    lock = RECIPES["treadle-operator"].lock
    assert lock
    assert not re.search(r"^(numpy|scipy|pyarrow|mlflow|scikit-learn)\b", lock.read_text(), re.MULTILINE)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ImageError, match=r"no image 'mlfow'; there are .*mlflow"):
        build(["mlfow"])
