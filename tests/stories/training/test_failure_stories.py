"""What keeps a TrainingRun from starting, and what ends it: a story for each reason that people may meet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.stories.story import Story
from tests.unit.training.things import F1_GATE, STATE, TRAINING_RUN, UID, UNTRACKED, at, complete, failed, finished, logged, make_run, pod
from treadle.api.reasons import Reason
from treadle.connections.installation import parse_installation
from treadle.plan import Ref, Unavailable
from treadle.training import training_run
from treadle.workloads.missing import StillThere
from treadle.workloads.refusal import PodEnded, VolumeTrouble

LONELY = training_run(UNTRACKED)
FAILED = "Container main for pod ml/digits-1-x failed with exit code 1 matching FailJob rule at index 1"
PREEMPTED = "Pod ml/digits-1-x has condition DisruptionTarget matching FailJob rule at index 0 "
DISRUPTED = "Pod ml/digits-1-x has condition DisruptionTarget matching FailJob rule at index 0"


def told(title: str, **spec: Any) -> Story:
    """A run without tracking, just applied."""
    story = Story(title, LONELY, make_run(**spec))
    story.at("0s", "applied")
    return story


def kept(reason: str, message: str) -> dict[str, Any]:
    """The pod of the first attempt, whose container cannot start."""
    waiting = {"name": "main", "state": {"waiting": {"reason": reason, "message": message}}}
    stuck = pod("digits-1", containerStatuses=[waiting])
    stuck["metadata"]["creationTimestamp"] = at("00:00:01")
    return stuck


def test_a_killed_program_is_told_apart_from_one_that_fails() -> None:
    story = told("It is killed, and nobody says why")
    over = pod("digits-1", ended=finished("00:00:02", "00:05:00", 137))
    message = "Container main for pod ml/digits-1-x failed with exit code 137 matching FailJob rule at index 1"
    story.at("5m", "something kills it", objects=[over], digits_1=failed("00:05:00", message))
    story.check("training/killed.yaml")


def test_a_lost_node_is_said() -> None:
    story = told("Its node is lost", retries={"infrastructure": 0})
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    lost = pod("digits-1", phase="Failed", reason="NodeLost")
    story.at("10m", "its node does not answer any more", objects=[lost], digits_1=failed("00:10:00", "the pod failed"))
    story.check("training/node_lost.yaml")


def test_a_node_that_does_not_answer_any_more_is_not_waited_for() -> None:
    story = told("Its node does not answer", retries={"infrastructure": 1})
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    asked = {"metadata": {"deletionTimestamp": at("00:05:30"), "deletionGracePeriodSeconds": 30}}
    story.at("5m", "it is evicted from the node, which does not hear of it", digits_1_x=asked)
    story.at("6m30s", "the pod is still there")
    story.at("6m40s", "the pause is over")
    story.check("training/node_silent.yaml")


def test_a_drain_while_the_operator_is_down_costs_nothing_but_an_infrastructure_retry() -> None:
    story = told("Its node is drained while the operator is down", retries={"infrastructure": 1})
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    story.at("20m", "it was drained long ago, and the pod is gone", digits_1=failed("00:05:00", DISRUPTED), digits_1_x=None)
    story.check("training/drained.yaml")


def test_a_pod_that_was_removed_before_it_was_read_is_not_held_against_the_program() -> None:
    story = told("Its pod was removed before it was read", retries={"infrastructure": 1})
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    message = "Container main for pod ml/digits-1-x failed with exit code 137 matching FailJob rule at index 1"
    story.at("20m", "it was killed long ago, and the pod is gone", digits_1=failed("00:05:00", message), digits_1_x=None)
    story.check("training/pod_removed.yaml")


def test_a_program_that_stops_well_because_its_pod_is_drained_is_not_done() -> None:
    story = told("It stops well when it is asked to", retries={"infrastructure": 1})
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    drained = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "lastTransitionTime": at("00:05:00")}
    stopped = pod("digits-1", ended=finished("00:00:02", "00:05:03"), conditions=[drained])
    story.at("5m4s", "its node is drained, and it saves its work and ends", objects=[stopped], digits_1=complete("00:05:04"))
    story.at("6m", "the pause is over")
    story.check("training/stops_when_asked.yaml")


@pytest.mark.parametrize(("who", "golden"), [("Preempted", "preempted_unseen"), ("Killing", "ended_unseen")])
def test_a_success_that_only_the_job_knows_is_none_when_its_pod_was_ended_from_outside(who: str, golden: str) -> None:
    story = told(f"Its Job is complete, its pod gone, and an event says {who}", retries={"infrastructure": 1})
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    asked = PodEnded(namespace="ml", job="digits-1", container="main", since=datetime(2026, 1, 1, 0, 5, 4, tzinfo=UTC))
    story.at("5m4s", "it was asked to stop, did, and is gone", digits_1=complete("00:05:04"), digits_1_x=None, answers={asked: who})
    story.at("6m", "the pause is over")
    story.check(f"training/{golden}.yaml")


def test_each_class_of_failure_has_its_own_budget_and_its_own_pauses() -> None:
    story = told("It fails in several ways", retries={"infrastructure": 1, "application": 1})
    for number, (minute, message) in enumerate([(5, DISRUPTED), (10, FAILED), (15, PREEMPTED), (20, PREEMPTED), (25, FAILED)], start=1):
        job = f"digits-{number}"
        words = message.replace("digits-1", job)
        disruption = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
        over = pod(job, ended=finished(f"00:{minute - 4:02}:00", f"00:{minute:02}:00", 1), conditions=[disruption] if message == PREEMPTED else [])
        story.at(f"{minute - 4}m", f"attempt {number} runs", objects=[pod(job, started=f"00:{minute - 4:02}:00")])
        story.at(f"{minute}m", f"attempt {number} fails", objects=[over], **{job.replace("-", "_"): failed(f"00:{minute:02}:00", words)})
        story.at(f"{minute}m20s", "the pause is over")
    story.check("training/budgets.yaml")


def test_a_missing_secret_is_not_held_against_the_budget_of_the_program() -> None:
    story = told("Its Secret is missing", retries={"application": 3})
    story.at("5s", "its container cannot be configured", objects=[kept("CreateContainerConfigError", 'secret "hf" not found')])
    story.at("1m1s", "nobody has made it")
    story.check("training/secret_missing.yaml")


def unmounted(words: str) -> dict[str, Any]:
    """What the node says of the volumes of the first attempt's pod."""
    return {
        "answers": {VolumeTrouble(namespace="ml", pod="digits-1-x", uid="uid-pod-digits-1-x", since=datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)): words}
    }


