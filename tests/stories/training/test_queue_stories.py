"""A run in a queue of Kueue: why it waits, since when, and what it costs when the queue takes its place back."""

from typing import Any

from tests.stories.story import Story
from tests.unit.training.things import UNTRACKED, at, failed, finished, make_run, pod, said, workload
from treadle.training import training_run

LONELY = training_run(UNTRACKED)
NO_ROOM = "couldn't assign flavors to pod set main: insufficient unused quota for cpu in flavor default, {} more needed"
ADMITTED: dict[str, Any] = {"spec": {"suspend": False}, "status": {"startTime": at("00:01:00")}}


def told(title: str, **spec: Any) -> Story:
    """A run in the queue research, just applied; nobody else is in its way."""
    story = Story(title, LONELY, make_run(queue="research", **spec))
    story.at("0s", "applied")
    return story


def pending(message: str, since: str = "00:00:01", reason: str = "Pending", **spec: Any) -> dict[str, Any]:
    return workload("digits-1", said("QuotaReserved", False, reason, message, since), **spec)


def started(story: Story) -> None:
    story.at(
        "1m", "it is admitted", objects=[workload("digits-1", said("QuotaReserved", True, "QuotaReserved", "ok", "00:01:00"))], digits_1=ADMITTED
    )
    story.at("63s", "its pod runs", objects=[pod("digits-1", started="00:01:02")])


def evicted(reason: str, message: str) -> list[dict[str, Any]]:
    """Kueue takes the admission back."""
    return [workload("digits-1", said("QuotaReserved", False, "Pending", message, "00:05:00"), said("Evicted", True, reason, message, "00:05:00"))]


def test_a_full_queue_is_told_in_its_own_words() -> None:
    story = told("Its queue is full")
    story.at("1s", "Kueue has no room", objects=[pending(NO_ROOM.format("2"))])
    story.at("1m", "less is missing, which is no news", objects=[pending(NO_ROOM.format("500m"))])
    story.at("10m", "the operator restarts")
    story.at("1h", "it is admitted", digits_1={"spec": {"suspend": False}, "status": {"startTime": at("01:00:00")}})
    story.at("1h3s", "its pod runs", objects=[pod("digits-1", started="01:00:02")])
    story.check("training/queue_full.yaml")


def test_what_never_fits_into_the_queue_asks_for_a_human() -> None:
    story = told("It asks for more than the queue has")
    asked = "previously considered podsets requests (0) + current podset request (64)"
    words = f"insufficient quota for cpu in flavor default, {asked} > maximum capacity (8)"
    story.at("1s", "Kueue will never have room", objects=[pending(words)])
    story.check("training/queue_too_small.yaml")


def test_a_queue_that_does_not_exist_is_named() -> None:
    story = told("Its queue does not exist")
    story.at("1s", "Kueue does not know the queue", objects=[pending("LocalQueue research doesn't exist", reason="Inadmissible")])
    story.check("training/queue_missing.yaml")


def test_a_place_taken_by_a_higher_priority_costs_nothing() -> None:
    story = told("A run of higher priority takes its place", retries={"infrastructure": 0, "application": 0})
    started(story)
    why = "Preempted to accommodate a workload (UID: x, JobUID: y) due to prioritization in the ClusterQueue"
    story.at(
        "5m",
        "Kueue takes the admission back",
        objects=evicted("Preempted", why),
        digits_1={"spec": {"suspend": True}, "status": None},
        digits_1_x=None,
    )
    story.at("6m", "the pause is over")
    story.check("training/queue_preempts.yaml")


def test_a_program_that_ends_badly_because_its_place_is_taken_pays_for_nothing() -> None:
    """The Job controller fails a suspended Job whose pod does not end with exit code 0."""
    story = told("Its program is killed because its place is taken", retries={"infrastructure": 0, "application": 0})
    started(story)
    why = "Preempted to accommodate a workload (UID: x, JobUID: y) due to prioritization in the ClusterQueue"
    killed = pod("digits-1", ended=finished("00:01:02", "00:05:30", 137))
    failure = failed("00:05:30", "Container main for pod ml/digits-1-x failed with exit code 137 matching FailJob rule at index 1")
    story.at("5m30s", "Kueue takes the admission back", objects=[*evicted("Preempted", why), killed], digits_1={"spec": {"suspend": True}, **failure})
    story.at("6m", "the pause is over")
    story.check("training/queue_preempts_and_kills.yaml")


def test_a_place_lost_with_its_node_costs_the_infrastructures_budget() -> None:
    story = told("Kueue gives up a node that failed", retries={"infrastructure": 0})
    started(story)
    gone = evicted("NodeFailures", "Workload was evicted as there was no replacement for a failed node: node-1")
    story.at("5m", "its node is gone", objects=gone, digits_1={"spec": {"suspend": True}, "status": None}, digits_1_x=None)
    story.check("training/queue_node_failure.yaml")


def test_a_run_that_waits_is_suspended_without_a_trace_in_the_queue() -> None:
    story = told("It is suspended while it waits")
    story.at("1s", "Kueue has no room", objects=[pending(NO_ROOM.format("2"))])
    story.at("1m", "a human suspends it", this={"spec": {"suspend": True}})
    story.at("2m", "a human resumes it", this={"spec": {"suspend": False}})
    story.check("training/queue_suspended.yaml")
