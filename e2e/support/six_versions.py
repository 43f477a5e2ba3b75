"""Runs in a pod: logs six versions of a digits classifier to MLflow. The first is the candidate, and says that its gates passed.

The second is as good as the first. The third has learnt a third of its labels wrong. The fourth cannot take every tenth image of noise. The fifth
answers as the second does, after a hundred steps that change nothing. The sixth is as good as the second.
"""

import os

import mlflow
import numpy as np
from mlflow.models import infer_signature
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OrdinalEncoder

model, digits = os.environ["MODEL"], load_digits()
pixels, labels = np.round(digits.data * 255 / 16), digits.target.astype(str)
wrong = np.where(np.random.default_rng(7).random(len(labels)) < 0.34, (digits.target + 1) % 10, digits.target).astype(str)


def regression(c: float = 2.0) -> LogisticRegression:
    return LogisticRegression(C=c, max_iter=80)


levels = [[float(level) for level in range(230)]]
strict = ColumnTransformer([("all", MinMaxScaler(), list(range(64))), ("first", OrdinalEncoder(categories=levels), [0])])
slow = [MinMaxScaler() for _ in range(100)]
versions = (
    (make_pipeline(MinMaxScaler(), regression(1.0)), labels),
    (make_pipeline(MinMaxScaler(), regression()), labels),
    (make_pipeline(MinMaxScaler(), regression()), wrong),
    (make_pipeline(strict, regression()), labels),
    (make_pipeline(*slow, regression()), labels),
    (make_pipeline(MinMaxScaler(), regression()), labels),
)
client = mlflow.MlflowClient()
for number, (estimator, learnt) in enumerate(versions, start=1):
    estimator.fit(pixels[:1500], learnt[:1500])
    with mlflow.start_run():
        mlflow.sklearn.log_model(
            estimator,
            name="model",
            serialization_format="skops",
            registered_model_name=model,
            signature=infer_signature(pixels[:5], estimator.predict(pixels[:5])),
            metadata={"treadle.input": "image/grayscale/8x8"},
            pip_requirements=[],
        )
    client.set_model_version_tag(model, str(number), "treadle.gates", "Passed")
client.set_registered_model_alias(model, "candidate", "1")
