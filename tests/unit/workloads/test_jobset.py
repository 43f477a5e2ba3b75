"""JobSets: what is written out, and what their Jobs and pods come to."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.pod_security import violations
from tests.unit.training.things import complete, failed, finished, node_job, node_pod
from treadle.plan import Object, Ref
from treadle.workloads.job import judged
from treadle.workloads.jobset import build_jobset, host, read_jobset
from treadle.workloads.pod import Container, pod_template
from treadle.workloads.pods import culprit_last
from treadle.workloads.states import Failed, FailureClass, Running, Starting, Succeeded

START = datetime(2026, 1, 1, tzinfo=UTC)
OWNER = {"apiVersion": "treadle.dev/v1alpha1", "kind": "TrainingRun", "metadata": {"name": "digits", "namespace": "ml", "uid": "u"}}


def jobset(**more: Any) -> Object:
    metadata = {"name": "digits-1", "namespace": "ml", "uid": "uid-jobset-digits-1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"kind": "JobSet", "metadata": metadata, "spec": {}, **more}


def job(**more: Any) -> Object:
    made = node_job("digits-1", **more)
    return {**made, "metadata": {**made["metadata"], "uid": "uid-job", "creationTimestamp": "2026-01-01T00:00:01Z"}}


def built(**more: Any) -> Object:
    template = pod_template(containers=[Container(name="main", image="x", users=True)], labels={"treadle.dev/run": "digits"}, restart_policy="Never")
    return build_jobset(ref=Ref("JobSet", "ml", "digits-1"), owner=OWNER, template=template, nodes=3, labels={"treadle.dev/run": "digits"}, **more)


def test_what_the_webhook_would_fill_in_is_written_out() -> None:
    spec = built()["spec"]
    (group,) = spec["replicatedJobs"]
    job = group["template"]["spec"]
    assert spec["successPolicy"] == {"operator": "All"}
    assert spec["startupPolicy"] == {"startupPolicyOrder": "AnyOrder"}
    assert spec["network"] == {"enableDNSHostnames": True, "publishNotReadyAddresses": True}
    assert (job["completionMode"], job["template"]["spec"]["restartPolicy"]) == ("Indexed", "Never")
    assert (job["completions"], job["parallelism"], job["backoffLimit"], group["replicas"]) == (3, 3, 0, 1)
    assert "failurePolicy" not in spec, "JobSet restarts nothing by itself: retries are ours"
    assert violations(job["template"]) == []


def test_only_the_job_set_is_queued_not_its_job() -> None:
    """Kueue would take the Job for one of its own beside the JobSet."""
    made = built(queue="research")
    assert made["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "research"
    assert made["spec"]["suspend"] is True
    (group,) = made["spec"]["replicatedJobs"]
    assert "kueue.x-k8s.io/queue-name" not in group["template"]["metadata"]["labels"]
    assert group["template"]["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "treadle", "else it would not be watched"


def test_the_longest_names_are_legal_host_names() -> None:
    longest = f"{'a' * 40}-99999"
    assert len(f"{host(longest, 511).partition('.')[0]}-abcde") <= 63


def test_it_runs_when_all_its_pods_do() -> None:
    one, other = node_pod("digits-1", 0, started="00:00:05"), node_pod("digits-1", 1, started="00:00:09")
    waits = read_jobset(jobset(), job(), [one, node_pod("digits-1", 1)])
    assert isinstance(waits, Starting)
    runs = read_jobset(jobset(), job(), [other, one])
    assert isinstance(runs, Running)
    assert (runs.uid, runs.since, runs.node) == ("uid-jobset-digits-1", START + timedelta(seconds=9), "node-0")


def test_the_pod_that_cannot_start_is_the_one_that_is_told() -> None:
    waiting = {"name": "main", "state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}}}
    state = read_jobset(jobset(), job(), [node_pod("digits-1", 0, started="00:00:05"), node_pod("digits-1", 1, containerStatuses=[waiting])])
    assert isinstance(state, Starting)
    assert (state.stalled, state.node) == (True, "node-1")
    assert "digits-1-node-0-1-x" in state.message


def test_it_ended_well_when_all_its_pods_did() -> None:
    pods = [node_pod("digits-1", rank, ended=finished("00:00:05", "00:01:00")) for rank in range(2)]
    assert isinstance(read_jobset(jobset(), job(**complete("00:01:00")), pods), Succeeded)
    done = {"conditions": [{"type": "Completed", "status": "True", "lastTransitionTime": "2026-01-01T00:01:00Z"}]}
    assert isinstance(read_jobset(jobset(status=done), None, []), Succeeded)


def test_the_cause_is_waited_for_where_the_job_set_knows_of_the_failure_first() -> None:
    """The JobSet and its Job come by two watches; the JobSet's may be first."""
    lost = {"conditions": [{"type": "Failed", "status": "True", "reason": "FailedJobs", "lastTransitionTime": "2026-01-01T00:01:00Z"}]}
    assert isinstance(read_jobset(jobset(status=lost), job(), [node_pod("digits-1", 0)]), Starting)
    gone = read_jobset(jobset(status=lost), None, [])
    assert isinstance(gone, Failed)
    assert gone.failure_class is FailureClass.INFRASTRUCTURE


