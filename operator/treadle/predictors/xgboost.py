"""The XGBoost flavour: boosters and scikit-learn style models in XGBoost's own formats (JSON, UBJSON), which hold data and run no code."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.api.reasons import Reason
from treadle.predictors._chances import Chances
from treadle.predictors._contributions import of_decision
from treadle.predictors._errors import NotLoadable
from treadle.predictors._manifest import Manifest

FLAVOUR = "xgboost"
CLASSIFIERS = ("xgboost.sklearn.XGBClassifier", "xgboost.sklearn.XGBRFClassifier")


class XGBoostBooster:
    """A booster; of a classifier the margins are probabilities of classes 0, 1, ..."""

    by_row = True

    def __init__(self, booster: Any, *, classifies: bool) -> None:
        self._booster = booster
        self._classifies = classifies

    @property
    def classifies(self) -> bool:
        """Whether it answers one of several classes."""
        return self._classifies

    def predict(self, features: Any) -> NDArray[Any]:
        """What `predict` of the model answers: of a classifier, the class of each row."""
        answer = self._scores(features)
        return self._classes(answer)[0] if self._classifies else answer

    def classify(self, features: Any) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        """The class of each row and its probability."""
        return self._classes(self._scores(features))

    def contributions(self, row: Any) -> NDArray[np.float64]:
        """What each column contributed to the decision about the only row, in log odds."""
        import xgboost

        given = row if hasattr(row, "columns") else np.ascontiguousarray(row)
        told = np.asarray(self._booster.predict(xgboost.DMatrix(given), pred_contribs=True, validate_features=False), dtype=np.float64)
        return of_decision(told.reshape(-1, told.shape[-1])[:, :-1], int(self.predict(row)[0]))

    def chances(self, features: Any) -> Chances | None:
        """The probability of each class."""
        if not self._classifies:
            return None
        probabilities = self._probabilities(self._scores(features))
        return [str(label) for label in range(probabilities.shape[1])], probabilities

    def _scores(self, features: Any) -> NDArray[Any]:
        if hasattr(features, "columns"):
            return np.asarray(self._booster.inplace_predict(features))
        return np.asarray(self._booster.inplace_predict(np.ascontiguousarray(features), validate_features=False))

    @staticmethod
    def _probabilities(scores: NDArray[Any]) -> NDArray[np.float64]:
        probabilities = scores.astype(np.float64)
        if probabilities.ndim == 1:  # two classes: the probability of the second
            probabilities = np.stack([1.0 - probabilities, probabilities], axis=1)
        return np.asarray(probabilities, dtype=np.float64)

    @classmethod
    def _classes(cls, scores: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.float64]]:
        probabilities = cls._probabilities(scores)
        best = probabilities.argmax(axis=1)
        return best, probabilities[np.arange(len(best)), best]


def load(manifest: Manifest, settings: Mapping[str, Any]) -> XGBoostBooster:
    """Load the model that the flavour's settings name.

    Raises:
        NotLoadable: when this version of XGBoost cannot read it.
    """
    path = manifest.file(settings.get("data"))
    import xgboost  # only when a model of this flavour is loaded

    try:
        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(path)
    except (xgboost.core.XGBoostError, ValueError) as error:
        saved = f"{path.name} (saved with XGBoost {settings.get('xgb_version')})"
        raise NotLoadable(Reason.ModelNotReadable, f"{saved} cannot be read: {str(error).splitlines()[0]}") from error
    return XGBoostBooster(booster, classifies=settings.get("model_class") in CLASSIFIERS)
