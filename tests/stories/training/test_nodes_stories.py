"""A run on several nodes: one JobSet per attempt, all pods or none, and the same budgets as on one node."""

from typing import Any

from tests.stories.story import Story
from tests.unit.training.things import STATE, TRAINING_RUN, UNTRACKED, complete, failed, finished, logged, make_run, node_job, node_pod
from treadle.training import training_run
from treadle.workloads.add_ons import KindMissing

LONELY = training_run(UNTRACKED)
MISSING = KindMissing(kind="JobSet")


def told(title: str, **spec: Any) -> Story:
    """A run of two nodes without tracking, of which the JobSet controller made the Job."""
    story = Story(title, LONELY, make_run(nodes=2, **spec))
    story.at("0s", "applied")
    story.at("1s", "the JobSet controller makes its Job", objects=[node_job("digits-1")])
    return story


def both(jobset: str, **how: Any) -> list[dict[str, Any]]:
    return [node_pod(jobset, rank, **how) for rank in range(2)]


def over(ended: str, message: str) -> dict[str, Any]:
    """A JobSet that failed with its Job."""
    condition = {"type": "Failed", "status": "True", "reason": "FailedJobs", "message": message, "lastTransitionTime": ended}
    return {"status": {"conditions": [condition]}}


def test_two_nodes_train_together() -> None:
    story = Story("It trains on two nodes", TRAINING_RUN, make_run(nodes=2, register={"model": "digits"}))
    story.at("0s", "applied")
    story.at("1s", "the JobSet controller makes its Job", objects=[node_job("digits-1")])
    story.at("5s", "one of its pods runs", objects=[node_pod("digits-1", 0, started="00:00:05"), node_pod("digits-1", 1)])
    story.at("20s", "the other still pulls its image")
    story.at("30s", "both run", objects=both("digits-1", started="00:00:30"))
    story.at("1m", "the operator restarts")
    ended = {"objects": both("digits-1", ended=finished("00:00:30", "00:09:00")), "digits_1_node_0": complete("00:09:00")}
    story.at("9m", "both end well", **ended, answers={STATE: logged("model")})
    story.at("8d", "its time is over")
    story.check("training/nodes.yaml")


def test_a_cluster_without_job_set_is_told_what_to_install() -> None:
    story = Story("The cluster has no JobSet", LONELY, make_run(nodes=2), answers={MISSING: True})
    story.at("0s", "applied")
    story.at("1h", "somebody installs it", answers={MISSING: False})
    story.check("training/nodes_without_job_set.yaml")


def test_a_job_set_that_nobody_takes_up_is_said() -> None:
    story = Story("The JobSet controller does not run", LONELY, make_run(nodes=2))
    story.at("0s", "applied")
    story.at("40s", "it has no Job yet")
    story.at("2m", "the controller is started again", objects=[node_job("digits-1"), *both("digits-1", started="00:02:00")])
    story.check("training/nodes_without_controller.yaml")


def test_one_lost_node_costs_the_infrastructures_budget_although_the_other_program_fails() -> None:
    story = told("One of its nodes is drained", retries={"infrastructure": 1})
    story.at("3s", "both run", objects=both("digits-1", started="00:00:02"))
    drained = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "drained"}
    one = node_pod("digits-1", 0, ended=finished("00:00:02", "00:05:00", 143), conditions=[drained])
    other = node_pod("digits-1", 1, ended=finished("00:00:02", "00:05:01", 1, message="ConnectionError: rank 0 is gone"))
    message = "Container main for pod ml/digits-1-node-0-1-x failed with exit code 1 matching FailJob rule at index 1"
    story.at("5m", "its node is drained, and the other program fails", objects=[one, other], digits_1_node_0=failed("00:05:02", message))
    story.at("6m", "the pause is over")
    story.check("training/nodes_drained.yaml")


def test_one_failed_program_ends_the_attempt_on_all_nodes() -> None:
    story = told("One of its programs fails", retries={"application": 1})
    story.at("3s", "both run", objects=both("digits-1", started="00:00:02"))
    one = node_pod("digits-1", 1, ended=finished("00:00:02", "00:05:00", 3, message="ValueError: no items"))
    other = node_pod("digits-1", 0, ended=finished("00:00:02", "00:05:01", 143))
    message = "Container main for pod ml/digits-1-node-0-1-x failed with exit code 3 matching FailJob rule at index 1"
    story.at("5m", "rank 1 fails", objects=[one, other], digits_1_node_0=failed("00:05:02", message))
    story.at("6m", "the pause is over")
    story.check("training/nodes_fail.yaml")


def test_a_failed_job_set_without_its_job_is_no_fault_of_the_program() -> None:
    story = told("Its Job is gone before it was read", retries={"infrastructure": 0})
    story.at("3s", "both run", objects=both("digits-1", started="00:00:02"))
    gone = over("2026-01-01T00:05:00Z", "jobset failed due to one or more job failures (first failed job: digits-1-node-0)")
    story.at("5m", "it failed, and somebody deleted its Job", digits_1=gone, digits_1_node_0=None)
    story.check("training/nodes_result_lost.yaml")


def test_a_run_on_two_nodes_waits_in_its_queue() -> None:
    story = Story("It waits in a queue for two nodes", LONELY, make_run(nodes=2, queue="research"))
    story.at("0s", "applied")
    story.at("1s", "the JobSet controller makes its Job", objects=[node_job("digits-1", spec={"completions": 2, "suspend": True})])
    started = {"spec": {"suspend": False, "completions": 2}, "status": {"startTime": "2026-01-01T00:01:00Z"}}
    story.at("1m", "it is admitted", digits_1={"spec": {"suspend": False}}, digits_1_node_0=started)
    story.at("63s", "both run", objects=both("digits-1", started="00:01:02"))
    story.at("5m", "it is suspended", this={"spec": {"suspend": True}})
    story.at("6m", "it is resumed", this={"spec": {"suspend": False}})
    story.check("training/nodes_queued.yaml")
