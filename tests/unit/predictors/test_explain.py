"""Explanations: what decides is told, what says nothing is not, and pictures are pictures."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from tests.unit.predictors.models import LABELS, PIXELS, png, save, save_digits, save_line
from treadle.predictors import BadInput, Model, explain, load_model
from treadle.predictors._explain import CHARACTERS_LIMIT, WORDS_LIMIT

COLUMNS = '[{"type": "double", "name": "tells", "required": true}, {"type": "double", "name": "noise", "required": true}]'


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Decides by its first column alone."""
    random = np.random.default_rng(1)
    rows = pd.DataFrame({"tells": random.normal(size=300), "noise": random.normal(size=300)})
    estimator = LogisticRegression().fit(rows, rows["tells"] > 0)
    return load_model(save(tmp_path_factory.mktemp("table"), estimator, signature={"inputs": COLUMNS, "outputs": None}))


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(save_digits(tmp_path_factory.mktemp("digits")))


def row(tells: float, noise: float) -> dict[str, Any]:
    return {"tells": np.asarray([tells]), "noise": np.asarray([noise])}


def test_the_column_that_decides_is_told_first(table: Model) -> None:
    found = explain(table, row(2.0, 2.0), {"tells": 0.0, "noise": 0.0})
    assert found.label == "True"
    assert list(found.columns) == ["tells", "noise"]
    assert found.columns["tells"] > 0.3 > abs(found.columns["noise"])


def test_a_typical_value_changes_nothing(table: Model) -> None:
    assert explain(table, row(2.0, 2.0), {"tells": 2.0, "noise": 2.0}).columns == {"tells": 0.0, "noise": 0.0}


def test_a_decision_that_turns_over_has_fallen_to_what_the_other_one_leaves(table: Model) -> None:
    found = explain(table, row(2.0, 0.0), {"tells": -2.0})
    assert found.columns["tells"] == pytest.approx(2 * found.score - 1, abs=0.1)


def test_an_image_is_explained_patch_by_patch_with_a_picture(digits: Model) -> None:
    index = next(index for index in range(1500, 1600) if LABELS[index] == "0")
    found = explain(digits, {"item": np.asarray([png(index)], dtype=object)}, {})
    assert found.patches is not None
    assert found.patches.shape == (8, 8)
    flat = PIXELS[:1500].std(axis=0).reshape(8, 8) == 0
    assert np.abs(found.patches[flat]).max() < np.abs(found.patches).max(), "pixels that never differ decide nothing"
    with Image.open(io.BytesIO(base64.b64decode(found.picture))) as picture:
        assert (picture.format, picture.size, picture.mode) == ("PNG", (8, 8), "RGB")


TEXT = '[{"type": "tensor", "tensor-spec": {"dtype": "str", "shape": [-1]}}]'
UNNAMED = '[{"type": "string", "required": true}]'
COLUMN = '[{"type": "string", "name": "%s", "required": true}]'


@pytest.fixture(scope="module", params=["tensor", "unnamed", "review", "item"])
def texts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Decides by the words good and bad; its input is an array without a name, or the only column of a table, be it called as items are."""
    given = ["good film", "a good one", "bad film", "a bad one", "the film", "one"] * 20
    labels = ["praise" if "good" in text else "blame" if "bad" in text else "neither" for text in given]
    steps = [CountVectorizer(), LogisticRegression(C=10)]
    if request.param in ("tensor", "unnamed"):
        estimator, inputs = make_pipeline(*steps).fit(given, labels), TEXT if request.param == "tensor" else UNNAMED
    else:
        columns = ColumnTransformer([("words", steps[0], request.param)])
        estimator = make_pipeline(columns, steps[1]).fit(pd.DataFrame({request.param: given}), labels)
        inputs = COLUMN % request.param
    return load_model(save(tmp_path_factory.mktemp("texts"), estimator, signature={"inputs": inputs, "outputs": None}))


def text_of(content: str | bytes) -> dict[str, Any]:
    return {"item": np.asarray([content], dtype=object)}


def test_the_word_that_decides_is_told_and_so_is_its_place(texts: Model) -> None:
    text = "This one,\n über all a good film"
    for content in (text, text.encode()):
        if any(tensor.name == "item" for tensor in texts.signature.inputs) and isinstance(content, bytes):
            continue  # a column of its own takes what its type says
        found = explain(texts, text_of(content), {})
        assert (found.label, found.columns, found.patches) == ("praise", {}, None)
        assert found.words is not None
        assert [word.text for word in found.words] == ["This", "one,", "über", "all", "a", "good", "film"]
        assert all(text[word.start :].startswith(word.text) for word in found.words)
        most = max(found.words, key=lambda word: word.change)
        assert most.text == "good"
        assert most.change > 0.3
        assert next(word.change for word in found.words if word.text == "This") == 0.0


def test_a_long_text_is_covered_piece_by_piece_in_a_bounded_number_of_answers(texts: Model) -> None:
    text = " ".join(["all"] * 500 + ["good"] + ["over"] * 499)
    found = explain(texts, text_of(text), {})
    assert found.words is not None
    assert len(found.words) == WORDS_LIMIT
    assert " ".join(word.text for word in found.words) == text
    assert found.label == "praise"
    assert [word.text for word in found.words if word.change != 0.0] == ["good over over over over"]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    words = ColumnTransformer([("words", CountVectorizer(decode_error="ignore"), "item")])
    estimator = make_pipeline(words, LogisticRegression()).fit(pd.DataFrame({"item": ["good", "bad"] * 20}), ["praise", "blame"] * 20)
    lenient = load_model(save(tmp_path, estimator, signature={"inputs": COLUMN % "item", "outputs": None}))
    assert lenient.infer(text_of(b"good \xff")).outputs["label"].tolist() == ["praise"], "the model itself passes over what it cannot read"
    with pytest.raises(BadInput, match="only texts in UTF-8 are explained"):
        explain(lenient, text_of(b"good \xff"), {})


def test_a_text_without_words_has_none_and_one_that_is_too_long_is_refused(texts: Model) -> None:
    assert explain(texts, text_of(" \n"), {}).words == ()
    with pytest.raises(BadInput, match="up to 100,000 characters are explained, this one has 100,001"):
        explain(texts, text_of("x" * (CHARACTERS_LIMIT + 1)), {})


def test_what_cannot_be_explained_is_told(table: Model, digits: Model, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="one item is explained at a time, the request has 2"):
        explain(table, {"tells": np.asarray([1.0, 2.0]), "noise": np.asarray([1.0, 2.0])}, {})
    with pytest.raises(BadInput, match="arrays of numbers are not"):
        explain(digits, {"input-0": PIXELS[:1]}, {})
    with pytest.raises(BadInput, match="only classifiers"):
        explain(load_model(save_line(tmp_path)), {"x": np.asarray([[1.0]])}, {})
