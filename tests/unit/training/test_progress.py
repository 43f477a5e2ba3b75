"""How far a run is, read from what its program reports."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.stories.story import START, Crashing, Story
from tests.unit.training.things import REPORT, STATE, TRAINING_RUN, at, complete, failed, finished, logged, make_project, make_run, pod, reported
from treadle.api import TrainingRunStatus
from treadle.api.training_status import Progress
from treadle.connections.tracking import AUTOLOGGED, Report
from treadle.training.progress import shown


def progress(*reports: tuple[str, Report], **spec: Any) -> Progress:
    """The progress in status after these reports of the first attempt, which runs since 10 s."""
    said = last_status([(after, {REPORT: report}) for after, report in reports], **spec)
    assert said.progress is not None
    return said.progress


def last_status(moments: list[tuple[str, dict[Any, Any]]], **spec: Any) -> TrainingRunStatus:
    story = Story("Its progress", TRAINING_RUN, make_run(**spec))
    story.at("0s", "applied")
    story.at("10s", "its pod runs", objects=[pod("digits-1", started="00:00:10")], answers={REPORT: reported()})
    for after, answers in moments:
        story.at(after, "a report", answers=answers)
    return status_of(story)


def status_of(story: Story) -> TrainingRunStatus:
    """What the status is after the last moment."""
    told = story._told(Crashing())[-1]
    (this,) = [o for name, o in told.world["objects"].items() if name.startswith("TrainingRun")]
    return TrainingRunStatus.model_validate(this["status"], extra="ignore")


WAYS = {
    "a share that the program names": ({}, {"treadle.progress": 0.25}, 0, 25),
    "epochs of a parameter": ({"epochs": "10"}, {"epoch": 2.5}, 900, 25),
    "steps of a parameter": ({"max-steps": "1000"}, {"loss": 1.0}, 250, 25),
    "steps that may be batches": ({"epochs": "8"}, {"loss": 1.0}, 2, None),
    "no end known": ({"lr": "0.1"}, {"loss": 1.0}, 250, None),
    "a parameter that is no number": ({"epochs": "many"}, {"loss": 1.0}, 2, None),
    "an end at zero": ({"epochs": "0"}, {"loss": 1.0}, 2, None),
    "a share that cannot be": ({}, {"treadle.progress": 25.0}, 0, None),
}


@pytest.mark.parametrize(("parameters", "metrics", "step", "percent"), WAYS.values(), ids=WAYS.keys())
def test_the_share_that_is_done(parameters: dict[str, str], metrics: dict[str, float], step: int, percent: int | None) -> None:
    asked = [{"name": name, "value": value} for name, value in parameters.items()]
    assert progress(("1m", reported("00:00:58", step=step, **metrics)), parameters=asked).percent == percent


def test_ten_batches_of_ten_epochs_are_not_the_whole_training() -> None:
    """A loss by batch and the parameter `epochs`: it would seem done at once, and then not to know how far it is."""
    batches = [(f"{minute}m5s", reported(f"00:0{minute}:01", step=batch, loss=1.0)) for minute, batch in ((1, 2), (2, 9), (3, 10))]
    told = [progress(*batches[: n + 1], parameters=[{"name": "epochs", "value": "10"}]) for n in range(3)]
    assert [(found.step, found.percent, found.remaining_seconds) for found in told] == [(2, None, None), (9, None, None), (10, None, None)]


@pytest.mark.parametrize(("integration", "percent"), [("tensorflow", 25), ("pytorch", 25), ("sklearn", None)])
def test_keras_and_lightning_count_epochs_when_mlflow_logs_for_them(integration: str, percent: int | None) -> None:
    report = reported("00:00:58", step=2, loss=1.0)
    logged_by = replace(report, totals={"epochs": 8}, tags={**report.tags, AUTOLOGGED: integration})
    assert progress(("1m", logged_by)).percent == percent


def test_the_time_that_is_left_follows_from_the_pace_of_the_attempt() -> None:
    told = progress(("110s", reported("00:01:50", **{"treadle.progress": 0.25})))
    assert told.remaining_seconds == 300
    assert told.reported_at == START + timedelta(seconds=110)


def test_a_program_that_invents_times_is_believed_its_numbers() -> None:
    told = progress(
        ("1m", Report(owner_uid=reported().owner_uid, metrics={"loss": 1.0}, step=3, latest=START - timedelta(days=9000), changed_at=START))
    )
    assert (told.step, told.reported_at) == (3, START)


def test_a_report_of_somebody_elses_run_is_not_ours() -> None:
    forged = Report(owner_uid="uid-of-another", metrics={"loss": 1.0}, latest=START + timedelta(seconds=30), changed_at=START)
    assert last_status([("1m", {REPORT: forged})]).progress is None


def test_gates_come_first_among_many_metrics() -> None:
    many = {f"metric-{n:02}": 1.0 for n in range(40)} | {"system/gpu": 3.0, "zeta": 0.5}
    names = [metric.name for metric in shown(many, ("zeta",))]
    assert len(names) == 20
    assert "zeta" in names
    assert "system/gpu" not in names


def test_the_last_metrics_stay_when_the_run_is_over() -> None:
    story = Story("Its end", TRAINING_RUN, make_run())
    story.at("0s", "applied")
    over = [pod("digits-1", ended=finished("00:00:02", "00:05:10"))]
    story.at("5m10s", "its Job succeeds", objects=over, digits_1=complete("00:05:10"), answers={STATE: logged(loss=0.25)})
    told = status_of(story).progress
    assert told is not None
    assert (told.percent, [(metric.name, metric.value) for metric in told.metrics]) == (100, [("loss", 0.25)])


def test_gpus_are_counted_from_the_moment_they_are_held_also_for_what_failed() -> None:
    story = Story("Its GPUs", TRAINING_RUN, make_run(resources={"gpu": 2}, retries={"application": 1}))
    story.at("0s", "applied")
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": at("00:00:10")}
    over = pod("digits-1", ended=finished("00:01:00", "00:05:10", 1), conditions=[scheduled])
    story.at("5m10s", "its program fails", objects=[over], digits_1=failed("00:05:10"))
    told = status_of(story)
    assert told.attempts[0].gpu_seconds == 600
    assert told.gpu_seconds == 600
    assert told.ran_seconds == 250


def test_gpus_and_time_of_an_attempt_whose_job_was_deleted_are_counted_as_long_as_it_was_there() -> None:
    story = Story("Its Job is deleted", TRAINING_RUN, make_run(resources={"gpu": 2}, deadline="1h"))
    story.at("0s", "applied")
    story.at("10s", "its pod runs", objects=[pod("digits-1", started="00:00:10")])
    story.at("5m10s", "somebody deletes its Job", digits_1=None)
    lost = status_of(story)
    assert (lost.attempts[0].outcome, lost.attempts[0].gpu_seconds) == ("Lost", 600)
    assert (lost.gpu_seconds, lost.ran_seconds) == (600, 300)
    story.at("5m20s", "the pause is over")
    story.at("5m30s", "its second pod runs", objects=[pod("digits-2", started="00:05:30")])
    story.at("9h", "the operator was away, and that Job is gone", digits_2=None)
    told = status_of(story)
    assert (told.attempts[1].gpu_seconds, told.ran_seconds) == (2 * 3300, 3600), "its deadline would have ended it"


def test_gpus_of_an_attempt_whose_queue_took_them_back_are_counted_although_its_pod_is_gone() -> None:
    story = Story("Its queue takes its place", TRAINING_RUN, make_run(resources={"gpu": 2}, queue="research"))
    story.at("0s", "applied")
    story.at("10s", "its pod runs", objects=[pod("digits-1", started="00:00:10")], digits_1={"spec": {"suspend": False}})
    story.at("5m10s", "Kueue takes the admission back", digits_1={"spec": {"suspend": True}, "status": None}, digits_1_x=None)
    told = status_of(story)
    assert (told.attempts[0].outcome, told.attempts[0].gpu_seconds, told.ran_seconds) == ("Preempted", 600, 300)


def test_an_attempt_that_never_ran_is_not_charged_for_the_one_before() -> None:
    story = Story("It is cancelled between two attempts", TRAINING_RUN, make_run(resources={"gpu": 2}))
    story.at("0s", "applied")
    story.at("10s", "its pod runs", objects=[pod("digits-1", started="00:00:10")])
    story.at("1m10s", "somebody deletes its Job", digits_1=None)
    story.at("1m11s", "and cancels the next attempt", this={"metadata": {"annotations": {"treadle.dev/cancel": "2"}}})
    told = status_of(story)
    assert [(attempt.outcome, attempt.gpu_seconds) for attempt in told.attempts] == [("Lost", 120), ("Cancelled", None)]


def measuring(**spec: Any) -> Story:
    """A run with one GPU that was trained for a minute, and is measured on two GPUs since 80 s."""
    run = make_run(dataset={"project": "digits"}, resources={"gpu": 1}, evaluate={"resources": {"gpu": 2}}, **spec)
    story = Story("Its GPUs", TRAINING_RUN, run, others=[make_project()])
    story.at("0s", "applied")
    over = [pod("digits-1", ended=finished("00:00:10", "00:01:10"))]
    story.at("70s", "its Job succeeds", objects=over, digits_1=complete("00:01:10"), answers={STATE: logged("model")})
    return story


SCHEDULED = {"type": "PodScheduled", "status": "True", "lastTransitionTime": at("00:01:20")}


def test_gpus_that_measure_the_model_are_counted_too() -> None:
    story = measuring(retries={"infrastructure": 0})
    over = pod("digits-evaluate-1", ended=finished("00:01:30", "00:02:20", 1), conditions=[SCHEDULED])
    message = "Container treadle for pod ml/digits-evaluate-1-x failed with exit code 1 matching FailJob rule at index 1"
    story.at("3m", "the evaluation fails", objects=[over], digits_evaluate_1=failed("00:02:20", message))
    assert status_of(story).gpu_seconds == 60 + 2 * 60


def test_gpus_of_an_evaluation_that_is_cancelled_are_counted_until_then() -> None:
    story = measuring()
    story.at("90s", "it is measured", objects=[pod("digits-evaluate-1", started="00:01:30", conditions=[SCHEDULED])])
    story.at("2m", "somebody cancels it", this={"metadata": {"annotations": {"treadle.dev/cancel": "1"}}})
    assert status_of(story).gpu_seconds == 60 + 2 * 40
