"""A loaded model: from named tensors to named tensors, whatever its flavour."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from treadle.api.reasons import Reason
from treadle.contracts.labels import Boxes, ImageSize
from treadle.contracts.model import ITEM, LABEL, SCORE, ClassPrediction
from treadle.predictors import lightgbm, onnx, pyfunc, sklearn, xgboost
from treadle.predictors._arrange import arrange
from treadle.predictors._boxes import BoxOutputs, read_outputs
from treadle.predictors._chances import UNSAID, Chances, in_unit, of_chances
from treadle.predictors._errors import BadInput, Misfit, NotLoadable
from treadle.predictors._items import ImageItems, read_items
from treadle.predictors._manifest import Manifest, read_manifest
from treadle.predictors._signature import Signature, Tensor
from treadle.predictors._twin import NoTwin, twin_of
from treadle.predictors._versions import OtherVersion, other_versions
from treadle.predictors.sklearn import SklearnEstimator

Answer = TypeVar("Answer")
PREDICTIONS = "predictions"
"""The output that has no other name."""


class Estimator(Protocol):
    """What a flavour's file gives."""

    @property
    def classifies(self) -> bool:
        """Whether it answers one of several classes."""

    @property
    def by_row(self) -> bool:
        """Whether the answer to a row is the same whatever other rows are asked about with it."""

    def predict(self, features: Any) -> NDArray[Any]:
        """The model's own answer, one entry per row."""

    def classify(self, features: Any) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        """The label of each row, and how sure the model is of it (0 to 1) if it can tell."""

    def chances(self, features: Any) -> Chances | None:
        """The probability of each class, if it can tell."""


@dataclass(frozen=True)
class Prediction:
    """An answer: tensors by name, in the order in which they are told. `rows` is the size of the batch, `given` what the estimator was given
    (see `feature_columns`).
    """

    outputs: Mapping[str, NDArray[Any]]
    rows: int
    given: Any = None