def test_a_secret_that_is_missing_as_a_volume_is_told_like_one_that_is_missing_as_a_variable() -> None:
    story = told("The Secret of a volume is missing", retries={"application": 3}, volumes=[{"name": "keys", "secret": "hf", "mountPath": "/keys"}])
    story.at("2s", "its pod has a node", objects=[kept("ContainerCreating", "")])
    story.at("25s", "the node finds no such Secret", **unmounted('MountVolume.SetUp failed for volume "user-keys" : secret "hf" not found'))
    story.at("1m1s", "nobody has made it")
    story.check("training/secret_of_volume_missing.yaml")


def test_a_claim_that_another_node_holds_is_waited_for() -> None:
    story = told("Another node holds its claim", checkpoint={"claim": "ckpt"})
    story.at("2s", "its pod has a node", objects=[kept("ContainerCreating", "")])
    story.at("25s", "the claim is still held elsewhere", **unmounted('Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) other'))
    story.at("5m", "it is released, and the pod runs", objects=[pod("digits-1", started="00:05:00")])
    story.check("training/claim_held.yaml")


def test_a_command_that_is_not_in_the_image_is_never_retried() -> None:
    story = told("Its command is not in the image", retries={"application": 3})
    never = {"exitCode": 128, "reason": "StartError", "startedAt": "1970-01-01T00:00:00Z", "finishedAt": at("00:00:03"), "message": "no such file"}
    message = "Container main for pod ml/digits-1-x failed with exit code 128 matching FailJob rule at index 1"
    story.at("4s", "its container cannot be started", objects=[pod("digits-1", ended=never)], digits_1=failed("00:00:04", message))
    story.check("training/command_missing.yaml")


def test_a_registry_that_does_not_answer_costs_an_infrastructure_retry() -> None:
    story = told("The registry does not answer", retries={"infrastructure": 1})
    words = "failed to pull image: dial tcp 192.0.2.1:443: i/o timeout"
    story.at("5s", "its image cannot be pulled", objects=[kept("ErrImagePull", words)])
    story.at("1m1s", "it still cannot")
    story.at("10m1s", "the registry is still silent")
    story.at("11m", "the pause is over")
    story.check("training/registry_silent.yaml")


