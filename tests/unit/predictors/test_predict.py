from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.predictors.models import DIGITS, LABELS, PIXELS, png, save_digits, save_iris, save_line
from treadle.predictors import BadInput, Model, load_model

FLOWER = {"sepal length (cm)": 5.1, "sepal width (cm)": 3.5, "petal length (cm)": 1.4, "petal width (cm)": 0.2}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(save_digits(tmp_path_factory.mktemp("digits")))


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(save_iris(tmp_path_factory.mktemp("iris")))


def items(*content: Any) -> dict[str, Any]:
    return {"item": np.array(content, dtype=object)}


def test_images_and_their_pixels_get_the_same_answer(digits: Model) -> None:
    held_out = range(1500, 1520)
    by_image = digits.infer(items(*(png(index) for index in held_out)))
    by_pixels = digits.infer({"input-0": PIXELS[1500:1520]})
    assert list(by_image.outputs["label"]) == list(by_pixels.outputs["label"])
    assert np.allclose(by_image.outputs["score"], by_pixels.outputs["score"])
    assert by_image.rows == 20


def test_held_out_digits_are_recognised(digits: Model) -> None:
    labels = digits.infer(items(*(png(index) for index in range(1500, len(DIGITS.target))))).outputs["label"]
    assert np.mean(labels == LABELS[1500:]) > 0.85


def test_a_larger_image_is_scaled_down(digits: Model) -> None:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.open(io.BytesIO(png(0))).resize((80, 80), Image.Resampling.NEAREST).convert("RGB").save(file, "PNG")
    assert digits.infer(items(file.getvalue())).outputs["label"][0] == LABELS[0]


def test_a_table_takes_columns_or_one_matrix(iris: Model) -> None:
    columns = {name: np.array([value, value]) for name, value in FLOWER.items()}
    matrix = {"anything": np.array([list(FLOWER.values())] * 2)}
    assert list(iris.infer(columns).outputs["label"]) == list(iris.infer(matrix).outputs["label"]) == ["0", "0"]
    assert list(iris.predict(columns).outputs["predictions"]) == [0, 0]


def test_a_regression_answers_numbers(tmp_path: Path) -> None:
    outputs = load_model(save_line(tmp_path)).infer({"x": np.array([[2.0]])}).outputs
    assert list(outputs) == ["predictions"]
    assert outputs["predictions"] == pytest.approx([5.0])


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, "no inputs"),
        (items(b"not an image"), "item 0"),
        (items(png(0)[:60]), "item 0"),
        (items("text"), "BYTES"),
        (items(), "at least 1"),
        (items(png(0)) | {"input-0": PIXELS[:1]}, "alone"),
        ({"input-0": PIXELS[:1, :63]}, "[1, 63]"),
        ({"input-0": np.array(["a"] * 64).reshape(1, 64)}, "text"),
        ({"input-0": np.full((1, 64), np.nan)}, "cannot take"),
        ({"a": PIXELS[:1], "b": PIXELS[:1]}, "one input"),
    ],
)
def test_what_does_not_fit_is_told_in_words(digits: Model, inputs: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        digits.infer(inputs)
    assert words in str(caught.value)


def test_a_table_names_missing_unknown_and_uneven_columns(iris: Model) -> None:
    columns = {name: np.array([value]) for name, value in FLOWER.items()}
    missing = dict(columns)
    del missing["petal width (cm)"]
    for wrong, words in (
        (missing, "petal width"),
        (columns | {"colour": np.array([1.0])}, "colour"),
        (columns | {"petal width (cm)": np.ones(2)}, "differ"),
    ):
        with pytest.raises(BadInput) as caught:
            iris.infer(wrong)
        assert words in str(caught.value)


def test_a_model_that_takes_no_items_says_so(iris: Model) -> None:
    with pytest.raises(BadInput) as caught:
        iris.infer(items(png(0)))
    assert "treadle.input" in str(caught.value)
