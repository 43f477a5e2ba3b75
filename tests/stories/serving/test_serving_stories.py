"""ModelDeployment, told: how versions come to serve, and what keeps them from it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.stories.contract import Look, watching
from tests.stories.story import Story
from tests.unit.serving.canaries import SIGNING
from tests.unit.serving.things import CANDIDATE, CHAMPION, INSTALLATION, deployment_name, make_deployment, numbered, ready, version
from treadle.api import names
from treadle.api.reasons import Reason
from treadle.connections.registry import SMOKE_TAG
from treadle.contracts import Failure
from treadle.contracts.fetch_model import FetchModelResult
from treadle.plan import Unavailable
from treadle.serving import model_deployment

KIND = model_deployment(INSTALLATION)
DOWN = Unavailable(datetime(2026, 1, 1, tzinfo=UTC), "MLflow does not answer")


def story(title: str, this: dict[str, Any] | None = None, **more: Any) -> Story:
    return Story(title, KIND, this or make_deployment(), **more)


def released(number: str, gates: str = "Passed") -> dict[Any, Any]:
    """A version that training registered as the candidate."""
    return {CANDIDATE: version(number, gates), numbered(number): version(number, gates)}


def pods(number: str, count: int = 1, **spec: Any) -> dict[str, Any]:
    """So many pods of a version are ready."""
    return {deployment_name(number, **spec): ready(count)}


def test_the_first_version_serves_and_becomes_the_champion() -> None:
    told = story("The first version serves and becomes the champion")
    told.at("0s", "applied before there is a model")
    told.at("5m", "training registers a candidate", answers=released("1"))
    told.at("6m", "its pod is ready", **pods("1"))
    told.at("7m", "the operator restarts")
    told.check("serving/first_version.yaml")


def smoke(uri: str = "s3://raw/items/7.png") -> dict[str, str]:
    """The tag of a version whose evaluation kept an example."""
    return {SMOKE_TAG: json.dumps({"uri": uri, "sha256": "ab" * 32, "label": "7", "score": "0.99"})}


def fetched(why_not: str = "") -> dict[str, Any]:
    """The pod of version 1, whose init container has done its work."""
    result = FetchModelResult(uri="s3://mlflow/1/models/m-1/artifacts", digest="a" * 64, files=2, bytes=9, smoke=why_not)
    status = {"name": "fetch-model", "ready": True, "state": {"terminated": {"exitCode": 0, "message": result.to_message()}}}
    return kept("1", {"initContainerStatuses": [status]})


def evidence_of(pod: dict[str, Any], uri: str, **spec: Any) -> set[str]:
    """What the promotion of a first version rests on that has an example at this place, and only this pod."""
    told = story("A first version with an example", make_deployment(**spec))
    tags = smoke(uri)
    told.at("0s", "applied", answers={CANDIDATE: version("1", **tags), numbered("1"): version("1", **tags), CHAMPION: None})
    told.at("1m", "its pod is ready", objects=[pod], **pods("1", **spec))
    seen: set[str] = set()

    def note(look: Look) -> None:
        if promotion := (look.this.get("status") or {}).get("promotion"):
            seen.add(promotion["evidence"])

    with watching(note):
        told.tell()
    return seen


@pytest.mark.parametrize(
    ("uri", "why_not", "words"),
    [
        ("s3://raw/7.png", "", "none answers the smoke example otherwise"),
        ("s3://raw/7.png", "s3://raw/7.png: there is no such object", "smoke example not asked: s3://raw/7.png: there is no such object"),
        ("gs://raw/7.png", "", "smoke example not asked: gs://raw/7.png is out of reach of the keys that fetch the model"),
    ],
)
def test_the_evidence_of_a_first_promotion_names_the_example_of_its_evaluation(uri: str, why_not: str, words: str) -> None:
    assert evidence_of(fetched(why_not), uri) == {f"first version: gates Passed, every pod ready, {words}"}


def test_a_version_that_answers_the_example_of_its_evaluation_otherwise_is_not_promoted() -> None:
    told = story("The first version is asked the example of its evaluation")
    registry = {CANDIDATE: version("1", **smoke()), numbered("1"): version("1", **smoke()), CHAMPION: None}
    told.at("0s", "applied", answers=registry)
    failure = Failure.of(Reason.SmokeFailed, "the model answers '1' to the example that it answered '7' when it was evaluated")
    container = {"name": "treadle", "ready": False, "lastState": {"terminated": {"exitCode": 64, "message": failure.to_message()}}}
    told.at("1m", "its pod answers otherwise", objects=[kept("1", {"containerStatuses": [container]})])
    told.at("9m", "the image has the right libraries now", objects=[fetched()], **pods("1"))
    told.check("serving/smoke_example.yaml")


def test_the_registry_is_down_at_first_and_later() -> None:
    told = story("The registry is down at first and later", answers={CANDIDATE: DOWN, CHAMPION: DOWN})
    told.at("0s", "applied while MLflow is down")
    told.at("5m", "MLflow is back", answers=released("1") | {CHAMPION: None})
    told.at("6m", "MLflow is down again, and the pod gets ready", answers={CANDIDATE: DOWN, CHAMPION: DOWN, numbered("1"): DOWN}, **pods("1"))
    told.at("9m", "MLflow is back", answers=released("1") | {CHAMPION: None})
    told.check("serving/registry_down.yaml")


def test_a_version_without_gates_waits_for_a_person() -> None:
    told = story("A version whose gates are unknown serves unpromoted until a person promotes it")
    told.at("0s", "a version that somebody registered by hand", answers=released("1", gates=""))
    told.at("1m", "its pod is ready", **pods("1"))
    told.at("1h", "a person promotes another version by mistake", this={"metadata": {"annotations": {names.PROMOTE: "7"}}})
    told.at("2h", "a person promotes it", this={"metadata": {"annotations": {names.PROMOTE: "1"}}})
    told.at("3h", "nothing more happens")
    told.check("serving/gates_unknown.yaml")


def test_the_champion_is_the_first_to_serve() -> None:
    told = story("With a champion present and nothing deployed, the champion serves; the candidate waits")
    told.at("0s", "applied", answers=released("2") | {CHAMPION: version("1")})
    told.at("1m", "its pod is ready", **pods("1"))
    told.check("serving/champion_first.yaml")


def test_nothing_is_deployed_while_it_is_unknown_whether_there_is_a_champion() -> None:
    told = story("While nobody can tell whether there is a champion, the candidate is not the first to serve")
    told.at("0s", "applied while one of the two aliases cannot be read", answers=released("2") | {CHAMPION: DOWN})
    told.at("5m", "there is a champion", answers={CHAMPION: version("1")})
    told.at("6m", "its pod is ready", **pods("1"))
    told.check("serving/champion_unknown.yaml")


def test_a_promotion_that_somebody_overtook_is_dropped() -> None:
    told = story("A promotion that somebody overtook is dropped, and does not stand in the way of the next")
    told.at("0s", "applied", answers=released("5"))
    decided = {"promotion": {"alias": "champion", "version": "5", "moved": False}}
    told.at(
        "1m",
        "its pod is ready; a person moves the alias before the operator does",
        this={"status": decided},
        answers={CHAMPION: version("3")},
        **pods("5"),
    )
    told.at("1h", "another person promotes what serves", this={"metadata": {"annotations": {names.PROMOTE: "5"}}})
    told.check("serving/overtaken.yaml")


def test_a_pin_that_is_no_version_is_never_asked_for() -> None:
    told = story("A pin that is no version says so; what serves goes on serving")
    told.at("0s", "applied", answers=released("1"))
    told.at("1m", "its pod is ready", **pods("1"))
    told.at("1h", "a person pins nonsense", this={"metadata": {"annotations": {names.PIN: "latest&" * 3}}})
    told.check("serving/pinned_nonsense.yaml")


def test_a_version_that_was_rolled_back_is_not_promoted_by_itself() -> None:
    told = story("A version that was rolled back is not promoted by itself, even where nothing else serves")
    tagged = version("1", **{"treadle.rollout": "RolledBack"})
    told.at("0s", "applied after a rollback elsewhere", answers={CANDIDATE: tagged, numbered("1"): tagged})
    told.at("1m", "its pod is ready", **pods("1"))
    told.check("serving/rolled_back.yaml")


def test_a_new_candidate_waits_until_a_person_lets_it_take_over() -> None:
    told = story("A new candidate waits, takes over when a person says so, and becomes the champion")
    told.at("0s", "applied", answers=released("1"))
    told.at("1m", "its pod is ready", **pods("1"))
    told.at("1d", "training registers another candidate", answers=released("2"))
    told.at("2d", "a person promotes it", this={"metadata": {"annotations": {names.PROMOTE: "2"}}})
    told.at("2d1m", "its pod is ready", **pods("2"))
    told.at("2d2m", "a person promotes what is not there", this={"metadata": {"annotations": {names.PROMOTE: "9"}}})
    told.at("3d", "the operator restarts")
    told.check("serving/new_candidate.yaml")


def test_a_version_that_never_served_makes_way_for_the_next() -> None:
    told = story("A version that cannot be loaded makes way for the next candidate")
    told.at("0s", "applied", answers=released("1"))
    told.at("1m", "its pod crashes", objects=[crashed("1")])
    told.at("1h", "training registers another candidate", answers=released("2"))
    told.at("1h1m", "its pod is ready", **pods("2"))
    told.check("serving/never_served.yaml")


def test_the_same_version_served_in_another_way_comes_up_beside() -> None:
    more = {"resources": {"memory": "2Gi"}}
    most = {"resources": {"memory": "4Gi"}}
    told = story("The same version with other resources comes up beside, then takes over; former ones are kept without pods")
    told.at("0s", "applied", answers=released("1"))
    told.at("1m", "its pod is ready", **pods("1"))
    told.at("1h", "memory is raised", this={"spec": more})
    told.at("1h1m", "its pod is ready", **pods("1", **more))
    told.at("2h", "memory is raised again", this={"spec": most})
    told.at("2h1m", "its pod is ready", **pods("1", **most))
    told.check("serving/same_version.yaml")


def test_a_pinned_version_serves_at_once_and_is_not_promoted() -> None:
    told = story("A pinned version serves without proof and is not promoted")
    told.at("0s", "applied", answers=released("3") | {numbered("2"): version("2")})
    told.at("1m", "its pod is ready", **pods("3"))
    told.at("1h", "a person pins the former version", this={"metadata": {"annotations": {names.PIN: "2"}}})
    told.at("1h1m", "its pod is ready", **pods("2"))
    told.at("2h", "a version that does not exist is pinned", this={"metadata": {"annotations": {names.PIN: "9"}}})
    told.check("serving/pinned.yaml")


def test_replace_exchanges_versions_in_place() -> None:
    told = story("With strategy Replace the new version takes the place of the old one", make_deployment(rollout={"strategy": "Replace"}))
    told.at("0s", "applied", answers=released("1"))
    told.at("1m", "its pod is ready", **pods("1"))
    told.at("1d", "training registers another candidate", answers=released("2"))
    told.at("1d1m", "its pod is ready", **pods("2"))
    told.check("serving/replace.yaml")


def test_a_suspended_deployment_begins_nothing_and_goes_on_serving() -> None:
    told = story("A suspended deployment begins nothing and goes on serving", make_deployment(suspend=True))
    told.at("0s", "applied suspended", answers=released("1"))
    told.at("1m", "resumed", this={"spec": {"suspend": False}})
    told.at("2m", "its pod is ready, and it is suspended again", this={"spec": {"suspend": True}}, **pods("1"))
    told.at("1h", "its memory is raised meanwhile", this={"spec": {"resources": {"memory": "2Gi"}}})
    told.check("serving/suspended.yaml")


def test_a_deleted_deployment_does_nothing() -> None:
    told = story("A deployment that is being deleted does nothing")
    told.at("0s", "applied", answers=released("1"))
    told.at("1m", "deleted, waiting for its children", this={"metadata": {"deletionTimestamp": "2026-01-01T00:01:00Z"}})
    told.check("serving/deleted.yaml")


def test_status_lost_is_read_back_from_the_deployment() -> None:
    told = story("After a restore without status, what serves goes on serving")
    told.at("0s", "applied", answers=released("1", gates=""))
    told.at("1m", "its pod is ready", **pods("1"))
    told.at("1d", "status is lost, and the candidate moved meanwhile", this={"status": None}, answers=released("2", gates=""))
    told.check("serving/status_lost.yaml")


def test_status_lost_at_a_bad_moment_gives_nothing_up() -> None:
    told = story("After a restore without status a version that serves is not given up, though a pod of it is down", make_deployment(replicas=2))
    told.at("0s", "applied", answers=released("1", gates=""))
    told.at("1m", "its pods are ready", **pods("1", 2, replicas=2))
    one = {deployment_name("1"): {"status": {"readyReplicas": 1}}}
    told.at("1d", "status is lost while a pod is down, and the candidate moved", this={"status": None}, answers=released("2"), **one)
    told.check("serving/status_lost_at_a_bad_moment.yaml")


def test_replicas_budget_and_autoscaler_come_and_go() -> None:
    told = story("Replicas, disruption budget and autoscaler come and go", make_deployment(replicas=3))
    told.at("0s", "applied with three replicas", answers=released("1"))
    told.at("1m", "its pods are ready", **pods("1", 3))
    told.at("1h", "an autoscaler is asked for", this={"spec": {"autoscaling": {"min": 2, "max": 5}}})
    told.at("2h", "the autoscaler adds a pod", **{deployment_name("1"): {"spec": {"replicas": 4}, **ready(4)}})
    told.at("3h", "one replica, no autoscaler", this={"spec": {"replicas": 1, "autoscaling": None}})
    told.check("serving/scaled.yaml")


def test_another_promoter_is_told_apart() -> None:
    other = version("1", **{"treadle.promoter": "test/ml/other"})
    told = story("Only one deployment promotes a model")
    told.at("0s", "another deployment promoted the version already", answers=released("1") | {CHAMPION: other})
    told.at("1m", "its pod is ready", **pods("1"))
    told.check("serving/alias_owned.yaml")


def test_a_rollout_is_aborted_or_runs_out_of_time() -> None:
    more, most = {"resources": {"memory": "2Gi"}}, {"resources": {"memory": "4Gi"}}
    told = story("A rollout is given up by a person or by its deadline", make_deployment(rollout={"deadline": "1h"}))
    told.at("0s", "applied", answers=released("1"))
    told.at("1m", "its pod is ready", **pods("1"))
    told.at("1h", "memory is raised", this={"spec": more})
    told.at("2h", "its pod never gets ready")
    told.at("3h", "memory is raised further", this={"spec": most})
    told.at("3h1m", "a person aborts it", this={"metadata": {"annotations": {names.ABORT: "1"}}})
    told.check("serving/given_up.yaml")


def test_commands_of_an_earlier_life_are_not_executed() -> None:
    restored = make_deployment(annotations={names.PROMOTE: "1"})
    told = story("A command that is there at the first look is recorded, not executed", restored)
    told.at("0s", "applied with the command of an earlier life", answers=released("1", gates=""))
    told.at("1m", "its pod is ready", **pods("1"))
    told.at("1h", "a person takes it away", this={"metadata": {"annotations": {names.PROMOTE: None}}})
    told.at("1h1m", "and gives it anew", this={"metadata": {"annotations": {names.PROMOTE: "1"}}})
    told.check("serving/recorded_command.yaml")


def test_what_cannot_work_says_so() -> None:
    told = story("A connection that is not there, a store that is not granted", make_deployment({"name": "digits", "connection": "lab"}))
    told.at("0s", "applied with an unknown connection")
    told.at("1m", "the connection is corrected", this={"spec": {"model": {"connection": None}}}, answers=released("1"))
    told.check("serving/no_connection.yaml")


def test_what_is_not_done_yet_is_said() -> None:
    told = story("What is not done yet is said", make_deployment({"uri": "pvc://models/digits/"}))
    told.at("0s", "applied with a model in a claim")
    told.check("serving/not_yet.yaml")


def test_a_runtime_of_ones_own_serves_and_a_new_version_waits_for_a_person() -> None:
    spec = {"runtime": {"type": "Custom", "image": "registry.example/server:2"}, "monitoring": {"drift": {}}}
    title = "A runtime of one's own serves; its pods cannot divide traffic, so that a person lets a new version through"
    told = Story(title, model_deployment(SIGNING), make_deployment(**spec))
    told.at("0s", "applied", answers=released("1"))
    told.at("1m", "its pod is ready", **{deployment_name("1", **spec): ready()})
    told.at("1h", "training registers another candidate", answers={CANDIDATE: version("2"), CHAMPION: version("1"), numbered("2"): version("2")})
    told.at("2h", "a person lets it through", this={"metadata": {"annotations": {names.PROMOTE: "2"}}})
    told.at("2h1m", "its pod is ready", **{deployment_name("2", **spec): ready()})
    told.check("serving/custom_runtime.yaml")


def test_pods_that_cannot_start_say_why() -> None:
    told = story("An image that cannot be pulled, a node without room: the message says what is missing")
    told.at("0s", "applied", answers=released("1"))
    told.at("1m", "no node has room", objects=[kept("1", {"conditions": [NO_ROOM]})])
    told.at("2m", "its image cannot be pulled", objects=[kept("1", {"containerStatuses": [{"name": "treadle", "state": {"waiting": NO_IMAGE}}]})])
    told.at("3m", "its memory is too small", objects=[kept("1", {"containerStatuses": [KILLED]})])
    told.at("4m", "the API server refuses its pods", **{deployment_name("1"): REJECTED, f"{deployment_name('1')}-x": None})
    told.check("serving/cannot_start.yaml")


def test_the_model_of_a_training_run_is_served() -> None:
    run = {"apiVersion": names.API_VERSION, "kind": "TrainingRun", "metadata": {"name": "digits-v1", "namespace": "ml"}, "spec": {}}
    told = story("The model of a TrainingRun is served once it is registered", make_deployment({"run": "digits-v1"}))
    told.at("0s", "applied before the run")
    told.at("1m", "the run trains", objects=[run])
    registered = {"status": {"registered": {"model": "digits", "version": "4"}}}
    told.at("1h", "the run has registered its model", objects=[{**run, **registered}], answers={numbered("4"): version("4")})
    told.at("1h1m", "its pod is ready", **pods("4"))
    told.check("serving/of_a_run.yaml")


def untracked(output: str = "s3://results/digits/", **status: Any) -> dict[str, Any]:
    """A TrainingRun that nothing tracks."""
    spec = {"image": "train:1", "tracking": {"type": "None"}, **({"output": {"uri": output}} if output else {})}
    this = {"apiVersion": names.API_VERSION, "kind": "TrainingRun", "metadata": {"name": "digits-v1", "namespace": "ml"}, "spec": spec}
    return {**this, "status": status} if status else this


SUCCEEDED = {"outcome": "Succeeded", "reason": "RunSucceeded"}
NO_REGISTRY = model_deployment(INSTALLATION.model_copy(update={"connections": INSTALLATION.connections.model_copy(update={"mlflow": {}})}))


def test_what_an_untracked_run_left_in_its_output_is_served_once_it_has_succeeded_and_needs_no_registry() -> None:
    told = Story("What a run without MLflow left in its output is served", NO_REGISTRY, make_deployment({"run": "digits-v1"}))
    told.at("0s", "applied while the run trains", objects=[untracked()])
    reference = {"uri": "s3://results/digits/digits-v1/treadle/reference.json", "sha256": "c" * 64}
    measured = {"result": "Succeeded", "model": "a" * 64, "reference": reference}
    told.at("1h", "the run has ended well", objects=[untracked(result=SUCCEEDED, evaluation=measured)])
    told.check("serving/of_an_untracked_run.yaml")


def test_a_run_without_a_model_that_can_be_served_says_what_is_to_be_done() -> None:
    told = Story("A run whose model cannot be served", NO_REGISTRY, make_deployment({"run": "digits-v1"}))
    failed = {"outcome": "Failed", "reason": "GatesFailed"}
    told.at("0s", "applied; the run has failed", objects=[untracked(result=failed)])
    told.at("1m", "it left nothing", objects=[untracked("", result=SUCCEEDED)])
    told.at("2m", "it left it in a claim", objects=[untracked("pvc://results/digits", result=SUCCEEDED)])
    told.at("3m", "it is tracked and registers nothing", objects=[untracked(result=SUCCEEDED, tracking={"id": "run-1"})])
    told.at("4m", "it has registered one, but no registry may be used", objects=[untracked(registered={"model": "digits", "version": "4"})])
    told.check("serving/of_a_run_without_a_model.yaml")


def test_a_version_that_pods_cannot_fetch_is_not_deployed() -> None:
    told = story("A fixed version that is not there; one whose files pods cannot fetch", make_deployment({"name": "digits", "version": "3"}))
    told.at("0s", "the version does not exist")
    elsewhere = replace(version("3"), artifact_uri="dbfs:/models/3")
    told.at("1m", "the version lies where pods cannot go", answers={numbered("3"): elsewhere})
    told.at("2m", "it lies in the store", answers={numbered("3"): version("3")})
    told.check("serving/fixed_version.yaml")


def test_a_forged_status_moves_no_alias_of_others() -> None:
    told = story("A forged status moves no alias of another model")
    told.at("0s", "applied", answers=released("1"))
    told.at("1m", "its pod is ready", **pods("1"))
    forged = {"alias": "champion", "version": "1", "moved": False}
    stolen = {"stable": {"model": "theirs", "version": "1", "revision": deployment_name("1").rpartition("-")[2], "uri": "s3://x/"}}
    told.at("1h", "somebody forges its status", this={"status": {**stolen, "promotion": forged}}, answers={CHAMPION: None})
    told.check("serving/forged.yaml")


NO_ROOM = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient memory."}
NO_IMAGE = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "treadle-runtime:test"'}
KILLED = {"name": "treadle", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
REFUSED = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "pods is forbidden: exceeded quota: compute"}
REJECTED = {"status": {"observedGeneration": 1, "conditions": [REFUSED]}}


def kept(number: str, status: dict[str, Any]) -> dict[str, Any]:
    """A pod of a version in this state."""
    return {**crashed(number), "status": status}


def crashed(number: str) -> dict[str, Any]:
    """A pod whose runtime refused the model."""
    deployment = deployment_name(number)
    message = '{"kind":"failure","message":"the model is stored as cloudpickle","reason":"PickleNotAllowed"}'
    ended = {"exitCode": 64, "reason": "Error", "message": message}
    container = {
        "name": "treadle",
        "ready": False,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": ended},
    }
    labels = {names.DEPLOYMENT: "digits", names.REVISION: deployment.rpartition("-")[2]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{deployment}-x", "namespace": "ml", "labels": labels},
        "status": {"containerStatuses": [container]},
    }
