"""Two runs, one after the other: MLflow's client adopts the given run for the first only."""

import mlflow

with mlflow.start_run(run_name="search"), mlflow.start_run(run_name="try", nested=True):
    mlflow.log_metric("accuracy", 0.9)

with mlflow.start_run(run_name="final"):
    mlflow.log_metric("accuracy", 0.95)
