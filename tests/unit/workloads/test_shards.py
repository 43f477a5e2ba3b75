"""Jobs whose pods share work: built for tries of each piece, and read as one."""

from __future__ import annotations

from typing import Any

from tests.unit.training.things import at, finished, pod
from treadle.api.reasons import Reason
from treadle.contracts import ExitCode, Failure
from treadle.contracts.prelabel import PrelabelResult
from treadle.workloads.contract_job import read_result
from treadle.workloads.job import SIDE_BY_SIDE, read_job, sharded_spec
from treadle.workloads.states import Failed, FailureClass, Running, Starting, Succeeded


def job(completions: int, **status: Any) -> dict[str, Any]:
    metadata = {"name": "digits-1", "namespace": "ml", "uid": "uid-job-digits-1", "creationTimestamp": at("00:00:00")}
    spec = {key: value for key, value in sharded_spec({}, completions).items() if key in ("completions", "parallelism")}
    return {"kind": "Job", "metadata": metadata, "spec": spec, "status": {"startTime": at("00:00:00"), **status}}


def shard(number: int, *, name: str = "treadle", **more: Any) -> dict[str, Any]:
    made = pod("digits-1", **more)
    made["metadata"] |= {"name": f"digits-1-{number}-x", "annotations": {"batch.kubernetes.io/job-completion-index": str(number)}}
    for container in made["status"]["containerStatuses"]:
        container["name"] = name
    return made


def test_so_many_shards_run_side_by_side() -> None:
    assert sharded_spec({}, 3)["parallelism"] == 3
    assert sharded_spec({}, 50)["parallelism"] == SIDE_BY_SIDE


def test_it_runs_once_all_that_may_run_at_once_do() -> None:
    some = [shard(number, started="00:00:05") for number in range(SIDE_BY_SIDE - 1)]
    assert isinstance(read_job(job(50), some), Starting)
    assert isinstance(read_job(job(50), [*some, shard(SIDE_BY_SIDE - 1, started="00:00:06")]), Running)


def test_a_shard_that_is_tried_again_is_no_end() -> None:
    message = Failure.of(Reason.Unreachable, "the store does not answer").to_message()
    tried = shard(0, ended=finished("00:00:05", "00:00:10", ExitCode.UNAVAILABLE, message=message))
    assert isinstance(read_job(job(1), [tried]), Running)


def test_a_shard_that_failed_for_good_says_why() -> None:
    message = Failure.of(Reason.Unreachable, "the store does not answer").to_message()
    tried = [shard(number, ended=finished("00:00:05", f"00:00:1{number}", ExitCode.UNAVAILABLE, message=message)) for number in range(2)]
    over = {"type": "Failed", "status": "True", "reason": "FailedIndexes", "message": "Job has failed indexes", "lastTransitionTime": at("00:00:20")}
    state = read_job(job(2, conditions=[over]), tried)
    assert isinstance(state, Failed)
    assert (state.failure_class, state.reason) == (FailureClass.INFRASTRUCTURE, Reason.Unreachable)
    assert "the store does not answer" in state.message


def test_all_shards_together_are_one_result() -> None:
    said = PrelabelResult(shard=1, items=2, answered=2).to_message()
    done = [shard(number, ended=finished("00:00:05", "00:00:10", message=said)) for number in range(2)]
    over = {"type": "Complete", "status": "True", "lastTransitionTime": at("00:00:20")}
    state = read_result(job(2, conditions=[over]), done, PrelabelResult)
    assert isinstance(state, Succeeded)
    assert state.result.shard == 1
