"""LightGBM models, and what runs code when it is loaded: never unasked, and then as its author meant it."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from lightgbm import LGBMClassifier, LGBMRegressor
from skops import io as skops_io
from xgboost import XGBClassifier

from tests.unit.predictors.models import save_iris
from tests.unit.predictors.test_other_flavours import IRIS, SPECIES, save_xgboost, saved, table
from treadle.api.reasons import Reason
from treadle.predictors import BadInput, NotLoadable, explain, load_model

LISTED = ["collections.OrderedDict", "lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier", "lightgbm.sklearn.LGBMRegressor"]
"""As MLflow 3.17 lists them."""


def save_lightgbm(directory: Path, model: Any, *, listed: list[str] = LISTED) -> Path:
    directory.mkdir(exist_ok=True)
    skops_io.dump(model, directory / "model.skops")
    settings = {"data": "model.skops", "lgb_version": "4.7.0", "serialization_format": "skops", "skops_trusted_types": listed}
    return saved(directory, "lightgbm", settings | {"model_class": f"{type(model).__module__}.{type(model).__name__}"})


def classifier(target: Any = SPECIES) -> Any:
    return LGBMClassifier(n_estimators=5, num_leaves=4, verbose=-1).fit(IRIS, target)


def test_a_lightgbm_classifier_answers_label_and_probability(tmp_path: Path) -> None:
    model = classifier()
    loaded = load_model(save_lightgbm(tmp_path, model))
    answer, known = loaded.infer(table()), model.predict_proba(IRIS.iloc[::3][:40])
    assert loaded.flavour == "lightgbm"
    assert answer.outputs["label"].tolist() == [str(label) for label in known.argmax(axis=1)]
    assert answer.outputs["score"] == pytest.approx(known.max(axis=1))


def test_lightgbm_types_are_loaded_only_where_they_are_listed(tmp_path: Path) -> None:
    with pytest.raises(NotLoadable) as refused:
        load_model(save_lightgbm(tmp_path, classifier(), listed=[]))
    assert refused.value.reason is Reason.ModelTypesNotTrusted


def test_a_lightgbm_booster_and_a_regression_answer_numbers(tmp_path: Path) -> None:
    model = LGBMRegressor(n_estimators=5, num_leaves=4, verbose=-1).fit(IRIS, SPECIES)
    known = model.predict(IRIS.iloc[::3][:40])
    assert load_model(save_lightgbm(tmp_path / "estimator", model)).infer(table()).outputs["predictions"] == pytest.approx(known)
    directory = tmp_path / "booster"
    directory.mkdir()
    model.booster_.save_model(directory / "model.lgb")
    saved(directory, "lightgbm", {"data": "model.lgb", "model_class": "lightgbm.basic.Booster", "lgb_version": "4.7.0"})
    assert load_model(directory).infer(table()).outputs["predictions"] == pytest.approx(known)
    (directory / "model.lgb").write_text("tree\n")
    with pytest.raises(NotLoadable, match="saved with LightGBM"):
        load_model(directory)


@pytest.mark.parametrize("kind", ["lightgbm", "xgboost"])
@pytest.mark.parametrize("classes", [2, 3])
def test_boosted_trees_say_themselves_what_each_column_contributed(tmp_path: Path, kind: str, classes: int) -> None:
    target = SPECIES if classes == 3 else (SPECIES == 2).astype(int)
    if kind == "lightgbm":
        directory = save_lightgbm(tmp_path, classifier(target))
    else:
        directory = save_xgboost(tmp_path, XGBClassifier(n_estimators=5, max_depth=2).fit(IRIS, target))
    loaded = load_model(directory)
    for row in (0, 149):
        found = explain(loaded, {name: IRIS[name].to_numpy()[row : row + 1] for name in IRIS.columns}, {})
        assert found.method == "Contributions"
        assert next(iter(found.columns)).startswith("petal")
        assert next(iter(found.columns.values())) > 0, "it spoke for the decision, whichever class that was"


def test_a_pickle_is_read_where_the_user_allowed_it(tmp_path: Path) -> None:
    save_iris(tmp_path, serialization_format="cloudpickle", pickled_model="model.pkl")
    estimator = skops_io.load(tmp_path / "model.skops", trusted=[])
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(estimator))
    assert load_model(tmp_path, allow_pickle=True).infer(table()).outputs["label"].tolist() == [
        str(label) for label in estimator.predict(IRIS.iloc[::3][:40])
    ]
    (tmp_path / "model.pkl").write_bytes(b"broken")
    with pytest.raises(NotLoadable, match=r"model\.pkl \(saved with scikit-learn .*\) cannot be read"):
        load_model(tmp_path, allow_pickle=True)


def test_a_model_of_code_says_what_it_needs(tmp_path: Path) -> None:
    flavours = {"python_function": {"loader_module": "mlflow.pyfunc.model", "python_model": "python_model.pkl"}}
    (tmp_path / "MLmodel").write_text(yaml.safe_dump({"flavors": flavours}))
    with pytest.raises(NotLoadable, match=r"set spec\.runtime\.allowPickle") as refused:
        load_model(tmp_path)
    assert refused.value.reason is Reason.PickleNotAllowed
    with pytest.raises(NotLoadable, match=r"needs the package mlflow, which the image lacks"):
        load_model(tmp_path, allow_pickle=True)


def test_answers_of_code_become_arrays_and_its_errors_the_callers_matter() -> None:
    from treadle.predictors.pyfunc import PythonModel

    class Code:
        def predict(self, features: Any) -> Any:
            if features is None:
                raise KeyError("column")
            return IRIS[["sepal length (cm)"]] if features == "table" else [1, 2]

    model = PythonModel(Code())
    assert model.predict("list").tolist() == [1, 2]
    assert model.predict("table").shape == (len(IRIS),)
    assert np.isfinite(model.classify("table")[0]).all()
    with pytest.raises(BadInput, match="the model's code refused: KeyError"):
        model.predict(None)
