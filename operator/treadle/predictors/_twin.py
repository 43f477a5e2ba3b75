"""A scikit-learn model as an ONNX graph: the same answers, several times faster. Taken only where both agree on a thousand rows.

A graph counts with 32 bits, so that a row which lies next to a decision boundary may fall to the other side. That is why it is asked for, and why
it is compared with the model that it stands for before it answers anybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.predictors._chances import Chances
from treadle.predictors._errors import BadInput
from treadle.predictors.onnx import OnnxGraph
from treadle.predictors.sklearn import SklearnEstimator

ROWS = 1000
AGREEMENT = 0.995
"""Share of rows on which both must decide the same."""
TOLERANCE = 1e-3
"""How far scores, or the numbers of a regression relative to their spread, may be apart."""


class NoTwin(Exception):  # noqa: N818
    """The model stays as it is; the message says why."""


@dataclass(frozen=True)
class Twin:
    """The graph in place of the model; it takes what the model takes."""

    graph: OnnxGraph
    labels: NDArray[Any] | None
    """The classes as the model has them; None of a regression."""

    @property
    def classifies(self) -> bool:
        """Whether it answers one of several classes."""
        return self.labels is not None

    @property
    def by_row(self) -> bool:
        """As its graph."""
        return self.graph.by_row

    def predict(self, features: Any) -> NDArray[Any]:
        """What `predict` of the model answers."""
        return self.classify(features)[0] if self.classifies else self.graph.predict(_matrix(features)).reshape(len(features))

    def classify(self, features: Any) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        """The label of each row and its probability."""
        labels, scores = self.graph.classify(_matrix(features))
        return labels.astype(self.labels.dtype) if self.labels is not None else labels, scores

    def chances(self, features: Any) -> Chances | None:
        """None: whoever wants all probabilities asks the model itself."""
        return None


def twin_of(model: SklearnEstimator, columns: int, sample: NDArray[np.float64] | None, names: Sequence[str] = ()) -> Twin:
    """The graph of a model that takes so many numbers.

    Args:
        model: as it was loaded.
        columns: numbers per row.
        sample: rows as the model meets them, for the comparison; None: random ones.
        names: of the columns, where it was trained on a table.

    Raises:
        NoTwin: when it cannot be converted, or answers otherwise.
    """
    import onnxruntime
    from skl2onnx import to_onnx

    try:
        converted = to_onnx(model.estimator, np.zeros((1, columns), dtype=np.float32), options=_options(model))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(converted.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # converters raise what their parts raise
        raise NoTwin(f"it cannot be converted: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}") from error
    twin = Twin(OnnxGraph(session, (Exception,)), model.labels)
    rows = sample if sample is not None and len(sample) else _random(columns)
    _compare(model, twin, rows[:ROWS], names)
    return twin


def _options(model: SklearnEstimator) -> dict[str, bool] | None:
    return {"zipmap": False} if model.classifies else None


def _compare(model: SklearnEstimator, twin: Twin, rows: NDArray[np.float64], names: Sequence[str]) -> None:
    given: Any = rows
    if names:
        import pandas as pd

        given = pd.DataFrame(rows, columns=list(names))
    try:
        if model.classifies:
            _compare_classes(model.classify(given), twin.classify(given))
        else:
            mine, theirs = np.asarray(model.predict(given), dtype=np.float64).ravel(), np.asarray(twin.predict(given), dtype=np.float64)
            apart, spread = float(np.abs(mine - theirs).max()), float(mine.std()) or 1.0
            if apart > TOLERANCE * spread:
                raise NoTwin(f"its numbers are up to {apart:.2g} apart, with a spread of {spread:.2g}")
    except (BadInput, ValueError, TypeError) as error:
        raise NoTwin(f"it cannot be compared: {error}") from error


Classified = tuple[NDArray[Any], NDArray[np.float64] | None]


def _compare_classes(model: Classified, twin: Classified) -> None:
    same = np.asarray(model[0]) == np.asarray(twin[0])
    if same.mean() < AGREEMENT:
        raise NoTwin(f"it decides otherwise for {int((~same).sum())} of {len(same)} rows")
    if model[1] is None or twin[1] is None:
        raise NoTwin("the model tells no probabilities")
    apart = float(np.abs(model[1][same] - twin[1][same]).max())
    if apart > TOLERANCE:
        raise NoTwin(f"its scores are up to {apart:.2g} apart")


def _random(columns: int) -> NDArray[np.float64]:
    """Rows of several scales, where nobody knows what rows look like."""
    random = np.random.default_rng(1)
    scales = random.choice([1.0, 10.0, 255.0], size=(ROWS, 1))
    return np.asarray(random.uniform(-0.2, 1.0, (ROWS, columns)) * scales, dtype=np.float64)


def _matrix(features: Any) -> NDArray[np.float32]:
    values = features.to_numpy() if hasattr(features, "to_numpy") else np.asarray(features)
    return np.asarray(values, dtype=np.float32).reshape(len(values), -1)


__all__ = ["NoTwin", "Twin", "twin_of"]