def test_an_image_that_no_registry_can_have_is_given_up_at_once() -> None:
    story = told("Its image has no legal name", image="registry.example/Train:1")
    story.at("5s", "the kubelet cannot parse the name", objects=[kept("InvalidImageName", "couldn't parse image name")])
    story.check("training/invalid_image.yaml")


def test_a_missing_key_of_a_config_map_is_said() -> None:
    story = told("A key of a ConfigMap is missing")
    story.at("5s", "its container cannot be configured", objects=[kept("CreateContainerConfigError", "couldn't find key a in ConfigMap ml/b")])
    story.check("training/configuration_invalid.yaml")


def test_a_queue_admits_it_and_takes_the_admission_back() -> None:
    story = told("It waits in a queue", queue="research", retries={"infrastructure": 0})
    story.at("20s", "it still waits")
    story.at("1m", "it is admitted", digits_1={"spec": {"suspend": False}, "status": {"startTime": at("00:01:00")}})
    story.at("63s", "its pod runs", objects=[pod("digits-1", started="00:01:02")])
    back = {"spec": {"suspend": True}, "status": None}
    story.at("5m", "a run of higher priority takes its place", digits_1=back, digits_1_x=None)
    story.at("6m", "the pause is over")
    story.check("training/queued.yaml")


def test_a_job_that_somebody_deletes_is_an_attempt_lost() -> None:
    story = told("Somebody deletes its Job", retries={"infrastructure": 1})
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    story.at("1m", "its Job is deleted", digits_1=None)
    story.at("2m", "the pause is over")
    story.at("2m3s", "its pod runs", objects=[pod("digits-2", started="00:02:02")])
    story.at("3m", "that Job is deleted too", digits_2=None)
    story.check("training/job_lost.yaml")


def test_a_job_that_nobody_sees_any_more_is_lost_only_once_the_server_says_so() -> None:
    seen = StillThere(child=Ref("Job", "ml", "digits-1"), owner=UID)
    story = told("Its Job is out of sight", retries={"infrastructure": 1})
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    story.at("1m", "somebody takes our label off its Job", digits_1=None, answers={seen: True})
    story.at("2m", "nobody may read it", answers={seen: Unavailable(datetime(2026, 1, 1, tzinfo=UTC), "no", Reason.Forbidden, stalled=True)})
    story.at("3m", "it is deleted", answers={seen: False})
    story.check("training/job_astray.yaml")


def test_metrics_that_vanished_with_their_run_pass_no_gate() -> None:
    story = Story("Its tracked run is deleted", TRAINING_RUN, make_run(gates=[F1_GATE], register={"model": "digits"}))
    story.at("0s", "applied")
    over = [pod("digits-1", ended=finished("00:00:02", "00:09:00"))]
    story.at("9m", "its Job succeeds", objects=over, digits_1=complete("00:09:00"), answers={STATE: None})
    story.check("training/gates_without_result.yaml")


def test_a_model_that_vanished_with_its_run_is_not_registered() -> None:
    story = Story("Its tracked run is deleted before the model is registered", TRAINING_RUN, make_run(register={"model": "digits"}))
    story.at("0s", "applied")
    over = [pod("digits-1", ended=finished("00:00:02", "00:09:00"))]
    story.at("9m", "its Job succeeds", objects=over, digits_1=complete("00:09:00"), answers={STATE: None})
    story.check("training/result_lost.yaml")


def test_a_program_that_logged_no_model_of_the_name_is_told_which_it_logged() -> None:
    story = Story("It logs another model", TRAINING_RUN, make_run(register={"model": "digits", "artifact": "best"}))
    story.at("0s", "applied")
    over = [pod("digits-1", ended=finished("00:00:02", "00:09:00"))]
    story.at("9m", "its Job succeeds", objects=over, digits_1=complete("00:09:00"), answers={STATE: logged("last")})
    story.check("training/model_not_logged.yaml")


def test_a_job_of_an_earlier_run_of_the_name_is_waited_for() -> None:
    owner = {"apiVersion": "treadle.dev/v1alpha1", "kind": "TrainingRun", "name": "digits", "uid": "uid-of-an-earlier-life", "controller": True}
    earlier = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "digits-1", "namespace": "ml", "ownerReferences": [owner]}, "spec": {}}
    story = Story("A Job of an earlier run is still there", LONELY, make_run(), others=[earlier])
    story.at("0s", "applied again")
    story.at("10s", "the garbage collector takes it away", digits_1=None)
    story.check("training/earlier_job.yaml")


