"""As on a laptop: the program chooses its experiment by itself, and cannot go on with the run that it is given."""

import mlflow

mlflow.set_experiment("trials-of-jane")
with mlflow.start_run():
    mlflow.log_metric("accuracy", 0.9)
