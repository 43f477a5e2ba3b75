"""XGBoost and ONNX: real files of both, in the directories that MLflow writes, answer as the library itself does."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
import yaml
from skl2onnx import to_onnx
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression

from treadle.predictors import BadInput, NotLoadable, load_model

IRIS, SPECIES = load_iris(as_frame=True, return_X_y=True)
COLUMNS = [{"type": "double", "name": name, "required": True} for name in IRIS.columns]


def saved(directory: Path, flavour: str, settings: dict[str, Any], *, columns: bool = True) -> Path:
    """The `MLmodel` file beside a model file that is there already."""
    signature = {"inputs": json.dumps(COLUMNS), "outputs": None} if columns else None
    (directory / "MLmodel").write_text(yaml.safe_dump({"flavors": {flavour: settings}, "mlflow_version": "3.17.2", "signature": signature}))
    return directory


def save_xgboost(directory: Path, model: Any, file: str = "model.ubj") -> Path:
    model.save_model(directory / file)
    return saved(directory, "xgboost", {"data": file, "model_class": f"{type(model).__module__}.{type(model).__name__}", "xgb_version": "3.2.0"})


def table(rows: int = 40) -> dict[str, Any]:
    return {name: IRIS[name].to_numpy()[::3][:rows] for name in IRIS.columns}


@pytest.mark.parametrize("file", ["model.ubj", "model.json"])
def test_an_xgboost_classifier_answers_class_and_probability(tmp_path: Path, file: str) -> None:
    model = xgboost.XGBClassifier(n_estimators=5, max_depth=2).fit(IRIS, SPECIES)
    answer = load_model(save_xgboost(tmp_path, model, file)).infer(table())
    probabilities = model.predict_proba(IRIS.iloc[::3][:40])
    assert answer.outputs["label"].tolist() == [str(label) for label in probabilities.argmax(axis=1)]
    assert answer.outputs["score"] == pytest.approx(probabilities.max(axis=1), abs=1e-6)


def test_an_xgboost_classifier_of_two_classes(tmp_path: Path) -> None:
    model = xgboost.XGBClassifier(n_estimators=5, max_depth=2).fit(IRIS, SPECIES == 1)
    loaded = load_model(save_xgboost(tmp_path, model))
    answer = loaded.infer(table())
    assert answer.outputs["label"].tolist() == [str(int(label)) for label in model.predict(IRIS.iloc[::3][:40])]
    assert (answer.outputs["score"] >= 0.5).all()
    assert loaded.predict(table()).outputs["predictions"].tolist() == model.predict(IRIS.iloc[::3][:40]).tolist()


def test_an_xgboost_regression_and_a_plain_booster(tmp_path: Path) -> None:
    features, target = load_diabetes(return_X_y=True)
    model = xgboost.XGBRegressor(n_estimators=5, max_depth=2).fit(features, target)
    model.save_model(tmp_path / "model.ubj")
    saved(tmp_path, "xgboost", {"data": "model.ubj", "model_class": "xgboost.core.Booster"}, columns=False)
    answer = load_model(tmp_path).infer({"x": features[:30]})
    assert answer.outputs["predictions"] == pytest.approx(model.predict(features[:30]), abs=1e-3)


@pytest.mark.parametrize("zipmap", [True, False], ids=["probabilities as maps", "probabilities as a table"])
def test_an_onnx_classifier_answers_label_and_probability(tmp_path: Path, zipmap: bool) -> None:
    names = np.array(["setosa", "versicolor", "virginica"])
    model = LogisticRegression(max_iter=500).fit(IRIS.to_numpy(), names[SPECIES])
    graph = to_onnx(model, IRIS.to_numpy()[:1].astype(np.float32), options={"zipmap": zipmap})
    (tmp_path / "model.onnx").write_bytes(graph.SerializeToString())
    loaded = load_model(saved(tmp_path, "onnx", {"data": "model.onnx", "onnx_version": "1.19"}))
    answer = loaded.infer(table())
    rows = IRIS.to_numpy()[::3][:40]
    assert answer.outputs["label"].tolist() == model.predict(rows).tolist()
    assert answer.outputs["score"] == pytest.approx(model.predict_proba(rows).max(axis=1), abs=1e-5)


def test_an_onnx_regression_without_a_signature(tmp_path: Path) -> None:
    features, target = load_diabetes(return_X_y=True)
    model = LinearRegression().fit(features, target)
    (tmp_path / "model.onnx").write_bytes(to_onnx(model, features[:1].astype(np.float32)).SerializeToString())
    answer = load_model(saved(tmp_path, "onnx", {"data": "model.onnx"}, columns=False)).infer({"x": features[:30]})
    assert answer.outputs["predictions"].ravel() == pytest.approx(model.predict(features[:30]), rel=1e-4)


@pytest.mark.parametrize(("flavour", "file"), [("onnx", "model.onnx"), ("xgboost", "model.ubj"), ("xgboost", "model.json")])
def test_a_damaged_file_is_told(tmp_path: Path, flavour: str, file: str) -> None:
    (tmp_path / file).write_bytes(b"\x00 not a model")
    with pytest.raises(NotLoadable, match=file):
        load_model(saved(tmp_path, flavour, {"data": file, "model_class": "xgboost.core.Booster"}))


def test_values_that_do_not_fit_are_the_callers_matter(tmp_path: Path) -> None:
    features, target = load_diabetes(return_X_y=True)
    (tmp_path / "model.onnx").write_bytes(to_onnx(LinearRegression().fit(features, target), features[:1].astype(np.float32)).SerializeToString())
    loaded = load_model(saved(tmp_path, "onnx", {"data": "model.onnx"}, columns=False))
    for wrong in (np.zeros((2, 3)), np.array([["a", "b"]], dtype=object)):
        with pytest.raises(BadInput, match="cannot take these values"):
            loaded.infer({"x": wrong})
    booster = tmp_path / "booster"
    booster.mkdir()
    xgboost.XGBRegressor(n_estimators=2).fit(features, target).save_model(booster / "model.ubj")
    loaded = load_model(saved(booster, "xgboost", {"data": "model.ubj", "model_class": "xgboost.core.Booster"}, columns=False))
    with pytest.raises(BadInput):
        loaded.infer({"x": np.zeros((2, 3))})
