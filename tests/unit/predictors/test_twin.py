"""ONNX twins: real models and real graphs that answer the same, and models that stay as they are."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_iris

from tests.unit.predictors.models import PIXELS, png, save_digits, save_iris, save_line
from treadle.predictors import Model, NoTwin, load_model, with_twin
from treadle.predictors.onnx import OnnxGraph

IRIS = load_iris(as_frame=True).data


def both(directory: Path) -> tuple[Model, Model]:
    model = load_model(directory)
    return model, with_twin(model)


def test_images_get_the_same_answers(tmp_path: Path) -> None:
    model, twin = both(save_digits(tmp_path))
    assert twin.flavour == "sklearn+onnx"
    images = {"item": np.asarray([png(index) for index in range(1500, 1600)], dtype=object)}
    mine, theirs = model.infer(images), twin.infer(images)
    assert mine.outputs["label"].tolist() == theirs.outputs["label"].tolist()
    assert theirs.outputs["score"] == pytest.approx(mine.outputs["score"], abs=1e-4)
    numbers = {"input-0": PIXELS[1500:]}
    assert model.predict(numbers).outputs["predictions"].tolist() == twin.predict(numbers).outputs["predictions"].tolist()


@pytest.mark.parametrize("forest", [False, True])
def test_tables_get_the_same_answers_with_labels_of_the_same_type(tmp_path: Path, forest: bool) -> None:
    trusted = {"skops_trusted_types": ["sklearn.tree._tree.Tree"]} if forest else {}
    model, twin = both(save_iris(tmp_path, forest=forest, **trusted))
    table = {name: IRIS[name].to_numpy() for name in IRIS.columns}
    mine, theirs = model.predict(table).outputs["predictions"], twin.predict(table).outputs["predictions"]
    assert (mine == theirs).mean() >= 0.98
    assert mine.dtype == theirs.dtype


def test_a_twin_that_decides_otherwise_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(graph: OnnxGraph, features: NDArray[np.float32]) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
        return np.asarray(["3"] * len(features)), np.ones(len(features))

    monkeypatch.setattr(OnnxGraph, "classify", other)
    with pytest.raises(NoTwin, match="decides otherwise for"):
        both(save_digits(tmp_path))


def test_a_twin_that_is_less_sure_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = OnnxGraph.classify

    def unsure(graph: OnnxGraph, features: NDArray[np.float32]) -> tuple[NDArray[np.str_], NDArray[np.float64] | None]:
        labels, scores = honest(graph, features)
        return labels, None if scores is None else scores * 0.9

    monkeypatch.setattr(OnnxGraph, "classify", unsure)
    with pytest.raises(NoTwin, match="scores are up to"):
        both(save_digits(tmp_path))


def test_a_model_whose_inputs_nobody_declared_stays_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(NoTwin, match="no signature"):
        both(save_line(tmp_path))
