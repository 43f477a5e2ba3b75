"""From a model that MLflow itself stored to the right answer, through the pod that a ModelDeployment gets: its environment, run as processes."""

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.integration import loopback
from tests.integration.environments import environment
from tests.integration.job_runs import JobProcess
from tests.integration.runtime_process import free_port, running_as
from tests.integration.servers import S3Server
from tests.unit.predictors.models import LABELS, png, png_text
from tests.unit.serving.things import make_deployment
from treadle.api.reasons import Reason
from treadle.connections.installation import Installation, parse_installation
from treadle.connections.mlflow import Mlflow
from treadle.connections.registry import SMOKE_TAG
from treadle.contracts import ExitCode, Failure
from treadle.contracts.fetch_model import FetchModelResult, FetchModelSpec
from treadle.contracts.serving import RuntimeSpec
from treadle.contracts.smoke import StoredSmoke
from treadle.engine._memory import Memory, View
from treadle.engine._ports import Answered, Seen
from treadle.plan import Apply, Effect, Object, Unanswered, ref_of
from treadle.serving.observe import Serving, observe
from treadle.serving.plan import plan

SCRIPT = Path(__file__).with_name("train_and_log.py")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def installed(mlflow: str, s3: S3Server) -> Installation:
    return parse_installation(f"""
        id: test
        images: {{jobs: jobs, runtime: runtime}}
        namespaces: [ml]
        connections:
          store: {{default: {{endpoint: "{s3.endpoint}", region: {s3.region}}}}}
          mlflow: {{default: {{url: "{mlflow}", artifactStore: "s3://mlflow/"}}}}
    """)


