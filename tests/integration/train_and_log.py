"""What a user's training does, run by MLflow's own Python: train, log, register under the name given, set the alias `candidate`."""

import sys

import mlflow
import numpy as np
from mlflow.models import infer_signature
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

digits = load_digits()
pixels, labels = np.round(digits.data * 255 / 16)[:1500], digits.target.astype(str)[:1500]
model = make_pipeline(MinMaxScaler(), LogisticRegression(max_iter=300)).fit(pixels, labels)
name = sys.argv[1]
with mlflow.start_run():
    logged = mlflow.sklearn.log_model(
        model,
        name="model",
        serialization_format="skops",
        signature=infer_signature(pixels[:5], model.predict(pixels[:5])),
        metadata={"treadle.input": "image/grayscale/8x8"},
        pip_requirements=["scikit-learn"],
    )
client = mlflow.MlflowClient()
made = mlflow.register_model(logged.model_uri, name)
client.set_registered_model_alias(name, "candidate", made.version)
client.set_model_version_tag(name, made.version, "treadle.gates", "Passed")
