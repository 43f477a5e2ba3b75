"""The kind ModelDeployment: which model version serves, how a new one takes over, and when it becomes the champion."""

from treadle.serving.plan import model_deployment

__all__ = ["model_deployment"]
