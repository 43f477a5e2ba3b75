"""The kind TrainingRun."""

from treadle.training.plan import training_run

__all__ = ["training_run"]
