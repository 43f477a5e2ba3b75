"""A search: one parent run, and a child run for each candidate."""

import mlflow
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier

features, species = load_iris(return_X_y=True)
with mlflow.start_run(run_name="search"):
    best = 0.0
    for neighbours in (1, 5, 9):
        with mlflow.start_run(run_name=f"k={neighbours}", nested=True):
            score = cross_val_score(KNeighborsClassifier(neighbours), features, species).mean()
            mlflow.log_param("k", neighbours)
            mlflow.log_metric("accuracy", score)
        best = max(best, score)
    mlflow.log_metric("best_accuracy", best)
