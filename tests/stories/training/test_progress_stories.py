"""What a run tells of itself while it runs: how far it is, and that it does not get any further."""

from dataclasses import replace
from typing import Any

from tests.stories.story import Story
from tests.unit.training.things import (
    REPORT,
    STATE,
    TRAINING_RUN,
    complete,
    failed,
    finished,
    logged,
    make_project,
    make_run,
    pod,
    reported,
)
from treadle.plan import Unavailable

DISRUPTED = "Pod ml/digits-1-x has condition DisruptionTarget matching FailJob rule at index 0"
EPOCHS = [{"name": "epochs", "value": "10"}]


def running(title: str, **spec: Any) -> Story:
    """A tracked run whose pod runs, and whose program has not reported anything yet."""
    story = Story(title, TRAINING_RUN, make_run(parameters=EPOCHS, **spec))
    story.at("0s", "applied")
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")], answers={REPORT: reported()})
    return story


def test_progress_is_told_once_a_minute_and_not_again_after_a_restart() -> None:
    story = running("It reports how far it is")
    story.at("30s", "a first metric", answers={REPORT: reported("00:00:28", step=1, loss=2.0)})
    story.at("40s", "the operator restarts", answers={REPORT: reported("00:00:28", seen="00:00:40", step=1, loss=2.0)})
    story.at("50s", "another", answers={REPORT: reported("00:00:48", step=2, loss=1.5)})
    story.at("1m28s", "a minute is over")
    story.at("5m", "the last one", answers={REPORT: reported("00:04:59", step=10, loss=0.3)})
    over = [pod("digits-1", ended=finished("00:00:02", "00:05:10"))]
    story.at("5m10s", "its Job succeeds", objects=over, digits_1=complete("00:05:10"), answers={STATE: logged(loss=0.25)})
    story.check("training/progress.yaml")


def test_a_live_run_names_its_data_and_its_attempt_in_the_tracking_server() -> None:
    story = Story("It names what it runs on", TRAINING_RUN, make_run(dataset={"project": "digits"}), others=[make_project()])
    story.at("0s", "applied")
    silent = {REPORT: replace(reported(), tags={}, datasets=frozenset())}
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")], answers=silent)
    story.at("4s", "the operator restarts")
    story.check("training/described.yaml")


def test_a_program_that_falls_silent_is_told_and_forgiven() -> None:
    story = running("It falls silent", stall={"timeout": "20m"})
    story.at("21m", "it has not reported anything yet")
    story.at("22m", "a first metric", answers={REPORT: reported("00:22:00", step=1, loss=2.0)})
    story.at("42m", "nothing for twenty minutes")
    story.at("43m", "it goes on", answers={REPORT: reported("00:43:00", step=2, loss=1.0)})
    story.check("training/stall_reported.yaml")


def test_a_silent_program_is_restarted_at_the_cost_of_an_infrastructure_retry() -> None:
    asked = {"stall": {"timeout": "20m", "action": "Restart"}, "checkpoint": {"claim": "ckpt"}, "retries": {"infrastructure": 1}}
    story = running("It hangs", **asked)
    unlabelled = {"metadata": {"labels": None}}  # nothing waits for it, so that the story need not wait for the garbage collector
    story.at("1m", "a first metric", answers={REPORT: reported("00:01:00", step=1, loss=2.0)}, digits_1_x=unlabelled)
    story.at("21m", "nothing for twenty minutes")
    story.at("21m20s", "the pause is over")
    second = [pod("digits-2", started="00:21:25")]
    old = reported("00:01:00", seen="00:21:26", step=1, loss=2.0)
    story.at("21m26s", "its second pod runs", objects=second, answers={REPORT: old})
    story.at("50m", "it reads its checkpoint for a long time", answers={REPORT: reported("00:01:00", seen="00:21:26", step=1, attempt=2, loss=2.0)})
    story.at("51m", "it reports again", answers={REPORT: reported("00:50:59", step=2, attempt=2, loss=1.0)})
    story.at("71m", "it hangs again")
    story.check("training/stall_restarted.yaml")


def test_a_silent_tracking_server_is_no_silent_program() -> None:
    story = running("The tracking server is away", stall={"timeout": "20m", "action": "Restart"}, checkpoint={"claim": "ckpt"})
    story.at("1m", "a first metric", answers={REPORT: reported("00:01:00", step=1, loss=2.0)})
    down = Unavailable(since=reported("00:02:00").changed_at, reason="MLflow does not answer")
    story.at("40m", "the server has been away since the second minute", answers={REPORT: down})
    story.at("41m", "it is back", answers={REPORT: reported("00:01:00", seen="00:41:00", step=1, loss=2.0)})
    story.at("42m", "the program could not report meanwhile, and does now", answers={REPORT: reported("00:42:00", step=9, loss=1.0)})
    story.check("training/stall_outage.yaml")


def test_an_interrupted_run_goes_on_from_where_its_checkpoint_is() -> None:
    story = running("It is interrupted", checkpoint={"claim": "ckpt"})
    story.at("5m", "half of it is done", answers={REPORT: reported("00:05:00", step=5, loss=2.0)})
    story.at("6m", "its node is drained", objects=[pod("digits-1", phase="Failed")], digits_1=failed("00:06:00", DISRUPTED))
    story.at("6m20s", "the pause is over")
    story.at("6m30s", "its second pod runs", objects=[pod("digits-2", started="00:06:25")], answers={REPORT: reported("00:05:40", step=6, loss=1.9)})
    story.at("7m", "it reports", answers={REPORT: reported("00:07:00", step=7, attempt=2, loss=1.8)})
    story.check("training/interrupted.yaml")
