"""The program registers what it logs by itself, twice under one name: as it gets better, or as an attempt that was evicted did before."""

import os

import mlflow
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

features, species = load_iris(return_X_y=True)
with mlflow.start_run():
    for depth in (1, 3):
        model = DecisionTreeClassifier(max_depth=depth, random_state=1).fit(features, species)
        mlflow.log_metric("accuracy", model.score(features, species), step=depth)
        mlflow.sklearn.log_model(
            model,
            name="model",
            registered_model_name=os.environ["REGISTERED_MODEL"],
            serialization_format="skops",
            skops_trusted_types=["sklearn.tree._tree.Tree", "numpy.dtype"],
            pip_requirements=["scikit-learn", "skops"],
        )
