"""The Job of an attempt: one golden for the built object, and what each field of the spec does to it."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.training.things import DIGEST, INSTALLATION, TRAINING_RUN, find, logged, make_project, make_run
from treadle.contracts import JOB_VARIABLE
from treadle.contracts.dataset import FetchDatasetSpec
from treadle.engine._memory import Memory
from treadle.engine._ports import Answered, Seen
from treadle.plan import Create, Object, ref_of
from treadle.training import training_run
from treadle.workloads.add_ons import KindMissing

GOLDEN = Path(__file__).parent / "training_job.yaml"
SEVERAL_NODES = Path(__file__).parent / "training_job_set.yaml"
FULL: dict[str, Any] = {
    "dataset": {"project": "digits", "format": "Yolo", "splits": ["train"]},
    "command": ["python", "train.py"],
    "args": ["--epochs=$(TREADLE_PARAM_EPOCHS)"],
    "env": [{"name": "LR", "value": "0.1"}, {"name": "HF_TOKEN", "secret": "hf", "key": "token"}],
    "parameters": [{"name": "epochs", "value": "10"}],
    "resources": {"gpu": 2, "gpuProduct": "NVIDIA-H200", "cpu": "8", "memory": "64Gi"},
    "volumes": [{"name": "cache", "claim": "train-cache", "mountPath": "/cache"}],
    "queue": "research",
    "priorityClassName": "high",
    "nodeSelector": {"zone": "a"},
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "labels": {"team": "retail"},
    "access": {"imagePullSecrets": ["registry"], "stores": [{"prefix": "s3://datasets/", "secret": "my-keys"}]},
    "checkpoint": {"claim": "ckpt"},
    "output": {"uri": "s3://models/digits"},
}


def built(*, project: dict[str, Any] | None = None, **spec: Any) -> Object:
    """The Job that is made for a run whose tracked run is there."""
    run = make_run(uid="uid-trainingrun-digits", **spec)
    memory = Memory(["TrainingRun"])
    memory.learn([Seen({**this, "metadata": {"resourceVersion": "1", **this["metadata"]}}) for this in (run, uid(project or make_project()))])
    memory.learn([Answered(find(run), logged()), Answered(KindMissing(kind="JobSet"), False)])
    view = memory.view(ref_of(run))
    this = view.look()
    assert this is not None
    plan = TRAINING_RUN.plan(TRAINING_RUN.observe(this, view), datetime(2026, 1, 1, tzinfo=UTC))
    (action,) = plan.actions
    assert isinstance(action, Create)
    return action.object


def uid(this: dict[str, Any]) -> dict[str, Any]:
    return {**this, "metadata": {"uid": "uid-of-it", **this["metadata"]}}


def environment(job: Object) -> dict[str, str]:
    return {v["name"]: v.get("value", "") for v in job["spec"]["template"]["spec"]["containers"][0]["env"]}


def test_the_built_job_is_as_the_golden_says() -> None:
    text = yaml.safe_dump(json.loads(json.dumps(built(**FULL))), sort_keys=False, width=160)
    if os.environ.get("TREADLE_UPDATE_STORIES"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text(), "write it anew with TREADLE_UPDATE_STORIES=1"


def test_the_built_job_set_is_as_the_golden_says() -> None:
    text = yaml.safe_dump(json.loads(json.dumps(built(**FULL, nodes=2))), sort_keys=False, width=160)
    if os.environ.get("TREADLE_UPDATE_STORIES"):
        SEVERAL_NODES.write_text(text)
    assert text == SEVERAL_NODES.read_text(), "write it anew with TREADLE_UPDATE_STORIES=1"


def test_the_program_finds_its_run_its_data_and_its_parameters() -> None:
    found = environment(built(**FULL))
    assert found["MLFLOW_RUN_ID"] == "(new)"
    assert found["TREADLE_DATASET_DIR"] == "/treadle/dataset"
    assert found["TREADLE_DATASET_VERSION"] == "1"
    assert found["TREADLE_PARAM_EPOCHS"] == "10"
    assert found["TREADLE_CHECKPOINT_DIR"] == "/treadle/checkpoint"
    assert found["TREADLE_OUTPUT_URI"] == "s3://models/digits/digits/"
    assert found["HOME"] == "/home/treadle"


def test_all_ranks_find_the_same_run_and_each_its_rank() -> None:
    """Their pods are made from one template: which rank logs is for the program to say, and the page about workloads says how."""
    (job,) = built(nodes=2)["spec"]["replicatedJobs"]
    env = {variable["name"]: variable for variable in job["template"]["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert env["MLFLOW_RUN_ID"]["value"] == "(new)"
    assert env["RANK"]["value"] == "$(TREADLE_NODE_RANK)"
    assert env["TREADLE_NODE_RANK"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.annotations['batch.kubernetes.io/job-completion-index']"


def test_a_user_cannot_be_given_credentials_of_the_dataset() -> None:
    """Only our own container that fetches gets the keys."""
    job = built(dataset={"project": "digits"})
    assert "AWS_ACCESS_KEY_ID" not in environment(job)
    (fetch,) = job["spec"]["template"]["spec"]["initContainers"]
    assert fetch["image"] == INSTALLATION.images.jobs
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "TREADLE_JOB"} <= {v["name"] for v in fetch["env"]}


def test_a_dataset_in_a_cache_is_read_by_the_program_and_written_by_us() -> None:
    pod = built(dataset={"project": "digits", "cache": {"claim": "datasets"}})["spec"]["template"]["spec"]
    (volume,) = [volume for volume in pod["volumes"] if volume["name"] == "dataset"]
    assert volume["persistentVolumeClaim"] == {"claimName": "datasets"}
    ours, theirs = (
        next(mount for mount in container["volumeMounts"] if mount["name"] == "dataset") for container in (*pod["initContainers"], *pod["containers"])
    )
    assert ours == {"name": "dataset", "mountPath": "/treadle/dataset", "subPath": theirs["subPath"]}
    assert theirs["readOnly"] is True
    assert theirs["subPath"].startswith(f"treadle/datasets/{DIGEST}-")


def test_a_dataset_in_a_claim_is_checked_by_us_and_needs_no_keys() -> None:
    uri = {"uri": "pvc://data/shelf/v0003/", "digest": f"sha256:{DIGEST}"}
    pod = built(dataset=uri)["spec"]["template"]["spec"]
    assert {"name": "claim-1", "persistentVolumeClaim": {"claimName": "data"}} in pod["volumes"]
    fetch, main = pod["initContainers"][0], pod["containers"][0]
    assert {"name": "claim-1", "mountPath": "/treadle/claims/data", "readOnly": True} in fetch["volumeMounts"]
    assert "claim-1" not in [mount["name"] for mount in main["volumeMounts"]], "the program sees what was checked"
    spec = FetchDatasetSpec.model_validate_json(next(v["value"] for v in fetch["env"] if v["name"] == JOB_VARIABLE))
    assert (spec.uri, spec.store.claims) == ("pvc://data/shelf/v0003/", "/treadle/claims")
    assert all(v["valueFrom"]["secretKeyRef"]["optional"] for v in fetch["env"] if v["name"] != JOB_VARIABLE)


def test_the_items_of_a_projects_version_may_lie_in_the_claims_of_its_sources() -> None:
    project = make_project(sources=[{"name": "a", "uri": "pvc://raw/a/"}, {"name": "b", "uri": "s3://raw/b/"}, {"name": "c", "uri": "pvc://more/"}])
    job = built(project=project, dataset={"project": "digits"})
    fetch = job["spec"]["template"]["spec"]["initContainers"][0]
    mounted = [mount["mountPath"] for mount in fetch["volumeMounts"] if mount["name"].startswith("claim-")]
    assert mounted == ["/treadle/claims/more", "/treadle/claims/raw"]
    assert json.loads(job["metadata"]["annotations"]["treadle.dev/resolved"])["dataset"]["claims"] == ["more", "raw"], "pinned with the version"
    assert not any(v["valueFrom"]["secretKeyRef"].get("optional") for v in fetch["env"] if v["name"] != JOB_VARIABLE)


def test_a_claim_for_the_output_is_mounted_below_the_runs_own_name() -> None:
    job = built(output={"uri": "pvc://models/retail/"})
    (mount,) = [mount for mount in job["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] if mount["name"] == "output"]
    assert mount == {"name": "output", "mountPath": "/treadle/output", "subPath": "retail/digits"}
    assert environment(job)["TREADLE_OUTPUT_URI"] == "file:///treadle/output/"
    assert "AWS_ACCESS_KEY_ID" not in {v["name"] for v in job["spec"]["template"]["spec"]["containers"][0]["env"]}


def test_parts_of_a_version_lie_beside_each_other_in_a_cache() -> None:
    def folder(**dataset: Any) -> str:
        pod = built(dataset={"project": "digits", "cache": {"claim": "datasets"}, **dataset})["spec"]["template"]["spec"]
        return str(next(mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == "dataset")["subPath"])

    assert folder(splits=["train", "test"]) == folder(splits=["test", "train"])
    assert len({folder(), folder(format="Yolo"), folder(splits=["train"])}) == 3


@pytest.mark.parametrize(
    ("resource", "product", "label"),
    [
        ("nvidia.com/gpu", "NVIDIA-H200", "nvidia.com/gpu.product"),
        ("nvidia.com/mig-1g.18gb", "NVIDIA-H200", "nvidia.com/gpu.product"),
        ("amd.com/gpu", "AMD_Instinct_MI300X_OAM", "amd.com/gpu.product-name"),
        ("gpu.intel.com/i915", "Max_1550", "gpu.intel.com/product"),
    ],
)
def test_devices_of_every_vendor_are_asked_for_in_its_own_words(resource: str, product: str, label: str) -> None:
    pod = built(resources={"gpu": 2, "gpuResource": resource, "gpuProduct": product})["spec"]["template"]["spec"]
    asked = pod["containers"][0]["resources"]
    assert (asked["requests"][resource], asked["limits"][resource]) == ("2", "2")
    assert pod["nodeSelector"] == {label: product}


def test_devices_without_a_product_select_no_node() -> None:
    assert "nodeSelector" not in built(resources={"gpu": 1, "gpuResource": "habana.ai/gaudi"})["spec"]["template"]["spec"]


def test_a_sensitive_run_keeps_no_log_lines() -> None:
    job = built(sensitive=True)
    assert job["spec"]["template"]["spec"]["containers"][0]["terminationMessagePolicy"] == "File"


def test_a_job_is_made_suspended_for_its_queue_only() -> None:
    assert built(queue="research")["spec"]["suspend"] is True
    assert "suspend" not in built()["spec"]


def test_labels_of_the_user_never_replace_ours() -> None:
    job = built(labels={"treadle.dev/run": "another", "team": "retail"})
    assert job["spec"]["template"]["metadata"]["labels"]["treadle.dev/run"] == "digits"
    assert job["spec"]["template"]["metadata"]["labels"]["team"] == "retail"
    assert "team" not in job["metadata"]["labels"]


def test_what_was_resolved_is_written_on_the_job() -> None:
    resolved = json.loads(built(dataset={"project": "digits"})["metadata"]["annotations"]["treadle.dev/resolved"])
    assert resolved["dataset"]["version"] == 1
    assert resolved["tracking"]["id"] == "(new)"
    assert resolved["attempt"] == 1


def test_the_kind_is_made_for_an_installation() -> None:
    assert training_run(INSTALLATION).name == "TrainingRun"
