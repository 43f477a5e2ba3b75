"""A run shown in TensorBoard: while it lives and for a while after, where another pod can read what it writes."""

from __future__ import annotations

from tests.stories.story import Story
from tests.unit.training.things import UNTRACKED, complete, finished, make_run, pod
from treadle.training import training_run

LONELY = training_run(UNTRACKED)


def test_a_run_is_shown_in_tensorboard_until_its_jobs_are_tidied_away() -> None:
    run = make_run(checkpoint={"claim": "ckpt"}, tensorboard={"logDir": "/treadle/checkpoint/logs"}, ttlAfterFinished="1d")
    story = Story("It is shown in TensorBoard", LONELY, run)
    story.at("0s", "applied")
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    story.at("20s", "TensorBoard answers", Deployment__digits_tensorboard={"status": {"readyReplicas": 1}})
    story.at("9m", "its Job succeeds", objects=[pod("digits-1", ended=finished("00:00:02", "00:09:00"))], digits_1=complete("00:09:00"))
    story.at("1h", "the operator restarts")
    story.at("1d10m", "its time is over")
    story.check("training/tensorboard.yaml")


def test_event_files_that_only_the_pod_itself_sees_are_told() -> None:
    story = Story("Its event files lie in its own pod", LONELY, make_run(tensorboard={"logDir": "/tmp/logs"}))
    story.at("0s", "applied")
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    story.check("training/tensorboard_out_of_reach.yaml")
