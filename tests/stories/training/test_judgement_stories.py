"""How a trained run is judged and ends: told as stories; each is told again with a crash around every action and status write."""

from dataclasses import replace
from typing import Any

from tests.stories.story import Story
from tests.unit.training.things import (
    DIGEST,
    F1_GATE,
    MADE,
    STATE,
    TRAINING_RUN,
    UID,
    alias,
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
from treadle.connections.installation import parse_installation
from treadle.connections.tracking import LoggedModel, TrackingRunState, TrackingStatus
from treadle.training import training_run

DISRUPTED = "Pod ml/digits-1-x has condition DisruptionTarget matching FailJob rule at index 0"
SUCCEEDED: dict[str, Any] = {"objects": [pod("digits-1", ended=finished("00:00:02", "00:09:00"))], "digits_1": complete("00:09:00")}


def against(name: str) -> list[dict[str, Any]]:
    return [{"name": "no-worse", "metric": "f1", "notWorseThan": {"alias": name}}]


def test_a_model_that_measures_the_same_is_not_worse() -> None:
    run = make_run(dataset={"project": "digits"}, gates=against("champion"), register={"model": "digits"})
    story = Story("It measures the same as the champion", TRAINING_RUN, run, others=[make_project()])
    story.at("0s", "applied")
    champion = version(4, **{"treadle.dataset": DIGEST, "treadle.metric.f1": "0.952381"})
    story.at("9m", "its Job succeeds", **SUCCEEDED, answers={STATE: logged("model", f1=20 / 21), alias("champion"): champion})
    story.check("training/measures_the_same.yaml")


def test_of_two_models_that_its_attempts_registered_themselves_the_judged_one_is_taken() -> None:
    run = make_run(gates=[{"name": "floor", "metric": "f1", "min": "0.90"}], register={"model": "digits"})
    story = Story("Both of its attempts register their model", TRAINING_RUN, run)
    story.at("0s", "applied")
    story.at("5m", "its first attempt is evicted after it registered version 1", digits_1=failed("00:05:00", DISRUPTED))
    story.at("5m10s", "the pause is over")
    both = tuple(LoggedModel(id_, "model", at, f"mlflow-artifacts:/1/models/{id_}/artifacts") for at, id_ in enumerate(("m-early", "m-late")))
    over = [pod("digits-2", ended=finished("00:05:12", "00:09:00"))]
    early, late = replace(MADE, source="models:/m-early"), replace(MADE, source="models:/m-late")
    answers = {STATE: replace(logged(f1=0.93), logged_models=both), early: version(1), late: version(2)}
    story.at("9m", "its second attempt succeeds, and registered version 2", objects=over, digits_2=complete("00:09:00"), answers=answers)
    story.check("training/registered_by_attempts.yaml")


def test_what_the_program_logs_to_runs_of_its_own_does_not_count() -> None:
    story = Story("Its program begins a second MLflow run", TRAINING_RUN, make_run(register={"model": "digits"}))
    story.at("0s", "applied")
    story.at("9m", "its Job succeeds", **SUCCEEDED, answers={STATE: replace(logged(), further=("b2c3",))})
    story.check("training/further_runs.yaml")


def test_a_baseline_without_a_readable_metric_is_no_evidence() -> None:
    run = make_run(dataset={"project": "digits"}, gates=against("champion"), register={"model": "digits"})
    story = Story("The champion's metric is not a number", TRAINING_RUN, run, others=[make_project()])
    story.at("0s", "applied")
    champion = version(4, **{"treadle.dataset": DIGEST, "treadle.metric.f1": "n/a"})
    story.at("9m", "its Job succeeds", **SUCCEEDED, answers={STATE: logged("model", f1=0.93), alias("champion"): champion})
    story.check("training/baseline_unreadable.yaml")


def test_an_alias_is_moved_only_from_the_version_that_the_gates_compared_with() -> None:
    run = make_run(dataset={"project": "digits"}, gates=against("candidate"), register={"model": "digits"}, approval="Required")
    story = Story("The alias moves between the gates and the approval", TRAINING_RUN, run, others=[make_project()])
    compared = {"treadle.dataset": DIGEST, "treadle.metric.f1": "0.9"}
    story.at("0s", "applied")
    story.at("9m", "its Job succeeds", **SUCCEEDED, answers={STATE: logged("model", f1=0.93), alias("candidate"): version(4, **compared)})
    story.at("1h", "a better version becomes the candidate", answers={alias("candidate"): version(5, **compared | {"treadle.metric.f1": "0.99"})})
    story.at("2h", "somebody approves", this={"metadata": {"annotations": {"treadle.dev/approve": "1"}}})
    story.check("training/alias_judged_elsewhere.yaml")


def test_a_run_that_waits_for_approval_can_be_cancelled() -> None:
    story = Story("It is cancelled instead of approved", TRAINING_RUN, make_run(register={"model": "digits"}, approval="Required"))
    story.at("0s", "applied")
    story.at("9m", "its Job succeeds", **SUCCEEDED, answers={STATE: logged("model")})
    story.at("1h", "somebody cancels it", this={"metadata": {"annotations": {"treadle.dev/cancel": "1"}}})
    story.at("2h", "and approves it later", this={"metadata": {"annotations": {"treadle.dev/approve": "1"}}})
    story.check("training/cancelled_instead_of_approved.yaml")


def test_a_tracked_run_is_closed_although_nothing_was_ever_launched() -> None:
    run = make_run(suspend=True)
    tracked = replace(logged(status=TrackingStatus.RUNNING), id="abc", experiment_id="1", owner_uid=UID)
    state = TrackingRunState(connection="mlflow/default", experiment_id="1", run_id="abc")
    story = Story("It is cancelled before its launch", TRAINING_RUN, run, answers={find(run): tracked, state: tracked})
    story.at("0s", "suspended after it was tracked and before it was launched")
    story.at("1h", "it is cancelled", this={"metadata": {"annotations": {"treadle.dev/cancel": "1"}}})
    story.check("training/cancelled_before_launch.yaml")


def test_the_tracked_run_of_somebody_else_is_neither_judged_nor_closed() -> None:
    run = make_run(gates=[{"name": "floor", "metric": "f1", "min": "0.90"}], register={"model": "digits"})
    stolen = TrackingRunState(connection="mlflow/default", experiment_id="9", run_id="stolen")
    theirs = replace(logged("model", f1=0.99, status=TrackingStatus.RUNNING), id="stolen", experiment_id="9", owner_uid="somebody")
    forged = {"metadata": {"annotations": {"treadle.dev/resolved": '{"tracking":{"id":"stolen","experimentId":"9"}}'}}}
    story = Story("The annotation of its Job is forged", TRAINING_RUN, run)
    story.at("0s", "applied")
    story.at("1s", "a tenant names the run of another tenant", digits_1=forged, answers={stolen: theirs})
    story.at("9m", "its Job succeeds", **SUCCEEDED)
    story.check("training/forged_tracking.yaml")


def test_a_run_whose_page_can_be_stored_nowhere_names_the_field_to_set() -> None:
    """MLflow keeps its artifacts behind itself, and nobody said where that is."""
    closed = training_run(
        parse_installation(
            """
            id: demo
            images: {jobs: registry.example/jobs:1, runtime: registry.example/runtime:1}
            connections: {mlflow: {default: {url: "http://mlflow:5000", shared: true}}}
            """
        )
    )
    story = Story("Its page can be stored nowhere", closed, make_run(gates=[F1_GATE]))
    story.at("0s", "applied")
    story.at("9m", "its Job succeeds", **SUCCEEDED, answers={STATE: logged(f1=0.93)})
    story.at("10m", "the operator restarts")
    story.check("training/report_nowhere.yaml")


def test_a_dataset_version_that_is_forgotten_is_not_waited_for_in_silence() -> None:
    run = make_run(dataset={"project": "digits", "version": "3"})
    story = Story("Its dataset version is too old", TRAINING_RUN, run, others=[make_project(version=40)])
    story.at("0s", "applied")
    story.check("training/dataset_forgotten.yaml")
