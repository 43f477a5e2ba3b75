"""Built objects, each with its golden. Write them anew with TREADLE_UPDATE_STORIES=1."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.pod_security import violations
from tests.unit.serving.things import CANDIDATE, CHAMPION, INSTALLATION, make_deployment, numbered, version
from treadle.contracts import JOB_VARIABLE
from treadle.contracts.feedback import FeedbackSpec
from treadle.contracts.fetch_model import FetchModelSpec
from treadle.contracts.serving import ENVIRONMENT, RuntimeSpec
from treadle.engine._memory import Memory
from treadle.engine._ports import Answered, Seen
from treadle.plan import Apply, ref_of
from treadle.serving import model_deployment
from treadle.serving.observe import Serving, observe
from treadle.serving.plan import plan
from treadle.serving.target import target_in

GOLDEN = Path(__file__).parent / "golden"


def observed(tags: Mapping[str, str] | None = None, **spec: Any) -> Serving:
    """A deployment whose version 1, with these tags in the registry, is to serve, as it is remembered."""
    this = make_deployment(**spec)
    this["metadata"] |= {"uid": "uid-1", "resourceVersion": "1", "generation": 1}
    world = Memory([this["kind"]])
    world.learn(
        [Seen(this), *(Answered(question, version("1", **(tags or {}))) for question in (CANDIDATE, numbered("1"))), Answered(CHAMPION, None)]
    )
    from datetime import UTC, datetime

    first = plan(observe(this, world.view(ref_of(this)), installation=INSTALLATION), datetime(2026, 1, 1, tzinfo=UTC))
    assert first.status is not None
    status = first.status.model_dump(mode="json", by_alias=True, exclude_none=True)
    remembered = {**this, "metadata": {**this["metadata"], "resourceVersion": "2"}, "status": status}
    world.learn([Seen(remembered)])
    return observe(remembered, world.view(ref_of(this)), installation=INSTALLATION)


def applied(serving: Serving) -> list[dict[str, Any]]:
    from datetime import UTC, datetime

    return [dict(action.object) for action in plan(serving, datetime(2026, 1, 1, tzinfo=UTC)).actions if isinstance(action, Apply)]


FULL = {
    "replicas": 3,
    "resources": {"gpu": 1, "gpuProduct": "NVIDIA-A100", "cpu": "2000m", "memory": "1024Mi", "shm": "512Mi"},
    "runtime": {"env": [{"name": "LEVEL", "value": "1"}, {"name": "KEY", "secret": "keys", "key": "k"}]},
    "nodeSelector": {"zone": "a"},
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "priorityClassName": "high",
    "access": {"imagePullSecrets": ["registry"], "stores": [{"prefix": "s3://mlflow/", "secret": "own-keys"}]},
    "sensitive": True,
}


CUSTOM = {
    "runtime": {
        "type": "Custom",
        "image": "registry.example/triton:26.07",
        "command": ["tritonserver", "--model-repository=$(TREADLE_MODEL_DIR)"],
        "port": 8000,
        "env": [{"name": "LEVEL", "value": "1"}],
    },
    "resources": {"gpu": 1, "shm": "1Gi"},
}


@pytest.mark.parametrize(("name", "spec"), [("smallest", {}), ("full", FULL), ("custom", CUSTOM)])
def test_built_objects_are_as_their_golden(name: str, spec: dict[str, Any]) -> None:
    text = yaml.safe_dump_all(applied(observed(**spec)), sort_keys=False, width=160)
    path = GOLDEN / f"{name}.yaml"
    if os.environ.get("TREADLE_UPDATE_STORIES"):
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def test_an_autoscaler_gets_the_stable_deployment() -> None:
    serving = observed(autoscaling={"max": 4, "cpuPercent": 60, "metrics": [{"name": "queue", "average": "1500m"}]})
    kinds = [made["kind"] for made in applied(serving)]
    assert kinds == ["Deployment", "Service"]  # the autoscaler follows once its Deployment is there


def test_where_drift_is_watched_pods_get_the_reference_and_count_in_windows() -> None:
    stored = {"uri": "s3://mlflow/1/run/artifacts/treadle/reference-1.json", "sha256": "ab" * 32}
    serving = observed(tags={"treadle.reference": json.dumps(stored)}, monitoring={"drift": {"window": "30m"}})
    deployment = next(made for made in applied(serving) if made["kind"] == "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    fetch = FetchModelSpec.model_validate_json(variable(pod["initContainers"][0], JOB_VARIABLE))
    runtime = RuntimeSpec.model_validate_json(variable(pod["containers"][0], ENVIRONMENT))
    assert fetch.reference is not None
    assert (fetch.reference.uri, fetch.reference_file, runtime.drift_seconds) == (stored["uri"], runtime.reference_file, 1800)
    read_back = target_in(deployment)
    assert read_back is not None
    assert read_back.reference == fetch.reference


@pytest.mark.parametrize(("tag", "digest"), [("ab" * 32, "ab" * 32), ("AB" * 32, ""), ("", ""), ("ab" * 32 + "\n", "")])
def test_pods_take_only_the_files_that_were_evaluated(tag: str, digest: str) -> None:
    deployment = next(made for made in applied(observed(tags={"treadle.files": tag})) if made["kind"] == "Deployment")
    fetch = FetchModelSpec.model_validate_json(variable(deployment["spec"]["template"]["spec"]["initContainers"][0], JOB_VARIABLE))
    read_back = target_in(deployment)
    assert read_back is not None
    assert (fetch.digest, read_back.digest) == (digest, digest)


@pytest.mark.parametrize(("port", "ours"), [(8000, 8080), (None, 8082)])
def test_before_a_users_server_our_runtime_owns_the_port(port: int | None, ours: int) -> None:
    runtime = {"type": "Custom", "image": "registry.example/vllm:0.12", "proxy": True} | ({"port": port} if port else {})
    made = applied(observed(runtime=runtime, resources={"gpu": 1}))
    deployment, service = (next(it for it in made if it["kind"] == kind) for kind in ("Deployment", "Service"))
    server, proxy = deployment["spec"]["template"]["spec"]["containers"]
    assert service["spec"]["ports"][0]["targetPort"] == "http"
    assert {port["name"]: port["containerPort"] for port in proxy["ports"]} == {"http": ours, "control": 8081}
    assert server["ports"] == [{"name": "behind", "containerPort": port or 8080}]
    assert server["readinessProbe"]["httpGet"]["port"] == "behind"
    told = RuntimeSpec.model_validate_json(variable(proxy, ENVIRONMENT))
    assert (told.port, told.behind_port) == (ours, port or 8080)
    assert "nvidia.com/gpu" in server["resources"]["limits"]
    assert "nvidia.com/gpu" not in proxy["resources"]["limits"]
    assert violations(deployment["spec"]["template"]) == []


def test_a_pod_may_ask_for_room_on_the_nodes_disk() -> None:
    deployment = next(made for made in applied(observed(resources={"ephemeralStorage": "2Gi"})) if made["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["ephemeral-storage"] == container["resources"]["requests"]["ephemeral-storage"] == "2Gi"


def test_downloaded_models_are_kept_in_a_claim_each_in_a_folder_of_its_own() -> None:
    serving = observed(model={"name": "digits", "cache": {"claim": "models"}})
    deployment = next(made for made in applied(serving) if made["kind"] == "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    assert {"name": "model", "persistentVolumeClaim": {"claimName": "models"}} in pod["volumes"]
    (fetches,), (reads,) = (
        [mount for mount in container["volumeMounts"] if mount["name"] == "model"] for container in (pod["initContainers"][0], pod["containers"][0])
    )
    assert fetches["subPath"] == reads["subPath"]
    assert fetches["subPath"].startswith("treadle/models/")
    assert reads["readOnly"] is True
    assert FetchModelSpec.model_validate_json(variable(pod["initContainers"][0], JOB_VARIABLE)).cached
    assert violations(deployment["spec"]["template"]) == []


def test_items_are_kept_by_the_runtime_and_brought_to_the_store_by_a_container_with_the_keys() -> None:
    select = [{"when": "Uncertain", "below": "0.6"}, {"when": "Random", "percent": 1}]
    serving = observed(feedback={"destination": "s3://feedback/digits/", "select": select, "maxPerDay": 50})
    deployment = next(made for made in applied(serving) if made["kind"] == "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    assert [container["name"] for container in pod["containers"]] == ["treadle", "feedback"]
    runtime = RuntimeSpec.model_validate_json(variable(pod["containers"][0], ENVIRONMENT))
    deliver = FeedbackSpec.model_validate_json(variable(pod["containers"][1], JOB_VARIABLE))
    assert runtime.feedback is not None
    assert [choice.when for choice in runtime.feedback.choices] == ["Uncertain", "Random"]
    assert (deliver.destination, deliver.per_day, deliver.directory) == ("s3://feedback/digits/", 50, runtime.feedback.directory)
    mounted = [{mount["mountPath"] for mount in container["volumeMounts"]} for container in pod["containers"]]
    assert all("/feedback" in paths for paths in mounted)
    assert not any("TREADLE_STORE" in entry["name"] for entry in pod["containers"][0]["env"]), "what runs models of others has no keys"
    assert violations(deployment["spec"]["template"]) == []


def test_of_sensitive_requests_nothing_is_kept_that_nobody_has_redacted() -> None:
    feedback = {"destination": "s3://feedback/digits/", "select": [{"when": "Random", "percent": 1}]}
    deployment = next(made for made in applied(observed(feedback=feedback, sensitive=True)) if made["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert RuntimeSpec.model_validate_json(variable(container, ENVIRONMENT)).feedback is None


def test_a_redacting_program_sees_its_own_folder_and_has_no_keys() -> None:
    redact = {"image": "registry.example/redact:1", "command": ["redact"]}
    feedback = {"destination": "s3://feedback/digits/", "select": [{"when": "Random", "percent": 1}], "redact": redact}
    deployment = next(made for made in applied(observed(feedback=feedback, sensitive=True)) if made["kind"] == "Deployment")
    _, delivers, redacts = deployment["spec"]["template"]["spec"]["containers"]
    assert FeedbackSpec.model_validate_json(variable(delivers, JOB_VARIABLE)).redacted
    assert redacts["image"] == "registry.example/redact:1"
    (mount,) = [mount for mount in redacts["volumeMounts"] if mount["name"] == "feedback"]
    assert (mount["mountPath"], mount["subPath"]) == ("/redaction", "redaction")
    assert {entry["name"]: entry["value"] for entry in redacts["env"] if "REDACT" in entry["name"]} == {
        "TREADLE_REDACT_IN": "/redaction/in",
        "TREADLE_REDACT_OUT": "/redaction/out",
    }
    assert not any("TREADLE_STORE" in entry["name"] for entry in redacts["env"])
    assert violations(deployment["spec"]["template"]) == []


@pytest.mark.parametrize("tag", ["", "{}", "nonsense", '{"uri": "file:///etc/passwd", "sha256": "00"}', "null", "[[[["])
def test_a_tag_that_names_no_reference_is_passed_over(tag: str) -> None:
    serving = observed(tags={"treadle.reference": tag}, monitoring={"drift": {}})
    deployment = next(made for made in applied(serving) if made["kind"] == "Deployment")
    fetch = FetchModelSpec.model_validate_json(variable(deployment["spec"]["template"]["spec"]["initContainers"][0], JOB_VARIABLE))
    assert fetch.reference is None


def variable(container: dict[str, Any], name: str) -> str:
    return next(str(entry["value"]) for entry in container["env"] if entry["name"] == name)


def test_the_kind_names_what_ready_follows() -> None:
    assert model_deployment(INSTALLATION).ready == ("Available",)


def smoke(uri: str = "s3://raw/items/7.png") -> dict[str, str]:
    return {"treadle.smoke": json.dumps({"uri": uri, "sha256": "ab" * 32, "label": "7", "score": "0.99"})}


def told_of_smoke(serving: Serving) -> tuple[FetchModelSpec, RuntimeSpec, Mapping[str, Any]]:
    deployment = next(made for made in applied(serving) if made["kind"] == "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    fetch = FetchModelSpec.model_validate_json(variable(pod["initContainers"][0], JOB_VARIABLE))
    return fetch, RuntimeSpec.model_validate_json(variable(pod["containers"][0], ENVIRONMENT)), deployment


def test_pods_get_the_example_of_the_evaluation_and_the_answer_to_it() -> None:
    fetch, runtime, deployment = told_of_smoke(observed(tags=smoke()))
    assert fetch.smoke is not None
    assert runtime.smoke is not None
    assert (fetch.smoke.uri, runtime.smoke.label) == ("s3://raw/items/7.png", "7")
    assert runtime.smoke.file == fetch.smoke.file(fetch.smoke_directory)
    read_back = target_in(deployment)
    assert read_back is not None
    assert read_back.smoke == fetch.smoke


OTHER_KEYS = {"stores": [{"prefix": "s3://raw/", "secret": "raw-keys"}]}


@pytest.mark.parametrize(
    ("uri", "spec"),
    [("s3://raw/items/7.png", {"access": OTHER_KEYS}), ("gs://raw/items/7.png", {}), ("s3://raw/7", {"runtime": {"type": "Custom", "image": "x:1"}})],
    ids=["other keys", "another store", "a server of one's own"],
)
def test_an_example_out_of_reach_is_done_without(uri: str, spec: dict[str, Any]) -> None:
    serving = observed(tags=smoke(uri), **spec)
    deployment = next(made for made in applied(serving) if made["kind"] == "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    assert FetchModelSpec.model_validate_json(variable(pod["initContainers"][0], JOB_VARIABLE)).smoke is None
    assert '"smoke"' not in json.dumps(pod["containers"])


@pytest.mark.parametrize("tag", ["", "{}", "nonsense", '{"uri": "file:///etc/passwd", "sha256": "00", "label": "7"}', "null", "[[[["])
def test_a_tag_that_names_no_example_is_passed_over(tag: str) -> None:
    fetch, runtime, _ = told_of_smoke(observed(tags={"treadle.smoke": tag}))
    assert (fetch.smoke, runtime.smoke) == (None, None)
