"""Makes the model that all servers serve, with MLflow itself: `python model.py FOLDER linear|forest`. Runs where MLflow is installed."""

import sys
from pathlib import Path

import joblib
import mlflow
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

folder, kind = Path(sys.argv[1]), sys.argv[2]
rows, labels = load_iris(return_X_y=True)
made = {"linear": LogisticRegression(max_iter=500), "forest": RandomForestClassifier(100, random_state=1)}
estimator = made[kind].fit(rows, labels)
trusted = ["sklearn.tree._tree.Tree"] if kind == "forest" else None
signature = infer_signature(rows, estimator.predict(rows))
mlflow.sklearn.save_model(
    estimator, folder / "model", serialization_format="skops", skops_trusted_types=trusted, signature=signature, pip_requirements=[]
)
joblib.dump(estimator, folder / "model.joblib")  # for the server that reads no other