def trained(mlflow: str, model: str) -> None:
    """Train and register with MLflow's own client."""
    python = environment("mlflow") / "bin" / "python"
    settings = os.environ | {"MLFLOW_TRACKING_URI": mlflow, "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run([str(python), str(SCRIPT), model], env=settings, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def post(url: str, body: Mapping[str, Any]) -> Any:
    return loopback.post(url, json=body, timeout=30).raise_for_status().json()


def get(url: str) -> Any:
    return loopback.get(url, timeout=30).raise_for_status().json()


def evaluated(mlflow: str, model: str, s3: S3Server, label: str) -> StoredSmoke:
    """Tag the version as its evaluation would: with an item that the model answers like this."""
    bucket = s3.make_bucket(f"raw-{uuid4().hex[:6]}")
    (s3.folder / bucket / "1700.png").write_bytes(png(1700))
    smoke = StoredSmoke(uri=f"s3://{bucket}/1700.png", sha256=hashlib.sha256(png(1700)).hexdigest(), label=label)
    post(f"{mlflow}/api/2.0/mlflow/model-versions/set-tag", {"name": model, "version": "1", "key": SMOKE_TAG, "value": smoke.to_json()})
    return smoke


async def asked(view: View, memory: Memory, this: Object, installation: Installation, client: Mlflow) -> Serving:
    """Observe, and let the real client answer what is asked meanwhile."""
    for _ in range(10):
        view.look()
        try:
            return observe(this, view, installation=installation)
        except Unanswered as silence:
            answers = await client.answer([silence.question])
            memory.learn([Answered(question, answer) for question, answer in answers.items()])
    raise AssertionError("asks for ever")


def remembered(this: Object, serving: Serving) -> dict[str, Any]:
    """The object once its status is written."""
    decided = plan(serving, NOW).status
    assert decided is not None
    metadata = {**this["metadata"], "resourceVersion": str(int(this["metadata"]["resourceVersion"]) + 1)}
    return {**this, "metadata": metadata, "status": {**decided.model_dump(mode="json", by_alias=True, exclude_none=True), "observedGeneration": 1}}


def variable(container: Mapping[str, Any], name: str) -> str:
    return next(str(variable["value"]) for variable in container["env"] if variable["name"] == name)


async def test_a_model_from_mlflow_answers_in_the_pod_that_is_built_for_it(mlflow: str, s3: S3Server, tmp_path: Path) -> None:
    model = f"digits-{uuid4().hex[:6]}"
    trained(mlflow, model)
    installation = installed(mlflow, s3)
    smoke = evaluated(mlflow, model, s3, LABELS[1700])
    granted = installation.mlflow("default", "ml")
    client = Mlflow(granted.settings, clock=lambda: NOW)  # type: ignore[union-attr]
    this = make_deployment({"name": model})
    this["metadata"] |= {"uid": "uid-1", "resourceVersion": "1", "generation": 1}
    memory = Memory(["ModelDeployment"])
    view = memory.view(ref_of(this))

    memory.learn([Seen(this)])
    first = await asked(view, memory, this, installation, client)
    this = remembered(this, first)
    memory.learn([Seen(this)])
    serving = await asked(view, memory, this, installation, client)
    (deployment,) = [action.object for action in plan(serving, NOW).actions if isinstance(action, Apply) and action.object["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]

    fetch = FetchModelSpec.model_validate_json(variable(pod["initContainers"][0], "TREADLE_JOB")).model_copy(
        update={"directory": str(tmp_path / "model"), "smoke_directory": str(tmp_path)}
    )
    assert fetch.uri.startswith("s3://mlflow/")
    assert fetch.smoke == smoke
    fetched = JobProcess(tmp_path, s3.access_key, s3.secret_key).result(fetch, FetchModelResult)
    assert fetched.files >= 2
    assert fetched.smoke == ""

    spec = RuntimeSpec.model_validate_json(variable(pod["containers"][0], "TREADLE_RUNTIME"))
    assert spec.smoke is not None
    known = spec.smoke.model_copy(update={"file": smoke.file(fetch.smoke_directory)})
    local = spec.model_copy(update={"model_directory": fetch.directory, "port": free_port(), "control_port": free_port(), "smoke": known})
    with running_as(local.model_copy(update={"smoke": known.model_copy(update={"label": "none of these"})}), wait=False) as otherwise:
        assert otherwise.process.wait(timeout=90) == ExitCode.BAD_INPUT
        assert otherwise.process.stderr is not None
        assert Failure.from_message(otherwise.process.stderr.read().splitlines()[-1]).known_reason is Reason.SmokeFailed
    with running_as(local) as runtime:
        held_out = range(1500, 1600)
        tensor = {"name": "item", "shape": [len(held_out)], "datatype": "BYTES", "data": [png_text(index) for index in held_out]}
        answer = post(f"{runtime.url}/v2/models/digits/infer", {"inputs": [tensor]})
    (found,) = [output["data"] for output in answer["outputs"] if output["name"] == "label"]
    assert sum(label == LABELS[index] for label, index in zip(found, held_out, strict=True)) > 85

    ready = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}
    live = {**deployment, "metadata": {**deployment["metadata"], "uid": "uid-2", "resourceVersion": "9", "generation": 1}, "status": ready}
    memory.learn([Seen(live)])
    for _ in range(4):  # decided, remembered, carried out, seen
        serving = await asked(view, memory, this, installation, client)
        for effect in (action for action in plan(serving, NOW).actions if isinstance(action, Effect)):
            memory.learn([Answered(question, told) for question, told in (await client.carry_out(effect)).items()])
        serving = replace(serving, this=this)
        this = remembered(this, serving)
        memory.learn([Seen(this)])
    champion = get(f"{mlflow}/api/2.0/mlflow/registered-models/alias?name={model}&alias=champion")
    assert champion["model_version"]["version"] == "1"
    assert {"key": "treadle.promoter", "value": "test/ml/digits"} in champion["model_version"]["tags"]
    assert this["status"]["promotion"]["moved"] is True
    assert this["status"]["promotion"]["evidence"].endswith("every pod ready, none answers the smoke example otherwise")
    await client.close()
