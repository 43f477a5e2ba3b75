"""Models of Python code (MLflow's `pyfunc`): whatever their author wrote. Loading one runs that code, so the user must allow it; and the image must
have the packages it needs, MLflow first of all.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.api.reasons import Reason
from treadle.predictors._chances import Chances
from treadle.predictors._errors import BadInput, NotLoadable
from treadle.predictors._manifest import Manifest

FLAVOUR = "python_function"
CODE = "mlflow.pyfunc.model"
"""The loader of models that are nothing but code."""


class PythonModel:
    """Code that answers. It may look at all rows at once, so that requests are not put together for it."""

    by_row = False
    classifies = False

    def __init__(self, model: Any) -> None:
        self._model = model

    def predict(self, features: Any) -> NDArray[Any]:
        """Its answer, as an array: of a table its only column, or all of them."""
        try:
            answer = self._model.predict(features)
        except Exception as error:  # its author's code raises what it likes; MLflow says of a schema what does not fit
            raise BadInput(f"the model's code refused: {type(error).__name__}: {error}") from error
        values = answer.to_numpy() if hasattr(answer, "to_numpy") else np.asarray(answer)
        return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values

    def classify(self, features: Any) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        """Nobody knows whether it tells classes."""
        return self.predict(features), None

    def chances(self, features: Any) -> Chances | None:
        """Nor how likely they are."""
        return None


def serves(manifest: Manifest) -> bool:
    """Whether the model is to be served as code: it is nothing else, or the user allowed to run what is with it.

    Raises:
        NotLoadable: when it is nothing else, and that is not allowed.
    """
    settings = manifest.flavours.get(FLAVOUR)
    if settings is None:
        return False
    if manifest.trusted:
        return True
    if settings.get("loader_module") == CODE:
        message = (
            "the model is Python code, which runs when it is loaded; set spec.runtime.allowPickle if you trust its author as you trust an image's"
        )
        raise NotLoadable(Reason.PickleNotAllowed, message)
    return False


def load(manifest: Manifest, settings: Mapping[str, Any]) -> PythonModel:
    """Load it with MLflow.

    Raises:
        NotLoadable: when a package is missing that it needs, or its code fails.
    """
    try:
        import mlflow.pyfunc  # not in our image: who wants code brings what it needs

        return PythonModel(mlflow.pyfunc.load_model(str(manifest.directory)))
    except ImportError as error:
        advice = "build an image on ours that has it (pip install mlflow-skinny and what the model needs), and name it in spec.runtime.image"
        raise NotLoadable(Reason.ModelFlavourNotSupported, f"the model needs the package {error.name}, which the image lacks: {advice}") from error
    except Exception as error:
        raise NotLoadable(
            Reason.ModelNotReadable, f"the model's code ({settings.get('loader_module')}) failed: {type(error).__name__}: {error}"
        ) from error
