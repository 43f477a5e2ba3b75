"""Reading a Job: what its conditions and its pod come to."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.unit.training.things import at, complete, failed, finished, pod
from treadle.api.reasons import Reason
from treadle.contracts.release import ReleaseResult
from treadle.workloads.contract_job import read_result
from treadle.workloads.job import NODE_PATIENCE, judged, next_judgement, read_job
from treadle.workloads.starting import CERTAIN, UNCERTAIN
from treadle.workloads.states import Failed, FailureClass, Running, Starting, Succeeded

START = datetime(2026, 1, 1, tzinfo=UTC)


def job(**more: Any) -> dict[str, Any]:
    metadata = {"name": "digits-1", "namespace": "ml", "uid": "uid-job-digits-1", "creationTimestamp": at("00:00:00")}
    return {"kind": "Job", "metadata": metadata, "spec": {}, **more}


def test_a_job_without_a_pod_is_refused_its_pods_after_a_while() -> None:
    state = read_job(job(status={"startTime": at("00:00:00")}), [])
    assert isinstance(state, Starting)
    assert not state.unseen
    assert judged(state, START + timedelta(seconds=29)) == state
    assert next_judgement(state, START) == START + timedelta(seconds=30)
    refused = judged(state, START + timedelta(seconds=30))
    assert isinstance(refused, Starting)
    assert (refused.reason, refused.stalled) == (Reason.PodsRejected, True)


def test_a_job_that_its_controller_has_not_looked_at_says_so() -> None:
    state = read_job(job(), [])
    assert isinstance(state, Starting)
    assert (state.unseen, state.podless) == (True, True)


def test_a_job_that_waited_for_its_controller_starts_with_its_first_pod() -> None:
    fresh = pod("digits-1")
    fresh["metadata"]["creationTimestamp"] = at("00:00:40")
    state = read_job(job(), [fresh])
    assert isinstance(state, Starting)
    assert state.since == START + timedelta(seconds=40)


def test_an_unschedulable_pod_waits_in_the_schedulers_words() -> None:
    unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes: Insufficient nvidia.com/gpu"}
    state = read_job(job(), [pod("digits-1", conditions=[unscheduled])])
    assert isinstance(state, Starting)
    assert (state.reason, state.queued, state.stalled) == (Reason.Unschedulable, True, False)
    assert "Insufficient nvidia.com/gpu" in state.message


def test_a_missing_secret_is_told_and_given_up_in_the_end() -> None:
    waiting = {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "hf" not found'}}
    stuck = pod("digits-1", containerStatuses=[{"name": "main", "state": waiting}])
    state = read_job(job(), [stuck])
    assert isinstance(state, Starting)
    assert (state.reason, state.stalled) == (Reason.SecretMissing, True)
    assert isinstance(judged(state, START + CERTAIN / 2), Starting), "who makes the Secret a moment later is in time"
    given_up = judged(state, START + CERTAIN)
    assert isinstance(given_up, Failed)
    assert given_up.failure_class is FailureClass.APPLICATION


def test_an_image_that_does_not_exist_is_given_up_sooner_than_a_registry_that_does_not_answer() -> None:
    words = {
        'failed to resolve reference "registry.example/none:1": registry.example/none:1: not found': (CERTAIN, FailureClass.APPLICATION),
        "pull access denied, repository does not exist or may require authorization": (CERTAIN, FailureClass.APPLICATION),
        "failed to do request: dial tcp 192.0.2.1:443: i/o timeout": (UNCERTAIN, FailureClass.INFRASTRUCTURE),
    }
    for message, (patience, fault) in words.items():
        waiting = {"waiting": {"reason": "ErrImagePull", "message": message}}
        state = read_job(job(), [pod("digits-1", containerStatuses=[{"name": "main", "state": waiting}])])
        assert next_judgement(state, START) == START + patience
        given_up = judged(state, START + patience)
        assert isinstance(given_up, Failed)
        assert given_up.failure_class is fault


def test_a_pod_that_does_not_go_is_on_a_node_that_does_not_answer() -> None:
    leaving = pod("digits-1", started="00:00:05")
    leaving["metadata"] |= {"deletionTimestamp": at("00:05:30"), "deletionGracePeriodSeconds": 30}
    state = read_job(job(), [leaving])
    due = START + timedelta(minutes=5, seconds=30) + NODE_PATIENCE
    assert next_judgement(state, START) == due
    assert isinstance(judged(state, due - timedelta(seconds=1)), Running)
    lost = judged(state, due)
    assert isinstance(lost, Failed)
    assert (lost.failure_class, lost.reason, lost.pod_gone) == (FailureClass.INFRASTRUCTURE, Reason.NodeLost, False)


def test_a_program_that_ends_well_because_it_was_asked_to_end_is_not_done() -> None:
    drained = pod("digits-1", ended=finished("00:00:05", "00:01:02"))
    drained["status"]["conditions"] = [
        {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "lastTransitionTime": at("00:01:00")}
    ]
    state = read_job(job(**complete("00:01:03")), [drained])
    assert isinstance(state, Failed)
    assert state.failure_class is FailureClass.INFRASTRUCTURE
    deleted = pod("digits-1", ended=finished("00:00:05", "00:01:02"))
    deleted["metadata"] |= {"deletionTimestamp": at("00:01:30"), "deletionGracePeriodSeconds": 30}
    assert isinstance(read_job(job(**complete("00:01:03")), [deleted]), Failed)


def test_a_finished_pod_that_is_drained_away_has_done_its_work() -> None:
    drained = pod("digits-1", ended=finished("00:00:05", "00:01:02"))
    drained["status"]["conditions"] = [
        {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "lastTransitionTime": at("00:02:00")}
    ]
    drained["metadata"] |= {"deletionTimestamp": at("00:02:30"), "deletionGracePeriodSeconds": 30}
    assert isinstance(read_job(job(**complete("00:01:03")), [drained]), Succeeded)


def test_an_image_name_that_cannot_be_parsed_is_hopeless_at_once() -> None:
    waiting = {"waiting": {"reason": "InvalidImageName", "message": "couldn't parse image name"}}
    state = read_job(job(), [pod("digits-1", containerStatuses=[{"name": "main", "state": waiting}])])
    assert isinstance(judged(state, START), Failed)


def test_an_init_container_at_work_is_told() -> None:
    preparing = pod("digits-1", initContainerStatuses=[{"name": "fetch-dataset", "state": {"running": {"startedAt": at("00:00:01")}}}])
    state = read_job(job(), [preparing])
    assert isinstance(state, Starting)
    assert "fetch-dataset" in state.message


def test_a_running_pod_tells_since_when_where_and_what() -> None:
    state = read_job(job(), [pod("digits-1", started="00:00:05")])
    assert isinstance(state, Running)
    assert (state.since, state.node, state.image_id) == (START + timedelta(seconds=5), "node-1", "registry.example/train@sha256:abc")


def test_an_end_is_believed_once_the_pods_own_words_are_there() -> None:
    """The Job and its pod come by two watches; the Job's may be first."""
    ended = job(**complete("00:01:00"))
    assert isinstance(read_job(ended, [pod("digits-1", started="00:00:05")]), Running)
    assert isinstance(read_job(ended, [pod("digits-1", ended=finished("00:00:05", "00:01:00"))]), Succeeded)
    assert isinstance(read_job(ended, []), Succeeded), "the pod is gone already"