def test_a_shared_checkpoint_has_one_writer_at_a_time() -> None:
    story = told("It shares a checkpoint with a pod that does not answer", checkpoint={"claim": "ckpt"})
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    story.at("5m", "its node is cut off", digits_1=failed("00:05:00", DISRUPTED))
    story.at("6m", "the pod may still run there")
    story.at("9m", "the node is deleted, and its pod with it", digits_1_x=None)
    story.check("training/old_pod.yaml")


def test_a_service_account_that_nobody_allowed_is_not_used() -> None:
    story = told("Its service account is not allowed", access={"serviceAccountName": "admin"})
    story.check("training/account_not_allowed.yaml")


def test_an_image_from_elsewhere_is_not_run() -> None:
    installation = parse_installation("""
id: demo
images: {jobs: registry.example/jobs:1, runtime: registry.example/runtime:1}
imagePolicy: {allowed: [registry.example/checked/], requireDigest: true}
""")
    story = Story("Its image is not allowed", training_run(installation), make_run())
    story.at("0s", "applied")
    story.check("training/image_not_allowed.yaml")


def test_a_connection_of_other_namespaces_is_not_used() -> None:
    installation = parse_installation("""
id: demo
images: {jobs: registry.example/jobs:1, runtime: registry.example/runtime:1}
connections: {mlflow: {default: {url: "http://mlflow:5000", namespaces: [retail]}}}
""")
    story = Story("Its connection is for others", training_run(installation), make_run(register={"model": "digits"}))
    story.at("0s", "applied")
    story.check("training/connection_not_granted.yaml")


SELF_TOLD: dict[str, Any] = {"gates": [F1_GATE], "tracking": {"type": "None"}, "output": {"uri": "s3://models/digits/"}}


def metrics(text: str, exit_code: int = 0) -> dict[str, Any]:
    """The pod of the first attempt, which left these words behind."""
    return pod("digits-1", ended=finished("00:00:02", "00:09:00", exit_code, message=text))


def test_without_a_tracking_server_gates_judge_the_programs_last_words() -> None:
    story = told("It says its metrics itself", **SELF_TOLD)
    story.at("9m", "its Job succeeds", objects=[metrics('{"metrics": {"f1": 0.93, "loss": NaN}}')], digits_1=complete("00:09:00"))
    story.at("10m", "the operator restarts, and the pod is gone", digits_1_x=None)
    story.check("training/untracked_gate.yaml")


def test_without_a_tracking_server_a_program_that_says_nothing_passes_no_gate() -> None:
    story = told("It says nothing of its metrics", **SELF_TOLD)
    story.at("9m", "its Job succeeds", objects=[metrics("epoch 10 done")], digits_1=complete("00:09:00"))
    story.check("training/untracked_silent.yaml")


def test_metrics_that_were_never_read_cost_an_infrastructure_retry() -> None:
    story = told("Its pod is gone before its metrics were read", **SELF_TOLD, retries={"infrastructure": 1})
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    story.at("20m", "it succeeded long ago, and the pod is gone", digits_1=complete("00:09:00"), digits_1_x=None)
    story.check("training/untracked_lost.yaml")


def test_a_command_that_names_another_attempt_is_told() -> None:
    story = told("A command names another attempt")
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    story.at("1m", "somebody cancels attempt 7", this={"metadata": {"annotations": {"treadle.dev/cancel": "7"}}})
    story.at("2m", "and then the one that runs", this={"metadata": {"annotations": {"treadle.dev/cancel": "1"}}})
    story.check("training/command_ignored.yaml")


def test_a_program_that_chooses_another_experiment_is_told_so_and_not_retried() -> None:
    story = told("It chooses another experiment", retries={"application": 3})
    words = "mlflow.exceptions.MlflowException: Cannot start run with ID 5e because active experiment ID does not match environment run ID. Make sure"
    over = pod("digits-1", ended=finished("00:00:02", "00:00:09", 1, message=words))
    story.at("9s", "its program fails", objects=[over], digits_1=failed("00:00:09"))
    story.check("training/experiment_clash.yaml")
