"""Load and call a model: one file per flavour, chosen by what the model's `MLmodel` file says. The only room that may ever unpickle,
where the user allowed it.

A model directory is read as MLflow wrote it, without the mlflow package. Everything that goes wrong is one of two errors: `NotLoadable` (the model
cannot be served; a person must act) or `BadInput` (a request does not fit the model; the caller must act).
"""

from treadle.predictors._elements import ELEMENTS
from treadle.predictors._errors import BadInput, Misfit, NotLoadable
from treadle.predictors._explain import Explanation, explain
from treadle.predictors._features import feature_columns, joined
from treadle.predictors._model import PREDICTIONS, Model, Prediction, load_model, with_twin
from treadle.predictors._signature import Signature, Tensor
from treadle.predictors._together import Ask, answer_together
from treadle.predictors._twin import NoTwin

__all__ = [
    "ELEMENTS",
    "PREDICTIONS",
    "Ask",
    "BadInput",
    "Explanation",
    "Misfit",
    "Model",
    "NoTwin",
    "NotLoadable",
    "Prediction",
    "Signature",
    "Tensor",
    "answer_together",
    "explain",
    "feature_columns",
    "joined",
    "load_model",
    "with_twin",
]
