"""The scikit-learn flavour: estimators and pipelines, in the skops format, or as a pickle where the user allowed that."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.predictors._chances import Chances
from treadle.predictors._estimator_file import read_estimator
from treadle.predictors._manifest import Manifest

FLAVOUR = "sklearn"

ACCEPTED_TYPES = frozenset({"sklearn.tree._tree.Tree"})
"""Types that skops does not trust by itself, and that we accept when the model's author listed them (`skops_trusted_types`). A tree file made by an
enemy can crash the process that serves it, not take it over; the serving pod holds nothing else."""


class SklearnEstimator:
    """An estimator or pipeline of scikit-learn."""

    by_row = True

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator
        classes = getattr(estimator, "classes_", None)
        self._classes = None if classes is None or not hasattr(estimator, "predict") else np.asarray(classes)

    @property
    def classifies(self) -> bool:
        """Whether it answers one of several classes."""
        return self._classes is not None

    @property
    def labels(self) -> NDArray[Any] | None:
        """The classes; None of a regression."""
        return self._classes

    def predict(self, features: Any) -> NDArray[Any]:
        """What `predict` of the estimator answers."""
        return np.asarray(self.estimator.predict(features))

    def classify(self, features: Any) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        """The label of each row and its probability; no probabilities when the estimator has none."""
        if self._classes is None or not hasattr(self.estimator, "predict_proba"):
            return self.predict(features), None
        probabilities = np.asarray(self.estimator.predict_proba(features), dtype=np.float64)
        best = probabilities.argmax(axis=1)
        return self._classes[best], probabilities[np.arange(len(best)), best]

    def chances(self, features: Any) -> Chances | None:
        """The probability of each class; None when the estimator has none."""
        if self._classes is None or not hasattr(self.estimator, "predict_proba"):
            return None
        return [str(label) for label in self._classes.tolist()], np.asarray(self.estimator.predict_proba(features), dtype=np.float64)


def load(manifest: Manifest, settings: Mapping[str, Any]) -> SklearnEstimator:
    """Load the estimator that the flavour's settings name.

    Raises:
        NotLoadable: when it is a pickle and may not be one, holds types that are not trusted, or cannot be read by this version of scikit-learn.
    """
    saved = f"saved with scikit-learn {settings.get('sklearn_version')}"
    return SklearnEstimator(read_estimator(manifest, settings, str(settings.get("pickled_model")), ACCEPTED_TYPES, saved))
