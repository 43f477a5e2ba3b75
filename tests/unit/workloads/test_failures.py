"""Whose fault a failure was: one line per way in which a Job can fail, as the Job controller and the kubelet word it."""

from typing import Any

import pytest

from treadle.api.reasons import Reason
from treadle.contracts import Failure
from treadle.workloads.evidence import gather
from treadle.workloads.failures import classify
from treadle.workloads.states import FailureClass

APPLICATION, INFRASTRUCTURE, PREEMPTED = FailureClass.APPLICATION, FailureClass.INFRASTRUCTURE, FailureClass.PREEMPTED
JOB = {"metadata": {"name": "digits-1"}}
DISRUPTED = "Pod ml/digits-1-x has condition DisruptionTarget matching FailJob rule at index 0"


def exited(code: int, container: str = "main") -> str:
    return f"Container {container} for pod ml/digits-1-x failed with exit code {code} matching FailJob rule at index 1"


def pod(container: str = "main", *, disruption: str = "", since: str = "", gone_by: str = "", said: str = "", **ended: Any) -> dict[str, Any]:
    """A pod whose container ended like this. `since`: of the disruption; `gone_by`: when it should be gone, asked 30 s before; `said`: its reason."""
    disrupted = {"type": "DisruptionTarget", "status": "True", "reason": disruption, **({"lastTransitionTime": since} if since else {})}
    kind = "initContainerStatuses" if container.startswith("fetch") else "containerStatuses"
    status = {"phase": "Failed", "conditions": [disrupted] if disruption else [], kind: [{"name": container, "state": {"terminated": ended}}]}
    deleted = {"deletionTimestamp": gone_by, "deletionGracePeriodSeconds": 30} if gone_by else {}
    metadata = {"name": "digits-1-x", **deleted}
    return {"metadata": metadata, "spec": {"nodeName": "node-1"}, "status": {**status, **({"reason": said} if said else {})}}


NOON = "2026-01-01T00:01:10Z"
BACKOFF = "Job has reached the specified backoff limit"
UNAVAILABLE = Failure.of(Reason.Unreachable, "S3 does not answer").to_message()
BAD_INPUT = Failure.of(Reason.ResultLost, "no such bucket").to_message()

TABLE = {
    "an exit code, pod gone": (exited(1), [], APPLICATION, Reason.ExitedWithError),
    "an exit code with last words": (exited(1), [pod(exitCode=1, message="ValueError")], APPLICATION, Reason.ExitedWithError),
    "out of memory": (exited(137), [pod(exitCode=137, reason="OOMKilled")], APPLICATION, Reason.OutOfMemory),
    "killed, nobody knows why": (exited(137), [pod(exitCode=137)], APPLICATION, Reason.Killed),
    "killed, pod removed before it was read": (exited(137), [], INFRASTRUCTURE, Reason.ResultLost),
    "deleted by hand": (exited(137), [pod(exitCode=137, gone_by="2026-01-01T00:01:30Z", finishedAt=NOON)], INFRASTRUCTURE, Reason.PodEvicted),
    "failed, then drained": (
        exited(1),
        [pod(exitCode=1, finishedAt=NOON, disruption="EvictionByEvictionAPI", since="2026-01-01T00:02:00Z", gone_by="2026-01-01T00:02:30Z")],
        APPLICATION,
        Reason.ExitedWithError,
    ),
    "a command that is not in the image": (
        exited(128),
        [pod(exitCode=128, reason="StartError", message='exec: "trian": executable file not found in $PATH')],
        APPLICATION,
        Reason.PodConfigurationInvalid,
    ),
    "refused by its node": (BACKOFF, [pod(said="OutOfnvidia.com/gpu")], INFRASTRUCTURE, Reason.PodEvicted),
    "ours, too slow": (exited(137, "treadle"), [pod("treadle", exitCode=137, said="DeadlineExceeded")], APPLICATION, Reason.JobTooSlow),
    "terminated without a disruption": (exited(143), [], INFRASTRUCTURE, Reason.PodEvicted),
    "disrupted, pod gone": (DISRUPTED, [], INFRASTRUCTURE, Reason.PodEvicted),
    "drained": (DISRUPTED, [pod(disruption="EvictionByEvictionAPI", exitCode=143)], INFRASTRUCTURE, Reason.PodEvicted),
    "node lost": (DISRUPTED, [pod(disruption="DeletionByTaintManager", exitCode=137)], INFRASTRUCTURE, Reason.PodEvicted),
    "preempted": (DISRUPTED, [pod(disruption="PreemptionByScheduler", exitCode=143)], PREEMPTED, Reason.PodPreempted),
    "preempted, exit code seen first": (exited(143), [pod(disruption="PreemptionByScheduler", exitCode=143)], PREEMPTED, Reason.PodPreempted),
    "our own words, outside down": (exited(69, "treadle"), [pod("treadle", exitCode=69, message=UNAVAILABLE)], INFRASTRUCTURE, Reason.Unreachable),
    "our own words, bad input": (exited(64, "treadle"), [pod("treadle", exitCode=64, message=BAD_INPUT)], APPLICATION, Reason.ResultLost),
    "fetching failed, words lost": (exited(69, "fetch-dataset"), [], INFRASTRUCTURE, Reason.Unreachable),
    "fetching a further model failed, words lost": (exited(69, "fetch-model-4"), [], INFRASTRUCTURE, Reason.Unreachable),
    "a user's exit code 69": (exited(69), [], APPLICATION, Reason.ExitedWithError),
    "nobody says anything": (BACKOFF, [], INFRASTRUCTURE, Reason.ResultLost),
    "the Job alone says something": (BACKOFF, [pod()], INFRASTRUCTURE, Reason.JobFailed),
}


@pytest.mark.parametrize(("message", "pods", "failure_class", "reason"), TABLE.values(), ids=TABLE.keys())
def test_a_failure_is_classified(message: str, pods: list[dict[str, Any]], failure_class: FailureClass, reason: Reason) -> None:
    condition = {"type": "Failed", "status": "True", "reason": "PodFailurePolicy", "message": message}
    verdict = classify(gather(JOB, condition, pods))
    assert (verdict.failure_class, verdict.reason) == (failure_class, reason)
    assert "digits-1" in verdict.message


def test_evicted_for_pressure_without_a_condition() -> None:
    gone = pod()
    gone["status"] = {"phase": "Failed", "reason": "Evicted"}
    verdict = classify(gather(JOB, {"message": "Job has reached the specified backoff limit"}, [gone]))
    assert (verdict.failure_class, verdict.reason) == (INFRASTRUCTURE, Reason.PodEvicted)


def test_last_words_are_short_and_tell_the_node() -> None:
    verdict = classify(gather(JOB, {"message": exited(1)}, [pod(exitCode=1, message="x" * 5000)]))
    assert "on node node-1" in verdict.message
    assert len(verdict.message) < 1024
