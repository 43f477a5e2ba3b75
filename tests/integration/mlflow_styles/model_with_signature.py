"""Fluent calls without a context manager, and a model with a signature and an input example."""

import mlflow
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

features, species = load_iris(return_X_y=True, as_frame=True)
model = RandomForestClassifier(n_estimators=10, random_state=1).fit(features, species)
mlflow.log_metric("accuracy", model.score(features, species))
signature = infer_signature(features, model.predict(features))
mlflow.sklearn.log_model(
    model,
    name="model",
    signature=signature,
    input_example=features.head(2),
    serialization_format="skops",
    skops_trusted_types=["sklearn.tree._tree.Tree", "numpy.dtype"],
    pip_requirements=["scikit-learn", "skops"],
)
