"""The clients that people have: Triton's for the Open Inference Protocol, and MLflow's own for its scoring protocol."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from tests.integration.environments import environment
from tests.integration.runtime_process import Runtime, running
from tests.unit.predictors.models import LABELS, PIXELS, png, save_digits, save_iris

ASK_AS_MLFLOW = """
import json, sys
import pandas
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
client = ScoringServerClient("127.0.0.1", int(sys.argv[1]))
client.wait_server_ready(timeout=20, scoring_server_proc=None)
table = pandas.DataFrame([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], columns=json.loads(sys.argv[2]))
print(json.dumps({"version": client.get_version(), "answer": client.invoke(table).get_predictions()[0].tolist()}))
"""
"""Runs where MLflow is installed."""
COLUMNS = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    with running(save_digits(tmp_path_factory.mktemp("digits"))) as runtime:
        yield runtime


@pytest.fixture(scope="module")
def client(digits: Runtime) -> Iterator[Any]:
    with triton.InferenceServerClient(digits.url.removeprefix("http://"), connection_timeout=20, network_timeout=20) as client:
        yield client


def test_tritons_client_finds_server_and_model(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("digits")
    assert client.is_model_ready("digits", "7")
    assert client.get_server_metadata()["name"] == "treadle"
    described = client.get_model_metadata("digits")
    assert {tensor["name"]: tensor["datatype"] for tensor in described["inputs"]} == {"item": "BYTES", "input-0": "FP64"}


@pytest.mark.parametrize("binary", [True, False], ids=["tensors as bytes", "tensors as JSON"])
def test_tritons_client_gets_answers_about_numbers(client: Any, binary: bool) -> None:
    rows = PIXELS[:20]
    tensor = triton.InferInput("input-0", list(rows.shape), "FP64")
    tensor.set_data_from_numpy(rows, binary_data=binary)
    wanted = [triton.InferRequestedOutput(name, binary_data=False) for name in ("label", "score")]
    answer = client.infer("digits", [tensor], model_version="7", outputs=wanted, request_id="42")
    assert answer.get_response()["id"] == "42"
    labels, scores = answer.as_numpy("label"), answer.as_numpy("score")
    assert labels.shape == scores.shape == (20,)
    assert np.mean([told == known for told, known in zip(labels.tolist(), LABELS[:20].tolist(), strict=True)]) > 0.9
    assert ((scores > 0) & (scores <= 1)).all()


def test_tritons_client_gets_answers_about_images(client: Any) -> None:
    tensor = triton.InferInput("item", [2], "BYTES")
    tensor.set_data_from_numpy(np.asarray([png(0), png(1)], dtype=object))
    assert client.infer("digits", [tensor]).as_numpy("label").tolist() == LABELS[:2].tolist()


def test_tritons_client_is_told_what_is_wrong(client: Any) -> None:
    tensor = triton.InferInput("input-0", [1, 3], "FP64")
    tensor.set_data_from_numpy(np.zeros((1, 3)))
    with pytest.raises(InferenceServerException, match="has shape"):
        client.infer("digits", [tensor])
    with pytest.raises(InferenceServerException, match="not here"):
        client.get_model_metadata("cats")


def test_mlflows_client_is_answered(tmp_path: Path) -> None:
    with running(save_iris(tmp_path), model_name="iris") as runtime:
        python = environment("mlflow") / "bin" / "python"
        command = [str(python), "-c", ASK_AS_MLFLOW, str(runtime.spec.port), json.dumps(COLUMNS)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        assert json.loads(done.stdout.splitlines()[-1])["answer"] == [0, 2]
