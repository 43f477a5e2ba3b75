"""The demo's people and its training script, with our Jobs around them: images, two annotators, dataset v1, a model that serving can load."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from manifests.demo.data.digits import held_out, items
from tests.integration import loopback
from tests.integration.environments import environment
from tests.integration.job_runs import JobProcess, store_at
from tests.integration.labelling_people import Person, make_project
from tests.integration.servers import LabelStudioServer, S3Server
from treadle.contracts.dataset import FetchDatasetResult, FetchDatasetSpec
from treadle.contracts.fetch_model import FetchModelResult, FetchModelSpec
from treadle.contracts.labels import LabelClass, LabelSchema
from treadle.contracts.quality import QualityResult, QualitySpec
from treadle.contracts.release import ReleaseResult, ReleaseSpec
from treadle.contracts.sync import Source, SyncResult, SyncSpec
from treadle.predictors import load_model

COUNT = 120  # enough to train on
DEADLINE = 240.0  # seconds
REPOSITORY = Path(__file__).resolve().parents[2]
DIGITS = LabelSchema(task="ImageClassification", labels=tuple(LabelClass(name=str(digit)) for digit in range(10)))


def run(python: Path, program: Path, environment: Mapping[str, str]) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "AWS_", "LABEL_STUDIO_"))}
    done = subprocess.run(
        [python, program],
        env={**own, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def mlflow_run(url: str, run: str) -> dict[str, object]:
    answer = loopback.get(f"{url}/api/2.0/mlflow/runs/get", params={"run_id": run}, timeout=30)
    found: dict[str, object] = answer.raise_for_status().json()["run"]
    return found


def post(url: str, path: str, content: Mapping[str, object]) -> dict[str, object]:
    answer = loopback.post(f"{url}/api/2.0/mlflow/{path}", json=content, timeout=30)
    found: dict[str, object] = answer.raise_for_status().json()
    return found


@pytest.fixture
def bucket(s3: S3Server) -> str:
    name = s3.make_bucket(f"digits-{uuid4().hex[:8]}")
    (s3.folder / name / "items").mkdir()
    for path, png in list(items())[:COUNT]:
        (s3.folder / name / "items" / path).write_bytes(png)
    return name


def test_digits_go_from_images_to_a_model_that_reads_digits_nobody_labelled(
    s3: S3Server, label_studio: LabelStudioServer, mlflow: str, bucket: str, tmp_path: Path
) -> None:
    project = make_project(label_studio, DIGITS, answers=2)
    admin = Person(label_studio.url, label_studio.token)
    namespace = uuid4().hex[:8]
    admin.call("PATCH", f"/api/projects/{project.project}/", json={"description": f"treadle.dev/owner: here/{namespace}/digits uid=u guidelines=g"})
    job = JobProcess(tmp_path, s3.access_key, s3.secret_key, label_studio.token)
    store, destination = store_at(s3.endpoint), f"s3://{bucket}/sets"
    source = Source(uri=f"s3://{bucket}/items/")
    synced = job.result(SyncSpec(labels=DIGITS, sources=(source,), destination=destination, store=store, label_studio=project), SyncResult)
    assert synced.items == COUNT

    program = REPOSITORY / "manifests/demo/annotators/annotate.py"
    annotators = {"LABEL_STUDIO_URL": label_studio.url, "LABEL_STUDIO_TOKEN": label_studio.token, "OWNER": f"{namespace}/digits", "STAY": "5"}
    run(Path(sys.executable), program, annotators)
    found = job.result(QualitySpec(labels=DIGITS, destination=destination, store=store, label_studio=project, items=synced.listing), QualityResult)
    assert (found.complete, found.annotators, found.agreed + found.disputed) == (COUNT, 2, COUNT)
    assert found.agreement is not None
    assert 0.8 < found.agreement < 1.0, "one of the two is careless"
    run(Path(sys.executable), program, annotators)  # nothing left to do: they come in and leave

    released = job.result(
        ReleaseSpec(labels=DIGITS, destination=destination, store=store, snapshot=found.snapshot, items=synced.listing), ReleaseResult
    )
    assert released.items == found.agreed
    directory = tmp_path / "dataset"
    fetch = FetchDatasetSpec(store=store, uri=released.uri, digest=released.digest, directory=str(directory))
    assert job.result(fetch, FetchDatasetResult).items == released.items

    experiment = post(mlflow, "experiments/create", {"name": f"digits-{bucket}"})["experiment_id"]
    made = post(mlflow, "runs/create", {"experiment_id": experiment, "run_name": "digits-v1"})["run"]
    assert isinstance(made, dict)
    run_id = made["info"]["run_id"]
    injected = {"MLFLOW_TRACKING_URI": mlflow, "MLFLOW_RUN_ID": run_id, "TREADLE_DATASET_DIR": str(directory), "TREADLE_PARAM_C": "1"}
    run(environment("mlflow") / "bin/python", REPOSITORY / "manifests/demo/train/train.py", {**injected, "HOME": str(tmp_path)})
    tracked = mlflow_run(mlflow, run_id)["data"]
    assert isinstance(tracked, dict)
    metrics = {metric["key"]: metric["value"] for metric in tracked["metrics"]}
    assert metrics["accuracy"] > 0.6
    assert {"train_accuracy", "validation_accuracy", "f1"} <= set(metrics)

    logged = post(mlflow, "logged-models/search", {"experiment_ids": [experiment]})["models"]
    assert isinstance(logged, list)
    (model,) = logged
    where = model["info"]["artifact_uri"].replace("mlflow-artifacts:/", "s3://mlflow/")
    fetched = job.result(FetchModelSpec(store=store, uri=where, directory=str(tmp_path / "model")), FetchModelResult)
    assert fetched.files >= 2
    asked = list(held_out())
    images = np.empty(len(asked), dtype=object)
    images[:] = [png for _, png in asked]
    labels = load_model(tmp_path / "model").infer({"item": images}).outputs["label"]
    right = sum(label == truth for label, (truth, _) in zip(labels, asked, strict=True))
    assert right > 0.7 * len(asked)
