"""The model as a service of BentoML, as its documentation writes one. Runs where BentoML is installed."""

import os

import bentoml
import numpy as np
from skops import io as skops_io


@bentoml.service(workers=1, metrics={"enabled": True})
class Iris:
    """One worker."""

    def __init__(self) -> None:
        self.model = skops_io.load(os.environ["MODEL_FILE"], trusted=[])

    @bentoml.api
    def predict(self, rows: np.ndarray) -> np.ndarray:
        """The class of each row."""
        return self.model.predict(rows)
