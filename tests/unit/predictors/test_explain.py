"""Explanations: what decides is told, what says nothing is not, and pictures are pictures."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression

from tests.unit.predictors.models import LABELS, PIXELS, png, save, save_digits, save_line
from treadle.predictors import BadInput, Model, explain, load_model

COLUMNS = '[{"type": "double", "name": "tells", "required": true}, {"type": "double", "name": "noise", "required": true}]'


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Decides by its first column alone."""
    import pandas as pd

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


def test_what_cannot_be_explained_is_told(table: Model, digits: Model, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="one item is explained at a time, the request has 2"):
        explain(table, {"tells": np.asarray([1.0, 2.0]), "noise": np.asarray([1.0, 2.0])}, {})
    with pytest.raises(BadInput, match="arrays of numbers are not"):
        explain(digits, {"input-0": PIXELS[:1]}, {})
    with pytest.raises(BadInput, match="only classifiers"):
        explain(load_model(save_line(tmp_path)), {"x": np.asarray([[1.0]])}, {})
