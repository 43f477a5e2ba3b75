"""Autologging: nothing is logged by hand, `fit` says it all."""

import mlflow
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

mlflow.sklearn.autolog()
features, species = load_iris(return_X_y=True)
LogisticRegression(max_iter=200).fit(features, species)