@dataclass(frozen=True)
class Model:
    """A model that is ready to answer. Safe to call from several threads.

    Attributes:
        flavour: of the file that was loaded, e.g. `sklearn`.
        signature: what it takes and gives as numbers.
        items: how image items become these numbers; None when the model does not take items.
        boxes: how its outputs become boxes; None when it finds none.
        others: libraries that are installed in another version than it was saved with.
    """

    flavour: str
    signature: Signature
    items: ImageItems | None
    estimator: Estimator
    others: Sequence[OtherVersion] = ()
    boxes: BoxOutputs | None = None

    @property
    def inputs(self) -> Sequence[Tensor]:
        """What a request may carry: the signature's inputs, or one tensor `item` when items are declared."""
        return (Tensor(ITEM, "BYTES", (-1,)), *self.signature.inputs) if self.items or self.takes_texts else self.signature.inputs

    @property
    def outputs(self) -> Sequence[Tensor]:
        """What an answer carries: label and score of a classifier, else the signature's outputs."""
        if self.estimator.classifies:
            return (Tensor(LABEL, "BYTES", (-1,)), Tensor(SCORE, "FP64", (-1,)))
        return self.signature.outputs or (Tensor(PREDICTIONS, "FP64", (-1,)),)

    @property
    def takes_texts(self) -> bool:
        """Whether its only input is text: then an item is the text itself, in UTF-8."""
        return self.items is None and [tensor.datatype for tensor in self.signature.inputs] == ["BYTES"]

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Prediction:
        """Answer by the prediction contract: `label` (text) and `score` of a classifier, else the signature's own output.

        Raises:
            BadInput: when the inputs do not fit.
        """
        return self.infer_given(self.given(inputs))

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> Prediction:
        """The model's own `predict` in the output `predictions`, as MLflow's scoring server answers it.

        Raises:
            BadInput: when the inputs do not fit.
        """
        return self.predict_given(self.given(inputs))

    def infer_given(self, features: Any) -> Prediction:
        """Answer by the prediction contract about what `given` made.

        Raises:
            BadInput: when the model cannot take it.
        """
        if self.estimator.classifies:
            labels, scores = _guarded(lambda: self.estimator.classify(features))
            told: dict[str, NDArray[Any]] = {LABEL: np.asarray([str(label) for label in labels.tolist()], dtype=object)}
            return Prediction(told if scores is None else told | {SCORE: scores}, len(labels), features)
        answer = _guarded(lambda: self.estimator.predict(features))
        return Prediction({self.outputs[0].name: answer}, len(answer), features)

    def predict_given(self, features: Any) -> Prediction:
        """The model's own answer to what `given` made.

        Raises:
            BadInput: when the model cannot take it.
        """
        answer = _guarded(lambda: self.estimator.predict(features))
        return Prediction({PREDICTIONS: answer}, len(answer), features)

    def propose(self, contents: Sequence[bytes], sizes: Sequence[ImageSize | None]) -> list[ClassPrediction | Boxes]:
        """Answer items as proposals of labels: classes with the score of each, or boxes in the pixels of the items.

        Args:
            contents: of the items.
            sizes: of the items, where they are images.

        Raises:
            BadInput: when the items do not fit, or the model proposes nothing.
        """
        if self.boxes is not None:
            return [self.find(content, size)[0] for content, size in zip(contents, sizes, strict=True)]
        encoded = np.empty(len(contents), dtype=object)
        encoded[:] = list(contents)
        if not self.estimator.classifies:
            raise BadInput("the model answers neither classes nor boxes: it is no classifier, and was logged without metadata `treadle.output`")
        features = self.given({ITEM: encoded})
        if (told := _guarded(lambda: self.estimator.chances(features))) is not None:
            return [of_chances(told[0], row) for row in told[1]]
        labels, scores = _guarded(lambda: self.estimator.classify(features))
        sure = [UNSAID] * len(labels) if scores is None else [in_unit(score) for score in scores]
        return [ClassPrediction(label=str(label), score=score) for label, score in zip(labels, sure, strict=True)]

    def find(self, content: bytes, size: ImageSize | None) -> tuple[Boxes, Any]:
        """The boxes in an image, in its pixels, and what the graph was given of it (see `feature_columns`).

        Raises:
            BadInput: when the image does not fit, or the model finds no boxes in images.
        """
        if self.boxes is None or self.items is None or not isinstance(self.estimator, onnx.OnnxGraph):
            raise BadInput("boxes are found by models of flavour onnx that were logged with metadata `treadle.input` and `treadle.output`")
        encoded = np.empty(1, dtype=object)
        encoded[0] = content
        given = self.given({ITEM: encoded})
        return self.boxes.read(self.estimator.outputs(given), self.items, size or ImageSize(width=self.items.width, height=self.items.height)), given

    def answer_columns(self, prediction: Prediction) -> Mapping[str, NDArray[Any]]:
        """What it answered, as columns: of a classifier `label` and (where it told) `score`, of another model each output of one number per item."""
        told = {name: values for name, values in prediction.outputs.items() if name in (LABEL, SCORE)}
        if not told and self.estimator.classifies and PREDICTIONS in prediction.outputs:
            return {LABEL: np.asarray([str(label) for label in prediction.outputs[PREDICTIONS].tolist()], dtype=object)}
        numbers = {
            name: values.ravel() for name, values in prediction.outputs.items() if values.size == prediction.rows and values.dtype.kind in "iuf"
        }
        return told or numbers

    def given(self, inputs: Mapping[str, NDArray[Any]]) -> Any:
        """What the estimator is given for these inputs: a data frame, or an array.

        Raises:
            BadInput: when they do not fit the signature.
        """
        if ITEM in inputs and not any(tensor.name == ITEM for tensor in self.signature.inputs):
            if len(inputs) == 1 and self.takes_texts:
                return self._texts(inputs[ITEM])
            if self.items is None:
                raise BadInput("the model takes no items: it was logged without metadata `treadle.input`; send its numbers instead", Misfit.UNKNOWN)
            if len(inputs) > 1:
                raise BadInput("`item` stands alone: send either items or the model's own inputs", Misfit.UNKNOWN)
            return self._decode(self.items, inputs[ITEM])
        return arrange(self.signature, inputs)

    def _texts(self, encoded: NDArray[Any]) -> Any:
        try:
            items = encoded.ravel().tolist()
            texts = np.asarray([item.decode("utf-8-sig") if isinstance(item, bytes) else str(item) for item in items], dtype=object)
        except UnicodeDecodeError as error:
            raise BadInput(f"`item` must be text in UTF-8: {error.reason}") from error
        (wanted,) = self.signature.inputs
        if self.signature.table and not wanted.named:
            return texts  # a list of texts, as the estimator was trained on
        return arrange(self.signature, {wanted.name: texts.reshape(-1, *wanted.shape[1:])})

    def _decode(self, items: ImageItems, encoded: NDArray[Any]) -> Any:
        if encoded.ndim != 1 or not len(encoded) or not all(isinstance(item, bytes) for item in encoded):
            raise BadInput("`item` must be a list of images in datatype BYTES with shape [n], n at least 1", Misfit.TYPE)
        pixels = items.decode(list(encoded))
        if len(self.signature.inputs) == 1 and not self.signature.table:
            return arrange(self.signature, {self.signature.inputs[0].name: pixels.reshape(len(pixels), *self.signature.inputs[0].shape[1:])})
        return arrange(self.signature, {"pixels": pixels})