def test_a_lost_node_is_believed_at_once() -> None:
    """Its pod never says another word: the Job stays at FailureTarget until the node returns."""
    disrupted = failed("00:05:00", "Pod ml/digits-1-x has condition DisruptionTarget matching FailJob rule at index 0")
    disrupted["status"]["conditions"][0]["type"] = "FailureTarget"
    state = read_job(job(**disrupted), [pod("digits-1", started="00:00:05")])
    assert isinstance(state, Failed)
    assert (state.failure_class, state.pod_gone) == (FailureClass.INFRASTRUCTURE, False)


def test_a_suspended_job_waits_for_its_queue() -> None:
    queued = job(spec={"suspend": True})
    queued["metadata"]["labels"] = {"kueue.x-k8s.io/queue-name": "research"}
    state = read_job(queued, [])
    assert isinstance(state, Starting)
    assert (state.reason, state.queued) == (Reason.AwaitingAdmission, True)


def test_the_end_of_a_suspended_job_says_nothing_of_its_program() -> None:
    killed = pod("digits-1", ended=finished("00:00:05", "00:01:00", 137))
    state = read_job(job(spec={"suspend": True}, **failed("00:01:00")), [killed])
    assert isinstance(state, Failed)
    assert (state.failure_class, state.reason, state.suspended) == (FailureClass.PREEMPTED, Reason.PodPreempted, True)
    well = pod("digits-1", ended=finished("00:00:05", "00:01:00"))
    assert isinstance(read_job(job(spec={"suspend": True}, **complete("00:01:00")), [well]), Succeeded), "nobody had asked it to end"


def test_the_result_of_our_own_job_is_read_from_its_last_words() -> None:
    said = ReleaseResult(version=1, digest="d" * 64, uri="s3://datasets/v0001/", created=True, items=3, splits={})
    over = pod("digits-1", ended=finished("00:00:05", "00:01:00", message=said.to_message()))
    over["status"]["containerStatuses"][0]["name"] = "treadle"
    state = read_result(job(**complete("00:01:00")), [over], ReleaseResult)
    assert isinstance(state, Succeeded)
    assert state.result == said
    lost = read_result(job(**complete("00:01:00")), [], ReleaseResult)
    assert isinstance(lost, Failed)
    assert (lost.failure_class, lost.reason) == (FailureClass.INFRASTRUCTURE, Reason.ResultUnreadable)
    assert read_result(None, [], ReleaseResult) is None


def test_a_pull_that_fails_in_turns_is_told_in_the_same_words() -> None:
    """The kubelet alternates between the failure and backing off from it."""
    failure = 'failed to pull and unpack image "registry.example/none:1": not found'
    said = []
    for why, words in (("ErrImagePull", failure), ("ImagePullBackOff", f'Back-off pulling image "registry.example/none:1": ErrImagePull: {failure}')):
        waiting = {"waiting": {"reason": why, "message": words}}
        state = read_job(job(), [pod("digits-1", containerStatuses=[{"name": "main", "state": waiting}])])
        assert isinstance(state, Starting)
        said.append((state.reason, state.message))
    assert said[0] == said[1]
