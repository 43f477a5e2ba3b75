"""The LightGBM flavour: boosters in LightGBM's own text format, and scikit-learn style models in the skops format (or as a pickle, where allowed)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.api.reasons import Reason
from treadle.predictors._chances import Chances
from treadle.predictors._contributions import of_decision
from treadle.predictors._errors import NotLoadable
from treadle.predictors._estimator_file import read_estimator
from treadle.predictors._manifest import Manifest
from treadle.predictors.sklearn import SklearnEstimator

FLAVOUR = "lightgbm"
BOOSTER = "lightgbm.basic.Booster"
ACCEPTED_TYPES = frozenset(
    {BOOSTER, "collections.OrderedDict", *(f"lightgbm.sklearn.LGBM{kind}" for kind in ("Classifier", "Model", "Ranker", "Regressor"))}
)
"""What MLflow lists for such a model. A booster within is read from its own text; a text made by an enemy can crash the process, not take it over."""


class LightGBMBooster:
    """A booster; of a classifier the scores are probabilities of classes 0, 1, ..."""

    by_row = True

    def __init__(self, booster: Any) -> None:
        self._booster = booster

    @property
    def classifies(self) -> bool:
        """MLflow's own `predict` of a booster answers numbers, and so does this one."""
        return False

    def predict(self, features: Any) -> NDArray[Any]:
        """What the booster's `predict` answers."""
        return np.asarray(self._booster.predict(features, num_threads=1))

    def classify(self, features: Any) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        """It tells no classes."""
        return self.predict(features), None

    def chances(self, features: Any) -> Chances | None:
        """Neither how likely they are."""
        return None


class LightGBMEstimator(SklearnEstimator):
    """A scikit-learn style model, which can also tell what each column contributed."""

    def contributions(self, row: Any) -> NDArray[np.float64]:
        """What each column contributed to the decision about the only row, in log odds."""
        told = np.asarray(self.estimator.predict(row, pred_contrib=True), dtype=np.float64)
        decided = self.labels.tolist().index(self.predict(row)[0]) if self.labels is not None else 0
        return of_decision(told.reshape(-1, int(self.estimator.n_features_in_) + 1)[:, :-1], decided)


def load(manifest: Manifest, settings: Mapping[str, Any]) -> LightGBMBooster | LightGBMEstimator:
    """Load the model that the flavour's settings name.

    Raises:
        NotLoadable: when this version of LightGBM cannot read it, or it is a pickle and may not be one.
    """
    saved = f"saved with LightGBM {settings.get('lgb_version')}"
    if settings.get("model_class", BOOSTER) != BOOSTER:
        return LightGBMEstimator(read_estimator(manifest, settings, str(settings.get("data")), ACCEPTED_TYPES, saved))
    path = manifest.file(settings.get("data"))
    import lightgbm  # only when a model of this flavour is loaded

    try:
        return LightGBMBooster(lightgbm.Booster(model_file=str(path)))
    except (lightgbm.basic.LightGBMError, ValueError, TypeError) as error:
        raise NotLoadable(Reason.ModelNotReadable, f"{path.name} ({saved}) cannot be read: {str(error).splitlines()[0]}") from error
