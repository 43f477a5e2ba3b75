"""The life of a TrainingRun, told as stories; each is told again with a crash around every action and status write."""

from dataclasses import replace
from typing import Any

from tests.stories.story import Story
from tests.unit.training.things import (
    DIGEST,
    F1_GATE,
    MADE,
    START,
    STATE,
    TRAINING_RUN,
    UNTRACKED,
    alias,
    at,
    complete,
    failed,
    find,
    finished,
    logged,
    make_project,
    make_run,
    pod,
    version,
)
from treadle.api.reasons import Reason
from treadle.connections.tracking import TrackingStatus
from treadle.plan import Unavailable
from treadle.training import training_run

DOWN = Unavailable(START, "MLflow at http://mlflow:5000 does not answer")


def ran(job: str, started: str, ended: str, exit_code: int = 0, **more: Any) -> dict[str, Any]:
    return pod(job, ended=finished(started, ended, exit_code, **more))


def test_a_run_without_tracking_takes_three_writes() -> None:
    story = Story("A run is launched once and stays finished", training_run(UNTRACKED), make_run())
    story.at("0s", "applied")
    story.at("1s", "the operator restarts")
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    story.at("9m", "its Job succeeds", objects=[ran("digits-1", "00:00:02", "00:09:00")], digits_1=complete("00:09:00"))
    story.at("6d", "its pod is gone", digits_1_x=None)
    story.at("8d", "its time is over")
    story.check("training/launched_once.yaml")


def test_a_program_that_ends_before_anybody_looks_was_never_told_to_run() -> None:
    story = Story("A program that ends at once", training_run(UNTRACKED), make_run())
    story.at("0s", "applied")
    over = [ran("digits-1", "00:00:02", "00:00:03")]
    story.at("4s", "its pod is over, its Job not yet", objects=over)
    story.at("20s", "its Job succeeds", digits_1=complete("00:00:20"))
    story.check("training/ends_at_once.yaml")


def test_a_job_that_nobody_counts_is_told_to_run_after_all() -> None:
    story = Story("A Job whose pod is over is not counted", training_run(UNTRACKED), make_run())
    story.at("0s", "applied")
    story.at("4s", "its pod is over, its Job not yet", objects=[ran("digits-1", "00:00:02", "00:00:03")])
    story.at("33s", "its Job still says nothing")
    story.check("training/not_counted.yaml")


def test_a_control_plane_that_is_too_busy_for_a_job_is_spared_a_write() -> None:
    story = Story("The Job controller is busy", training_run(UNTRACKED), make_run())
    story.at("0s", "applied")
    story.at("10s", "nobody has looked at its Job yet")
    story.at("1m50s", "nor now")
    story.at("2m", "this is worth telling")
    story.at("2m10s", "its Job is looked at, and gets no pod", digits_1={"status": {"startTime": at("00:02:10")}})
    story.at("2m40s", "that is refused")
    story.check("training/busy.yaml")


def test_a_run_is_tracked_judged_and_registered() -> None:
    run = make_run(
        dataset={"project": "digits"},
        resources={"gpu": 1},
        parameters=[{"name": "epochs", "value": "10"}],
        gates=[F1_GATE],
        register={"model": "digits"},
    )
    story = Story("A run is tracked, judged and registered", TRAINING_RUN, run, others=[make_project()])
    story.at("0s", "applied")
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    over = [ran("digits-1", "00:00:02", "00:09:00")]
    story.at(
        "9m",
        "its Job succeeds",
        objects=over,
        digits_1=complete("00:09:00"),
        answers={STATE: logged("model", f1=0.93), alias("candidate"): version(1)},
    )
    story.at("10m", "the operator restarts")
    story.check("training/registered.yaml")


def test_a_gate_fails_and_nothing_is_registered() -> None:
    story = Story("A gate fails", TRAINING_RUN, make_run(gates=[F1_GATE], register={"model": "digits"}))
    story.at("0s", "applied")
    over = [ran("digits-1", "00:00:02", "00:09:00")]
    story.at("9m", "its Job succeeds", objects=over, digits_1=complete("00:09:00"), answers={STATE: logged("model", f1=0.85)})
    story.at("10m", "the operator restarts")
    story.check("training/gate_fails.yaml")


def test_a_gate_without_its_metric_is_unknown_and_never_passes() -> None:
    story = Story("A gate is unknown", TRAINING_RUN, make_run(gates=[F1_GATE], register={"model": "digits"}))
    story.at("0s", "applied")
    over = [ran("digits-1", "00:00:02", "00:09:00")]
    story.at("9m", "its Job succeeds", objects=over, digits_1=complete("00:09:00"), answers={STATE: logged("model", loss=0.1)})
    story.check("training/gate_unknown.yaml")