def test_a_disruption_outweighs_the_programs_that_failed_of_it() -> None:
    drained = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
    one = node_pod("digits-1", 0, ended=finished("00:00:05", "00:01:00", 143), conditions=[drained])
    other = node_pod("digits-1", 1, ended=finished("00:00:05", "00:01:01", 1))
    state = read_jobset(jobset(), job(**failed("00:01:02", "Container main for pod ml/digits-1-node-0-1-x failed with exit code 1")), [one, other])
    assert isinstance(state, Failed)
    assert (state.failure_class, state.node) == (FailureClass.PREEMPTED, "node-0")


def test_the_first_failure_is_the_cause_whichever_the_job_controller_names() -> None:
    """It looks once a second, and names any of the pods that failed meanwhile."""
    first = node_pod("digits-1", 1, ended=finished("00:00:05", "00:01:00", 3, message="ValueError: no items"))
    second = node_pod("digits-1", 0, ended=finished("00:00:05", "00:01:01", 1, message="ConnectionError"))
    message = "Container main for pod ml/digits-1-node-0-0-x failed with exit code 1 matching FailJob rule at index 1"
    state = read_jobset(jobset(), job(**failed("00:01:02", message)), [second, first])
    assert isinstance(state, Failed)
    assert (state.exit_code, state.node) == (3, "node-1")
    assert "no items" in state.message


def test_a_disruption_counts_when_only_the_others_can_still_be_read() -> None:
    other = node_pod("digits-1", 1, ended=finished("00:00:05", "00:01:01", 1))
    message = "Pod ml/digits-1-node-0-0-x has condition DisruptionTarget matching FailJob rule at index 0"
    state = read_jobset(jobset(), job(**failed("00:01:02", message)), [other])
    assert isinstance(state, Failed)
    assert state.failure_class is FailureClass.INFRASTRUCTURE


def test_a_program_that_was_asked_to_end_is_not_the_cause() -> None:
    asked = node_pod("digits-1", 0, ended=finished("00:00:05", "00:01:00", 143))
    failing = node_pod("digits-1", 1, ended=finished("00:00:05", "00:01:00", 3))
    message = "Container main for pod ml/digits-1-node-0-0-x failed with exit code 143 matching FailJob rule at index 1"
    state = read_jobset(jobset(), job(**failed("00:01:02", message)), [failing, asked])
    assert isinstance(state, Failed)
    assert (state.failure_class, state.exit_code) == (FailureClass.APPLICATION, 3)


def test_the_pod_named_by_the_condition_speaks_among_equals() -> None:
    pods = [node_pod("digits-1", rank, ended=finished("00:00:05", "00:01:00", 1, message=f"words of {rank}")) for rank in range(3)]
    last = culprit_last(pods, "Container main for pod ml/digits-1-node-0-1-x failed with exit code 1 matching FailJob rule at index 1")[-1]
    assert last["metadata"]["name"] == "digits-1-node-0-1-x"


def test_a_job_set_without_a_job_asks_for_its_controller_after_a_while() -> None:
    state = read_jobset(jobset(), None, [])
    assert isinstance(state, Starting)
    assert not state.stalled
    later = judged(state, START + timedelta(seconds=30))
    assert isinstance(later, Starting)
    assert later.stalled
    assert "JobSet controller" in later.message
