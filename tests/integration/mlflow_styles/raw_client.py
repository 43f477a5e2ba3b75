"""The low-level client: the run is named explicitly in each call, and nothing begins or ends by itself."""

import os
import time

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

client = MlflowClient()
run_id = os.environ["MLFLOW_RUN_ID"]
now = int(time.time() * 1000)
client.log_batch(run_id, metrics=[Metric("loss", 1 / step, now, step) for step in range(1, 6)], params=[Param("optimizer", "sgd")])
client.set_tag(run_id, "style", "raw client")

beside = client.create_run(os.environ["MLFLOW_EXPERIMENT_ID"], run_name="ablation")
client.log_metric(beside.info.run_id, "loss", 9.0)
client.set_terminated(beside.info.run_id)
