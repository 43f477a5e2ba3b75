"""Model directories as MLflow 3.17 writes them, made without MLflow: real estimators, real skops files, its `MLmodel` text."""

import base64
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from skops import io as skops_io

DIGITS = load_digits()
PIXELS = np.round(DIGITS.data * 255 / 16)
LABELS = DIGITS.target.astype(str)
PIXEL_SIGNATURE = {
    "inputs": '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 64]}}]',
    "outputs": '[{"type": "tensor", "tensor-spec": {"dtype": "str", "shape": [-1]}}]',
    "params": None,
}


def png(index: int) -> bytes:
    """One digit as an image file."""
    file = io.BytesIO()
    Image.fromarray(PIXELS[index].reshape(8, 8).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def png_text(index: int) -> str:
    """The same as a request carries it."""
    return base64.b64encode(png(index)).decode()


def save(
    directory: Path, estimator: Any, *, signature: dict[str, Any] | None = None, metadata: dict[str, Any] | None = None, **settings: Any
) -> Path:
    """Write a model directory; `settings` change the sklearn flavour's block."""
    directory.mkdir(parents=True, exist_ok=True)
    skops_io.dump(estimator, directory / "model.skops")
    flavour = {"code": None, "pickled_model": "model.skops", "serialization_format": "skops", "sklearn_version": "1.9.1", "skops_trusted_types": None}
    flavours = {"python_function": {"loader_module": "mlflow.sklearn", "model_path": "model.skops"}, "sklearn": flavour | settings}
    manifest = {"flavors": flavours, "metadata": metadata, "mlflow_version": "3.17.2", "signature": signature}
    (directory / "MLmodel").write_text(yaml.safe_dump(manifest))
    return directory


@cache
def trained_on_digits() -> Any:
    """Trained once per process: it takes a second, and many tests want it."""
    return make_pipeline(MinMaxScaler(), LogisticRegression(max_iter=300)).fit(PIXELS[:1500], LABELS[:1500])


def save_digits(directory: Path) -> Path:
    """A classifier of images, trained on the first 1500 digits; the rest is held out."""
    return save(directory, trained_on_digits(), signature=PIXEL_SIGNATURE, metadata={"treadle.input": "image/grayscale/8x8"})


def save_iris(directory: Path, *, forest: bool = False, **settings: Any) -> Path:
    """A classifier of a table with four columns."""
    table, target = load_iris(as_frame=True, return_X_y=True)
    estimator = RandomForestClassifier(3, random_state=1) if forest else LogisticRegression(max_iter=500)
    columns = [{"type": "double", "name": name, "required": True} for name in table.columns]
    return save(directory, estimator.fit(table, target), signature={"inputs": json.dumps(columns), "outputs": None}, **settings)


def save_line(directory: Path) -> Path:
    """A regression without a signature."""
    return save(directory, LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0]))
