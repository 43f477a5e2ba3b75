"""The ONNX flavour, run by ONNX Runtime on CPU. A file holds a graph of known operators and numbers; custom operators are not loaded."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.api.reasons import Reason
from treadle.predictors._chances import Chances
from treadle.predictors._errors import BadInput, NotLoadable
from treadle.predictors._manifest import Manifest

FLAVOUR = "onnx"
ELEMENTS: Mapping[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}
DECIDED = ("tensor(int64)", "tensor(string)")
"""Types of a first output that is a decision; a second output then holds the probabilities, as converters of classifiers write them."""


class OnnxGraph:
    """A graph with one or more inputs. `refusals` are what ONNX Runtime raises for values that do not fit it."""

    def __init__(self, session: Any, refusals: tuple[type[Exception], ...]) -> None:
        self._session, self._refusals = session, refusals
        self._inputs: Sequence[Any] = session.get_inputs()
        self._outputs: Sequence[Any] = session.get_outputs()
        self._classifies = len(self._outputs) == 2 and self._outputs[0].type in DECIDED
        self._maps = self._classifies and self._outputs[1].type.startswith("seq(map(")

    @property
    def classifies(self) -> bool:
        """Whether it answers one of several classes."""
        return self._classifies

    @property
    def by_row(self) -> bool:
        """Whether it takes any number of rows."""
        return all(wanted.shape and not isinstance(wanted.shape[0], int) for wanted in self._inputs)

    def predict(self, features: Any) -> NDArray[Any]:
        """The graph's first output."""
        return np.asarray(self._run(features)[0])

    def classify(self, features: Any) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        """The label of each row and its probability."""
        labels, told = self._run(features)
        if self._maps:
            return np.asarray(labels), np.asarray([max(row.values()) for row in told], dtype=np.float64)
        return np.asarray(labels), np.asarray(told, dtype=np.float64).reshape(len(labels), -1).max(axis=1)

    def chances(self, features: Any) -> Chances | None:
        """The probability of each class, where the graph names the classes beside them."""
        if not self._maps:
            return None
        _, told = self._run(features)
        labels = sorted({label for row in told for label in row})
        return [str(label) for label in labels], np.asarray([[row.get(label, 0.0) for label in labels] for row in told], dtype=np.float64)

    def outputs(self, features: Any) -> Mapping[str, NDArray[Any]]:
        """Everything the graph answers, by the names of its outputs."""
        return {output.name: np.asarray(answer) for output, answer in zip(self._outputs, self._run(features), strict=True)}

    def _run(self, features: Any) -> Sequence[Any]:
        try:
            answers: Sequence[Any] = self._session.run(None, self._named(features))
        except self._refusals as error:
            raise BadInput(f"the model cannot take these values: {str(error).splitlines()[0]}") from error
        return answers

    def _named(self, features: Any) -> dict[str, NDArray[Any]]:
        if len(self._inputs) == 1:
            return {self._inputs[0].name: _as(self._inputs[0], np.asarray(features))}
        if not hasattr(features, "columns"):
            raise BadInput(f"the model has {len(self._inputs)} inputs: log it with a signature of columns")
        return {wanted.name: _as(wanted, features[wanted.name].to_numpy().reshape(-1, 1)) for wanted in self._inputs}


def _as(wanted: Any, values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(ELEMENTS.get(wanted.type, np.float32), copy=False)


def load(manifest: Manifest, settings: Mapping[str, Any]) -> OnnxGraph:
    """Load the graph that the flavour's settings name.

    Raises:
        NotLoadable: when ONNX Runtime cannot read it, or it asks for operators that are not there.
    """
    path = manifest.file(settings.get("data"))
    import onnxruntime  # only when a model of this flavour is loaded
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, RuntimeException

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # a broken or newer file, by any of ONNX Runtime's errors
        saved = f"{path.name} (saved with ONNX {settings.get('onnx_version')})"
        raise NotLoadable(Reason.ModelNotReadable, f"{saved} cannot be read: {type(error).__name__}: {str(error).splitlines()[0]}") from error
    return OnnxGraph(session, (Fail, InvalidArgument, RuntimeException))
