"""The Job that measures a model: one golden for the built object, and who in it holds keys."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tests.unit.training.things import DIGEST, F1_GATE, INSTALLATION, STATE, TRAINING_RUN, alias, logged, make_project, make_run, version
from treadle.connections.tracking import PENDING_ID
from treadle.contracts import JOB_VARIABLE
from treadle.contracts.evaluate import EvaluateSpec, PublishSpec
from treadle.contracts.fetch_model import FetchModelSpec
from treadle.engine._memory import Memory
from treadle.engine._ports import Answered, Seen
from treadle.plan import Create, Object, ref_of

GOLDEN = Path(__file__).parent / "evaluation_job.yaml"
BY_THE_USER = Path(__file__).parent / "evaluation_job_of_user.yaml"
NOT_WORSE = {"name": "not-worse", "metric": "recall/7", "notWorseThan": {"alias": "champion"}}
STATUS = {
    "attempts": [{"number": 1, "outcome": "Succeeded"}],
    "dataset": {"project": "digits", "version": 1, "digest": DIGEST, "uri": "s3://datasets/digits/v0001/"},
    "tracking": {"id": PENDING_ID, "experimentId": PENDING_ID},
    "progress": {"attempt": 1, "percent": 100, "metrics": [{"name": "f1", "value": "0.9"}]},
}


def built(*, project: dict[str, Any] | None = None, **spec: Any) -> Object:
    """The Job that is made once the training ended well."""
    content = {"dataset": {"project": "digits"}, "evaluate": {"split": "test"}, "gates": [F1_GATE, NOT_WORSE], "register": {"model": "digits"}}
    wanted = {name: value for name, value in {**content, **spec}.items() if value is not None}
    run = make_run(uid="uid-trainingrun-digits", **wanted)
    memory = Memory(["TrainingRun"])
    status = STATUS if "tracking" not in spec else {name: value for name, value in STATUS.items() if name != "tracking"}
    for this in ({**run, "status": status}, project or make_project()):
        memory.learn([Seen({**this, "metadata": {"uid": "uid-of-it", "resourceVersion": "1", **this["metadata"]}})])
    memory.learn([Answered(STATE, logged("model", f1=0.9)), Answered(alias("champion"), version(4))])
    view = memory.view(ref_of(run))
    seen = view.look()
    assert seen is not None
    plan = TRAINING_RUN.plan(TRAINING_RUN.observe(seen, view), datetime(2026, 1, 1, tzinfo=UTC))
    (action,) = plan.actions
    assert isinstance(action, Create)
    return action.object


def pod(job: Object) -> Any:
    return job["spec"]["template"]["spec"]


def test_the_built_job_is_as_the_golden_says() -> None:
    asked = {"split": "validation", "resources": {"cpu": "2", "memory": "4Gi"}}
    stores = [{"prefix": "s3://datasets/", "secret": "data-keys"}, {"prefix": "s3://mlflow/", "secret": "model-keys"}]
    text = yaml.safe_dump(json.loads(json.dumps(built(evaluate=asked, queue="research", access={"stores": stores}))), sort_keys=False, width=160)
    if os.environ.get("TREADLE_UPDATE_STORIES"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text(), "write it anew with TREADLE_UPDATE_STORIES=1"


def test_the_job_with_an_image_of_the_user_is_as_the_golden_says() -> None:
    resources = {"gpu": 1, "cpu": "4", "memory": "16Gi", "ephemeralStorage": "40Gi", "shm": "6Gi"}
    asked = {"split": "test", "image": "registry.example/measure:2", "command": ["python", "measure.py"], "resources": resources}
    text = yaml.safe_dump(json.loads(json.dumps(built(evaluate=asked, gates=[F1_GATE]))), sort_keys=False, width=160)
    if os.environ.get("TREADLE_UPDATE_STORIES"):
        BY_THE_USER.write_text(text)
    assert text == BY_THE_USER.read_text(), "write it anew with TREADLE_UPDATE_STORIES=1"


def container(job: Object, name: str) -> Any:
    return next(one for one in (*pod(job)["initContainers"], *pod(job)["containers"]) if one["name"] == name)


def names(job: Object) -> list[str]:
    return [one["name"] for one in (*pod(job)["initContainers"], *pod(job)["containers"])]


def variables(job: Object, name: str) -> dict[str, str]:
    return {variable["name"]: variable.get("value", "") for variable in container(job, name)["env"]}


def mounts(job: Object, name: str) -> dict[str, Any]:
    return {mount["name"]: mount for mount in container(job, name)["volumeMounts"] if mount["name"] not in ("tmp", "home")}


def test_what_loads_models_of_others_holds_no_keys() -> None:
    evaluate = container(built(), "evaluate")
    assert evaluate["image"] == INSTALLATION.images.runtime
    assert [variable["name"] for variable in evaluate["env"]] == [JOB_VARIABLE]
    assert {name for name, mount in mounts(built(), "evaluate").items() if not mount.get("readOnly")} == {"evaluation"}


def test_what_holds_keys_last_loads_no_models() -> None:
    job = built()
    assert container(job, "treadle")["image"] == INSTALLATION.images.jobs
    assert [name for name, mount in mounts(job, "treadle").items() if mount["readOnly"]] == ["evaluation"]
    spec = PublishSpec.model_validate_json(variables(job, "treadle")[JOB_VARIABLE])
    assert spec.uri == "s3://mlflow/1/run/artifacts/treadle"


def test_the_champion_is_measured_beside_the_own_model() -> None:
    job = built()
    assert names(job) == ["fetch-dataset", "fetch-model", "fetch-model-4", "evaluate", "treadle"]
    spec = EvaluateSpec.model_validate_json(variables(job, "evaluate")[JOB_VARIABLE])
    assert [(model.version, model.directory, model.answers) for model in spec.models] == [("", "/models/model", ""), ("4", "/models/version-4", "")]
    assert spec.metrics == ("accuracy", "map50", "items", "f1", "recall/7")


def test_an_image_of_the_user_measures_each_model_on_its_own_and_without_keys() -> None:
    own = {"split": "test", "image": "registry.example/measure:2", "command": ["python", "measure.py"], "resources": {"gpu": 1}}
    job = built(evaluate=own, env=[{"name": "LEVEL", "value": "strict"}], parameters=[{"name": "beta", "value": "2"}])
    assert names(job) == ["fetch-dataset", "fetch-model", "fetch-model-4", "measure", "measure-4", "evaluate", "treadle"]
    measure, champion = container(job, "measure"), container(job, "measure-4")
    assert (measure["image"], measure["command"]) == ("registry.example/measure:2", ["python", "measure.py"])
    assert measure["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert "nvidia.com/gpu" not in container(job, "evaluate")["resources"]["limits"]
    given = variables(job, "measure")
    assert given["TREADLE_MODEL_DIR"] == "/models/model"
    assert variables(job, "measure-4")["TREADLE_MODEL_DIR"] == "/models/version-4"
    assert (given["TREADLE_EVALUATION_DIR"], given["TREADLE_EVALUATION_SPLIT"]) == ("/treadle/evaluation", "test")
    assert (given["TREADLE_PARAM_BETA"], given["LEVEL"]) == ("2", "strict")
    assert not [name for name in given if name.startswith(("AWS_", "MLFLOW_"))]
    assert [mounts(job, name)["evaluation"]["subPath"] for name in ("measure", "measure-4")] == ["answers/model", "answers/version-4"]
    assert champion["command"] == measure["command"]
    spec = EvaluateSpec.model_validate_json(variables(job, "evaluate")[JOB_VARIABLE])
    assert [model.answers for model in spec.models] == ["/treadle/evaluation/answers/model", "/treadle/evaluation/answers/version-4"]


def test_data_loaders_of_the_users_image_share_half_of_its_memory_unless_told_otherwise() -> None:
    """A PyTorch DataLoader with workers dies with a bus error in the 64 MiB that a node gives by itself."""

    def shared(**resources: str) -> tuple[Any, set[str]]:
        job = built(evaluate={"split": "test", "command": ["python", "measure.py"], "resources": resources})
        (volume,) = [volume for volume in pod(job)["volumes"] if volume["name"] == "shm"]
        return volume["emptyDir"], {name for name in names(job) if {"name": "shm", "mountPath": "/dev/shm"} in container(job, name)["volumeMounts"]}

    assert shared(memory="8Gi") == ({"medium": "Memory", "sizeLimit": "4Gi"}, {"measure", "measure-4"})
    assert shared(memory="8Gi", shm="1Gi")[0]["sizeLimit"] == "1Gi"
    assert shared()[0]["sizeLimit"] == "512Mi"
    assert "shm" not in [volume["name"] for volume in pod(built())["volumes"]], "our own image shares nothing between processes"


def test_whoever_measures_gets_the_disk_that_is_asked_for() -> None:
    ours = built(evaluate={"split": "test", "resources": {"ephemeralStorage": "20Gi"}})
    theirs = built(evaluate={"split": "test", "command": ["python", "measure.py"], "resources": {"ephemeralStorage": "20Gi"}})
    for job, name in ((ours, "evaluate"), (theirs, "measure")):
        assert container(job, name)["resources"]["limits"]["ephemeral-storage"] == "20Gi"
        assert container(job, name)["resources"]["requests"]["ephemeral-storage"] == "20Gi"


def test_a_command_alone_runs_in_the_image_of_the_training() -> None:
    measure = container(built(evaluate={"split": "test", "command": ["python", "measure.py"]}), "measure")
    assert measure["image"] == "registry.example/train:1"


def test_the_data_of_a_sensitive_project_stays_sensitive() -> None:
    job = built(project=make_project(sensitive=True))
    assert EvaluateSpec.model_validate_json(variables(job, "evaluate")[JOB_VARIABLE]).sensitive
    assert {container["terminationMessagePolicy"] for container in (*pod(job)["containers"], *pod(job)["initContainers"])} == {"File"}


UNTRACKED = {"tracking": {"type": "None"}, "register": None, "gates": []}


def test_a_model_in_the_output_is_fetched_from_there() -> None:
    job = built(**UNTRACKED, output={"uri": "s3://models/digits"})
    assert names(job) == ["fetch-dataset", "fetch-model", "evaluate", "treadle"]
    spec = FetchModelSpec.model_validate_json(variables(job, "fetch-model")[JOB_VARIABLE])
    assert (spec.uri, spec.any_files) == ("s3://models/digits/digits/model", False)
    assert PublishSpec.model_validate_json(variables(job, "treadle")[JOB_VARIABLE]).uri == "s3://models/digits/digits/treadle"
    own = built(**UNTRACKED, output={"uri": "s3://models/digits"}, evaluate={"split": "test", "command": ["python", "measure.py"]})
    assert FetchModelSpec.model_validate_json(variables(own, "fetch-model")[JOB_VARIABLE]).any_files, "a program of the user's reads it"


def test_a_model_in_a_claim_is_mounted_and_only_read() -> None:
    job = built(**UNTRACKED, output={"uri": "pvc://team/models"}, evaluate={"split": "test", "command": ["python", "measure.py"]})
    assert names(job) == ["fetch-dataset", "measure", "evaluate", "treadle"]
    assert {"name": "output", "persistentVolumeClaim": {"claimName": "team"}} in pod(job)["volumes"]
    for name in ("measure", "evaluate"):
        assert mounts(job, name)["output"] == {"name": "output", "mountPath": "/output/model", "readOnly": True, "subPath": "models/digits/model"}
    assert variables(job, "measure")["TREADLE_MODEL_DIR"] == "/output/model"
    assert PublishSpec.model_validate_json(variables(job, "treadle")[JOB_VARIABLE]).uri is None, "nothing is written to a claim"