def _guarded(call: Callable[[], Answer]) -> Answer:
    """What estimators raise for values they cannot take (NaN, unknown category, wrong width) is the caller's matter."""
    try:
        return call()
    except (ValueError, TypeError, ArithmeticError) as error:
        raise BadInput(f"the model cannot take these values: {error}") from error


FLAVOURS: Mapping[str, Callable[[Manifest, Mapping[str, Any]], Estimator]] = {
    onnx.FLAVOUR: onnx.load,
    xgboost.FLAVOUR: xgboost.load,
    lightgbm.FLAVOUR: lightgbm.load,
    sklearn.FLAVOUR: sklearn.load,
}
"""What can be loaded; the first flavour that a model has wins."""


def with_twin(model: Model, sample: NDArray[np.float64] | None = None) -> Model:
    """The model with its ONNX twin in its place; `sample` are rows as it meets them, on which both are compared.

    Raises:
        NoTwin: when there is none that answers the same.
    """
    if not isinstance(model.estimator, SklearnEstimator):
        raise NoTwin(f"models of flavour {model.flavour} have none")
    inputs = model.signature.inputs
    if not inputs or any(tensor.datatype == "BYTES" for tensor in inputs):
        raise NoTwin("it takes text, or has no signature")
    columns = len(inputs) if model.signature.table else int(np.prod(inputs[0].shape[1:]))
    if columns < 1 or (not model.signature.table and len(inputs) > 1):
        raise NoTwin("its inputs have no fixed size")
    twin = twin_of(model.estimator, columns, sample, [tensor.name for tensor in inputs] if model.signature.table else ())
    return replace(model, flavour=f"{model.flavour}+onnx", estimator=twin)


def load_model(directory: Path, *, allow_pickle: bool = False) -> Model:
    """Load the model that MLflow saved in `directory`. `allow_pickle`: the user allowed that this runs code of the model.

    Raises:
        NotLoadable: when it cannot be served; the reason says why.
    """
    manifest = read_manifest(directory, trusted=allow_pickle)
    flavour = next((flavour for flavour in FLAVOURS if flavour in manifest.flavours), None)
    if flavour is None and pyfunc.serves(manifest):
        flavour = pyfunc.FLAVOUR
    if flavour is None:
        found = ", ".join(sorted(map(str, manifest.flavours))) or "none"
        raise NotLoadable(Reason.ModelFlavourNotSupported, f"the model has the flavours {found}; served are {', '.join(FLAVOURS)}")
    items = read_items(manifest.metadata)
    _check_items(items, manifest.signature)
    settings = manifest.flavours[flavour]
    load = FLAVOURS.get(flavour, pyfunc.load)
    return Model(flavour, manifest.signature, items, load(manifest, settings), other_versions(settings), read_outputs(manifest.metadata))


def _check_items(items: ImageItems | None, signature: Signature) -> None:
    """What images become must be what the model takes, or every request would fail.

    Raises:
        NotLoadable: when it is not.
    """
    if items is None or not signature.inputs:
        return
    row = np.zeros((1, items.numbers))
    try:
        if signature.table or len(signature.inputs) > 1:
            arrange(signature, {"pixels": row})
        else:
            row.reshape(1, *signature.inputs[0].shape[1:])
    except ValueError as error:  # BadInput is one
        message = f"metadata `treadle.input` makes {items.numbers} numbers of an image, which the signature does not take: {error}"
        raise NotLoadable(Reason.ModelNotReadable, message) from error
