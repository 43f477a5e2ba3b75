"""What a user's program may leave behind when there is no tracking server: a line of JSON in its termination message, and a model in its output."""

import math
from collections.abc import Mapping

from pydantic import Field

from treadle.contracts._base import Message

MODEL_FOLDER = "model"
"""Where a program leaves its model below TREADLE_OUTPUT_URI, when nothing tracks it."""


def output_of(uri: str, run: str) -> str:
    """The run's own folder below `spec.output.uri`, where that is in an object store: TREADLE_OUTPUT_URI."""
    return f"{uri.rstrip('/')}/{run}/"


class TrainingResult(Message):
    """What the program says of its model, e.g. `{"metrics": {"f1": 0.93}}`, written to the file that TREADLE_RESULT names; at most 4 KiB."""

    kind: str = "training"
    metrics: Mapping[str, float] = Field(default={}, max_length=100)

    @property
    def finite(self) -> Mapping[str, float]:
        """The metrics that are numbers."""
        return {name[:250]: value for name, value in self.metrics.items() if math.isfinite(value)}
