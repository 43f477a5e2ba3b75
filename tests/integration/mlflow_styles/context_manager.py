"""The classic: parameters, metrics by step and a file inside `with mlflow.start_run()`."""

import mlflow
from sklearn.datasets import load_diabetes
from sklearn.linear_model import SGDRegressor

features, target = load_diabetes(return_X_y=True)
model = SGDRegressor(random_state=1)
with mlflow.start_run():
    mlflow.set_tag("style", "context manager")
    mlflow.log_param("alpha", model.alpha)
    for epoch in range(5):
        model.partial_fit(features, target)
        mlflow.log_metric("r2", model.score(features, target), step=epoch)
    mlflow.log_dict({"coefficients": model.coef_.tolist()}, "coefficients.json")
