"""TensorBoard beside a run: one golden for what is built, and where it reads from."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.training.things import UNTRACKED, make_run
from treadle.engine._memory import Memory
from treadle.engine._ports import Seen
from treadle.plan import Apply, Object, ref_of
from treadle.training import training_run

GOLDEN = Path(__file__).parent / "tensorboard.yaml"
KIND = training_run(UNTRACKED)
SEEN_RUNNING = {"launched": 1, "attempts": [{"number": 1, "outcome": "Application"}], "result": {"outcome": "Failed", "reason": "ExitedWithError"}}


def built(**spec: Any) -> list[Object]:
    """What is applied for a run whose program ran."""
    run = make_run(uid="uid-trainingrun-digits", **spec)
    memory = Memory(["TrainingRun"])
    memory.learn([Seen({**run, "status": SEEN_RUNNING, "metadata": {"resourceVersion": "1", **run["metadata"]}})])
    view = memory.view(ref_of(run))
    this = view.look()
    assert this is not None
    plan = KIND.plan(KIND.observe(this, view), datetime(2026, 1, 1, tzinfo=UTC))
    return [action.object for action in plan.actions if isinstance(action, Apply)]


def container(**spec: Any) -> Any:
    return built(**spec)[0]["spec"]["template"]["spec"]["containers"][0]


def test_the_built_objects_are_as_the_golden_says() -> None:
    made = built(checkpoint={"claim": "ckpt"}, tensorboard={"logDir": "/treadle/checkpoint/logs", "image": "registry.example/tensorboard:2"})
    text = yaml.safe_dump_all(json.loads(json.dumps(made)), sort_keys=False, width=160)
    if os.environ.get("TREADLE_UPDATE_STORIES"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text(), "write it anew with TREADLE_UPDATE_STORIES=1"


def test_it_sees_the_folder_of_the_claim_that_the_program_sees() -> None:
    volumes = [{"name": "all", "claim": "a", "mountPath": "/work"}, {"name": "logs", "claim": "b", "mountPath": "/work/logs", "subPath": "team"}]
    mounts = container(volumes=volumes, tensorboard={"logDir": "/work/logs/digits"})["volumeMounts"]
    assert {"name": "logs", "mountPath": "/work/logs", "readOnly": True, "subPath": "team"} in mounts


@pytest.mark.parametrize("uri", ["pvc://logs/digits/", "s3://logs/digits/"])
def test_it_reads_from_where_a_uri_says(uri: str) -> None:
    made = container(tensorboard={"logDir": uri})
    variables = {variable["name"] for variable in made["env"]}
    mounted = any(mount["name"] == "logs" for mount in made["volumeMounts"])
    assert (mounted, "AWS_ACCESS_KEY_ID" in variables) == (uri.startswith("pvc"), uri.startswith("s3"))
    assert made["args"][0] == f"--logdir={'/treadle/logs' if mounted else uri}"


def test_nothing_is_shown_of_a_folder_that_no_other_pod_sees() -> None:
    assert built(tensorboard={"logDir": "/work/logs"}, volumes=[{"name": "other", "claim": "a", "mountPath": "/work/log"}]) == []