def test_a_first_model_has_no_baseline_to_be_compared_with() -> None:
    gate = {"name": "no-worse", "metric": "f1", "notWorseThan": {"alias": "champion"}}
    story = Story("There is no baseline", TRAINING_RUN, make_run(gates=[gate], register={"model": "digits"}))
    story.at("0s", "applied")
    over = [ran("digits-1", "00:00:02", "00:09:00")]
    story.at("9m", "its Job succeeds", objects=over, digits_1=complete("00:09:00"), answers={STATE: logged("model", f1=0.5)})
    story.check("training/no_baseline.yaml")


def test_a_model_worse_than_the_champion_is_not_registered() -> None:
    gate = {"name": "no-worse", "metric": "f1", "notWorseThan": {"alias": "champion"}, "tolerance": "0.01"}
    run = make_run(dataset={"project": "digits"}, gates=[gate], register={"model": "digits"})
    story = Story("It is worse than the champion", TRAINING_RUN, run, others=[make_project()])
    story.at("0s", "applied")
    champion = version(4, **{"treadle.dataset": DIGEST, "treadle.metric.f1": "0.95"})
    over = [ran("digits-1", "00:00:02", "00:09:00")]
    answers = {STATE: logged("model", f1=0.93), alias("champion"): champion}
    story.at("9m", "its Job succeeds", objects=over, digits_1=complete("00:09:00"), answers=answers)
    story.check("training/worse_than_champion.yaml")


def test_the_tracking_server_is_down_at_the_start() -> None:
    run = make_run()
    story = Story("MLflow is down at the start", TRAINING_RUN, run, answers={find(run): DOWN})
    story.at("0s", "applied")
    story.at("5m", "MLflow is back", answers={find(run): None})
    story.check("training/mlflow_down_at_start.yaml")


def test_a_spec_of_another_version_of_the_crd_is_told_by_field() -> None:
    story = Story("A field is not understood", TRAINING_RUN, make_run(resources={"gpu": "some"}, deadline=[]))
    story.at("0s", "applied")
    story.at("1m", "the operator restarts")
    story.check("training/spec_not_understood.yaml")


def test_the_tracking_server_refuses_the_token() -> None:
    run, refused = (
        make_run(),
        Unavailable(START, "mlflow/default: MLflow refused GET (401)", Reason.Unauthorized, stalled=True),
    )
    story = Story("MLflow refuses the operator's token", TRAINING_RUN, run, answers={find(run): refused})
    story.at("0s", "applied")
    story.at("5m", "the token was renewed", answers={find(run): None})
    story.check("training/token_refused.yaml")


def test_the_tracking_server_is_down_at_the_end() -> None:
    story = Story("MLflow is down at the end", TRAINING_RUN, make_run(gates=[F1_GATE], register={"model": "digits"}))
    story.at("0s", "applied")
    over = [ran("digits-1", "00:00:02", "00:09:00")]
    story.at("9m", "its Job succeeds", objects=over, digits_1=complete("00:09:00"), answers={STATE: DOWN})
    story.at("15m", "MLflow is back", answers={STATE: logged("model", f1=0.93)})
    story.check("training/mlflow_down_at_end.yaml")


def test_a_failed_program_is_not_run_again() -> None:
    story = Story("The program fails", TRAINING_RUN, make_run())
    story.at("0s", "applied")
    words = "ValueError: no items"
    over = [ran("digits-1", "00:00:02", "00:01:00", 1, message=words)]
    still = {STATE: logged(status=TrackingStatus.RUNNING)}
    story.at("1m", "its Job fails", objects=over, digits_1=failed("00:01:00"), answers=still)
    story.at("2m", "the operator restarts")
    story.check("training/program_fails.yaml")


def test_a_lost_node_is_worth_another_attempt() -> None:
    run = make_run(dataset={"project": "digits", "version": "latest"}, retries={"infrastructure": 1})
    story = Story("Its node is drained twice", training_run(UNTRACKED), run, others=[make_project()])
    disrupted = "Pod ml/digits-1-x has condition DisruptionTarget matching FailJob rule at index 0"
    story.at("0s", "applied")
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    story.at("5m", "its node is drained", digits_1=failed("00:05:00", disrupted), digits_1_x=None)
    story.at("5m5s", "version 2 is released", objects=[make_project(version=2)])
    story.at("5m10s", "the pause is over")
    story.at("9m", "that node is drained too", digits_2=failed("00:09:00", disrupted))
    story.check("training/infrastructure_retry.yaml")


