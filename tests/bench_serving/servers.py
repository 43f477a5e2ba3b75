"""The servers that are compared: how each is started over the same model folder, and how it is asked about one row."""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.environments import environment
from tests.integration.runtime_process import free_port
from treadle.contracts.serving import ENVIRONMENT, RuntimeLimits, RuntimeSpec

HERE = Path(__file__).parent
PEERS = HERE / "peers"
ROW = [5.1, 3.5, 1.4, 0.2]
TENSOR = {"inputs": [{"name": "input-0", "shape": [1, 4], "datatype": "FP64", "data": ROW}]}
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server of one model, as one process wherever it can be one.

    Attributes:
        name: for code.
        title: for people.
        command, variables, folder: how it is started.
        url, body: what it is asked; it is ready once it answers this with 200.
        lock: whose packages it runs with.
    """

    name: str
    title: str
    command: Sequence[str]
    url: str
    body: bytes
    folder: Path
    lock: str
    variables: Mapping[str, str] = field(default_factory=dict)


def servers(model: Path, work: Path) -> Iterator[Server]:
    """All of them, over a folder that `model.py` filled; `work` is for their settings."""
    directory, skops_file = model / "model", str(model / "model" / "model.skops")
    yield _floor(work, skops_file)
    yield _ours("treadle", "Treadle", directory, work, onnx=False)
    yield _ours("treadle-onnx", "Treadle, `onnx: true`", directory, work, onnx=True)
    yield _mlflow(directory, work)
    yield _mlserver("mlserver", "MLServer, MLflow runtime", "mlserver_mlflow.MLflowRuntime", directory, work)
    yield _mlserver(
        "mlserver-sklearn", "MLServer, scikit-learn runtime (the estimator as joblib)", "mlserver_sklearn.SKLearnModel", model / "model.joblib", work
    )
    yield _bentoml(work, skops_file)


def _floor(work: Path, file: str) -> Server:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "tests.bench_serving.floor:application", f"--port={port}", "--no-access-log", "--log-level=warning"]
    return Server(
        name="floor",
        title="bare ASGI application",
        command=command,
        url=f"http://127.0.0.1:{port}/infer",
        body=_json(TENSOR),
        folder=HERE.parents[1],
        lock="dev",
        variables={"MODEL_FILE": file},
    )


def _ours(name: str, title: str, directory: Path, work: Path, *, onnx: bool) -> Server:
    spec = RuntimeSpec(
        namespace="bench",
        deployment="iris",
        revision="abc123",
        model_name="iris",
        model_version="1",
        model_directory=str(directory),
        port=free_port(),
        control_port=free_port(),
        onnx=onnx,
        limits=RuntimeLimits(linger_seconds=0),
    )
    return Server(
        name=name,
        title=title,
        command=[sys.executable, "-m", "treadle.runtime"],
        url=f"http://127.0.0.1:{spec.port}/v2/models/iris/infer",
        body=_json(TENSOR),
        folder=work,
        lock="dev",
        variables={ENVIRONMENT: spec.to_variable()},
    )


def _mlflow(directory: Path, work: Path) -> Server:
    port, home = free_port(), environment("mlflow") / "bin"
    command = [
        "mlflow",
        "models",
        "serve",
        "-m",
        str(directory),
        "--env-manager",
        "local",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    return Server(
        name="mlflow",
        title="MLflow's scoring server",
        command=[str(home / command[0]), *command[1:]],
        url=f"http://127.0.0.1:{port}/invocations",
        body=_json({"inputs": [ROW]}),
        folder=work,
        lock="mlflow",
        variables={"PATH": f"{home}:{os.environ['PATH']}"},
    )


def _mlserver(name: str, title: str, implementation: str, uri: Path, work: Path) -> Server:
    folder = work / name
    folder.mkdir()
    http, grpc, metrics = free_port(), free_port(), free_port()
    settings = {"parallel_workers": 0, "host": "127.0.0.1", "http_port": http, "grpc_port": grpc, "metrics_port": metrics, "debug": False}
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps({"name": "iris", "implementation": implementation, "parameters": {"uri": str(uri)}}))
    lock = PEERS / "mlserver" / "requirements.txt"
    return Server(
        name=name,
        title=title,
        command=[str(environment("mlserver", lock) / "bin" / "mlserver"), "start", str(folder)],
        url=f"http://127.0.0.1:{http}/v2/models/iris/infer",
        body=_json(TENSOR),
        folder=folder,
        lock="mlserver",
    )


def _bentoml(work: Path, file: str) -> Server:
    port, lock = free_port(), PEERS / "bentoml" / "requirements.txt"
    command = [str(environment("bentoml", lock) / "bin" / "bentoml"), "serve", "bento_service:Iris", "--host", "127.0.0.1", "--port", str(port)]
    return Server(
        name="bentoml",
        title="BentoML",
        command=command,
        url=f"http://127.0.0.1:{port}/predict",
        body=_json({"rows": [ROW]}),
        folder=HERE,
        lock="bentoml",
        variables={"MODEL_FILE": file, "BENTOML_HOME": str(work / "bentoml"), "BENTOML_DO_NOT_TRACK": "true"},
    )


def _json(body: object) -> bytes:
    return json.dumps(body).encode()
