"""What keeps a ModelDeployment from serving: a story for each reason that people may meet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.stories.contract import Look, watching
from tests.stories.serving.test_serving_stories import test_a_rollout_is_aborted_or_runs_out_of_time as given_up_story
from tests.stories.story import Story
from tests.unit.serving.things import CANDIDATE, CHAMPION, INSTALLATION, deployment_name, make_deployment, numbered, ready, version
from treadle.api import names
from treadle.api.reasons import Reason
from treadle.connections.installation import parse_installation
from treadle.connections.registry import ModelAlias
from treadle.contracts import Failure
from treadle.serving import model_deployment

KIND = model_deployment(INSTALLATION)
RELEASED = {CANDIDATE: version("1"), numbered("1"): version("1"), CHAMPION: None}
WORDS = {
    Reason.ModelFilesNotFound: "there is no MLmodel at s3://mlflow/1/models/m-1/artifacts",
    Reason.ModelNotReadable: "MLmodel is not YAML",
    Reason.ModelFlavourNotSupported: "this runtime serves sklearn; the model has the flavours pytorch",
    Reason.ModelTypesNotTrusted: "the model holds objects of the type builtins.eval",
    Reason.SmokeFailed: "the model answers '1' to the example that it answered '7' when it was evaluated",
    Reason.ContentChanged: "the model's files have changed",
    Reason.StoreAccessDenied: "the store refuses the keys for bucket mlflow",
    Reason.BucketNotFound: "there is no bucket mlflow",
    Reason.Unreachable: "http://s3.test:7070 does not answer",
    Reason.JobContractMismatch: "TREADLE_RUNTIME says contract 9",
    Reason.JobDefect: "ValueError: no such thing",
}


def ended(message: str, container: str = "treadle") -> dict[str, Any]:
    """The pod of version 1, whose container ended with these words."""
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    status = {"name": container, "ready": False, "state": state, "lastState": {"terminated": {"exitCode": 64, "message": message}}}
    deployment = deployment_name("1")
    labels = {names.DEPLOYMENT: "digits", names.REVISION: deployment.rpartition("-")[2]}
    metadata = {"name": f"{deployment}-x", "namespace": "ml", "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": {"containerStatuses": [status]}}


def test_a_runtime_that_ends_without_a_known_word_shows_its_last_lines() -> None:
    story = Story("Its runtime ends", KIND, make_deployment())
    story.at("0s", "applied", answers=RELEASED)
    story.at("1m", "its pod crashes", objects=[ended("Traceback: no space left on device")])
    story.check("serving/load_failed.yaml")


@pytest.mark.parametrize("reason", WORDS, ids=str)
def test_what_a_pod_says_of_itself_is_the_reason_that_people_see(reason: Reason) -> None:
    story = Story("Its pod says why", KIND, make_deployment())
    story.at("0s", "applied", answers=RELEASED)
    story.at("1m", "its pod crashes", objects=[ended(Failure.of(reason, WORDS[reason]).to_message())])
    lines = story.tell()["1m, its pod crashes"]
    assert any(f"Available=False {reason}: " in line and WORDS[reason] in line for line in lines), lines


def test_why_a_version_was_given_up_is_remembered_with_it() -> None:
    remembered: set[str] = set()

    def note(look: Look) -> None:
        remembered.update(given_up["reason"] for given_up in (look.this.get("status") or {}).get("refused", ()))

    with watching(note):
        given_up_story()
    assert remembered == {str(Reason.RolloutAborted), str(Reason.DeadlineExceeded)}


@pytest.mark.parametrize("uri", ["s3://", "s3://mlflow/" + 2000 * "x", "file:///mnt/models/1", ""], ids=lambda uri: uri[:12])
def test_files_that_no_pod_can_be_sent_for_are_said(uri: str) -> None:
    elsewhere = replace(version("1"), artifact_uri=uri)
    story = Story("Its files are elsewhere", KIND, make_deployment())
    story.at("0s", "applied", answers={CANDIDATE: elsewhere, CHAMPION: None})
    assert any(f"ModelResolved=False {Reason.ModelNotServable}: " in line for line in story.tell()["0s, applied"])


def test_no_pods_are_wanted() -> None:
    story = Story("It is scaled to zero", KIND, make_deployment())
    story.at("0s", "applied", answers=RELEASED)
    story.at("1m", "its pod is ready", **{deployment_name("1"): ready()})
    story.at("1h", "no pods are wanted", this={"spec": {"replicas": 0}}, **{deployment_name("1"): ready(0)})
    story.at("2h", "one pod is wanted", this={"spec": {"replicas": 1}})
    story.check("serving/scaled_to_zero.yaml")


def test_a_service_account_that_nobody_allowed_is_not_used() -> None:
    story = Story("Its service account is not allowed", KIND, make_deployment(access={"serviceAccountName": "admin"}))
    story.at("0s", "applied", answers=RELEASED)
    story.check("serving/account_not_allowed.yaml")


def test_a_run_that_registered_outside_of_the_namespaces_names_is_not_served() -> None:
    installation = parse_installation("""
id: test
images: {jobs: "treadle-jobs:test", runtime: "treadle-runtime:test"}
connections: {mlflow: {default: {url: "http://mlflow.test:5000", modelPrefix: "{namespace}.", shared: true}}}
""")
    run = {"apiVersion": names.API_VERSION, "kind": "TrainingRun", "metadata": {"name": "digits-v1", "namespace": "ml"}, "spec": {}}
    registered = {"status": {"registered": {"model": "retail.digits", "version": "4"}}}
    champion = ModelAlias(connection="mlflow/default", model="ml.digits", alias="champion")
    deployment = make_deployment({"run": "digits-v1"})
    story = Story("The model of its run belongs to others", model_deployment(installation), deployment, others=[run | registered])
    story.at("0s", "applied", answers={champion: None})
    story.check("serving/not_granted.yaml")