def test_a_preemption_costs_no_retry() -> None:
    story = Story("It is preempted", training_run(UNTRACKED), make_run(retries={"infrastructure": 0}))
    why = [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}]
    disrupted = "Pod ml/digits-1-x has condition DisruptionTarget matching FailJob rule at index 0"
    story.at("0s", "applied")
    over = ran("digits-1", "00:00:02", "00:05:00", 143)
    over["status"]["conditions"] = why
    story.at("5m", "a pod of higher priority takes its place", objects=[over], digits_1=failed("00:05:00", disrupted))
    story.at("6m", "the pause is over")
    story.check("training/preempted.yaml")


def test_a_deadline_ends_the_run_before_its_job_is_removed() -> None:
    story = Story("The deadline passes", TRAINING_RUN, make_run(deadline="1h"))
    story.at("0s", "applied")
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    story.at("1h2s", "the deadline passes", answers={STATE: logged()})
    story.at("2h", "the operator restarts")
    story.check("training/deadline.yaml")


def test_a_suspended_run_goes_on_in_another_attempt() -> None:
    story = Story("It is suspended and resumed", TRAINING_RUN, make_run())
    story.at("0s", "applied")
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    story.at("5m", "it is suspended", this={"spec": {"suspend": True}})
    story.at("9m", "it is resumed", this={"spec": {"suspend": False}})
    story.check("training/suspended.yaml")


def test_a_cancelled_run_is_over() -> None:
    story = Story("It is cancelled", TRAINING_RUN, make_run())
    story.at("0s", "applied")
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    story.at("4m", "another attempt is cancelled", this={"metadata": {"annotations": {"treadle.dev/cancel": "7"}}})
    story.at("5m", "it is cancelled", this={"metadata": {"annotations": {"treadle.dev/cancel": "1"}}}, answers={STATE: logged()})
    story.check("training/cancelled.yaml")


def test_a_run_waits_for_its_dataset() -> None:
    story = Story("The dataset is not there yet", TRAINING_RUN, make_run(dataset={"project": "digits"}))
    story.at("0s", "applied")
    story.at("1m", "the project is made", objects=[make_project(version=None)])
    story.at("2d", "version 1 is released", objects=[make_project()])
    story.at("2d1s", "version 2 is released", objects=[make_project(version=2)])
    story.check("training/dataset_not_there.yaml")


def test_a_run_deleted_while_it_runs_is_closed_in_the_tracking_server() -> None:
    story = Story("It is deleted while running", TRAINING_RUN, make_run())
    story.at("0s", "applied")
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    deleted = {"metadata": {"deletionTimestamp": at("00:05:00")}}
    still = logged(status=TrackingStatus.RUNNING)
    story.at("5m", "it is deleted in the foreground", this=deleted, answers={STATE: still})
    story.check("training/deleted_while_running.yaml")


def test_a_run_deleted_before_the_tracking_server_heard_of_its_end_is_closed_as_it_ended() -> None:
    story = Story("It is deleted before MLflow heard of its end", TRAINING_RUN, make_run())
    story.at("0s", "applied")
    message = "Container main for pod ml/digits-1-x failed with exit code 1 matching FailJob rule at index 1"
    over = [ran("digits-1", "00:00:02", "00:09:00", 1)]
    story.at("9m", "its program fails, MLflow is down", objects=over, digits_1=failed("00:09:00", message), answers={STATE: DOWN})
    deleted = {"metadata": {"deletionTimestamp": at("00:10:00")}}
    story.at("10m", "it is deleted in the foreground, MLflow is back", this=deleted, answers={STATE: logged(status=TrackingStatus.RUNNING)})
    story.check("training/deleted_before_closed.yaml")


def test_a_finished_run_that_is_made_again_is_taken_up_without_a_job() -> None:
    run = make_run(gates=[F1_GATE], register={"model": "digits"})
    ending = (
        '{"attempts":[{"number":1,"outcome":"Succeeded","reason":"JobSucceeded"}],'
        '"gates":[{"name":"floor","verdict":"Passed","reason":"GatesPassed","message":"f1 0.93 >= 0.90","value":"0.93"}],'
        '"registered":{"model":"digits","version":"3","alias":"candidate","aliasMoved":true},'
        '"result":{"outcome":"Succeeded","reason":"RunSucceeded","message":"digits version 3 is registered as candidate",'
        '"finishedAt":"2025-12-24T00:00:00Z"}}'
    )
    earlier = replace(logged(), id="abc", experiment_id="1", owner_uid="uid-of-an-earlier-life", ending=ending)
    story = Story("It was finished in an earlier life", TRAINING_RUN, run, answers={find(run): earlier})
    story.at("0s", "applied again")
    story.at("1m", "the operator restarts")
    story.check("training/recreated_after_finish.yaml")


def test_somebody_elses_job_under_our_name_is_left_alone() -> None:
    foreign = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "digits-1", "namespace": "ml"}, "spec": {}}
    story = Story("The name of its Job is taken", training_run(UNTRACKED), make_run(), others=[foreign])
    story.at("0s", "applied")
    story.at("1m", "the other Job is deleted", digits_1=None)
    story.check("training/name_conflict.yaml")


def test_what_cannot_be_done_yet_is_said() -> None:
    story = Story("It asks for what is not supported", TRAINING_RUN, make_run(evaluate={"image": "registry.example/measure:1"}))
    story.at("0s", "applied")
    story.check("training/not_supported.yaml")


def test_a_connection_that_is_missing_is_said() -> None:
    story = Story("Its connection is missing", training_run(UNTRACKED), make_run(register={"model": "digits"}))
    story.at("0s", "applied")
    story.check("training/connection_missing.yaml")


def test_an_image_that_does_not_exist_is_given_up_soon_and_never_retried() -> None:
    message = 'Back-off pulling image "registry.example/train:1": ErrImagePull: registry.example/train:1: not found'
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": message}}
    stuck = pod("digits-1", containerStatuses=[{"name": "main", "state": waiting}])
    stuck["metadata"]["creationTimestamp"] = at("00:00:01")
    story = Story("Its image cannot be pulled", training_run(UNTRACKED), make_run(retries={"application": 5}))
    story.at("0s", "applied")
    story.at("5s", "the image is not there", objects=[stuck])
    story.at("1m1s", "it is still not there")
    story.check("training/image_pull_fails.yaml")


def test_a_script_that_logs_no_model_or_several_is_told_so() -> None:
    over = [ran("digits-1", "00:00:02", "00:09:00")]
    story = Story("It logs several models", TRAINING_RUN, make_run(register={"model": "digits"}))
    story.at("0s", "applied")
    story.at("9m", "its Job succeeds", objects=over, digits_1=complete("00:09:00"), answers={STATE: logged("best", "last"), MADE: None})
    story.check("training/model_ambiguous.yaml")


def test_an_alias_that_moved_meanwhile_stays() -> None:
    story = Story("The alias is at a newer version", TRAINING_RUN, make_run(register={"model": "digits"}))
    story.at("0s", "applied")
    over = [ran("digits-1", "00:00:02", "00:09:00")]
    tags = {"treadle.gates": "None", "treadle.run": "ml/digits"}
    answers = {STATE: logged("model"), MADE: version(3, **tags), alias("candidate"): version(8)}
    story.at("9m", "its Job succeeds", objects=over, digits_1=complete("00:09:00"), answers=answers)
    story.check("training/alias_ahead.yaml")


def test_an_approval_is_waited_for() -> None:
    story = Story("A human must approve", TRAINING_RUN, make_run(register={"model": "digits"}, approval="Required"))
    over = [ran("digits-1", "00:00:02", "00:09:00")]
    story.at("0s", "applied")
    story.at("9m", "its Job succeeds", objects=over, digits_1=complete("00:09:00"), answers={STATE: logged("model")})
    story.at("1h", "somebody approves", this={"metadata": {"annotations": {"treadle.dev/approve": "1"}}})
    story.check("training/approval.yaml")


def test_a_sibling_that_moved_the_alias_is_overtaken() -> None:
    story = Story("A sibling moved the alias", TRAINING_RUN, make_run(register={"model": "digits"}))
    story.at("0s", "applied")
    over = [ran("digits-1", "00:00:02", "00:09:00")]
    tags = {"treadle.gates": "None", "treadle.run": "ml/digits"}
    down = {STATE: logged("model"), MADE: version(4, **tags), alias("candidate"): DOWN}
    story.at("9m", "its Job succeeds, the registry falters", objects=over, digits_1=complete("00:09:00"), answers=down)
    remembered = {"registered": {"model": "digits", "version": "4", "alias": "candidate", "replaces": "1"}}
    story.at(
        "10m",
        "the alias was at version 1 when it was decided, and is at 3 now",
        this={"status": remembered},
        answers={alias("candidate"): version(3)},
    )
    story.check("training/alias_overtaken.yaml")
