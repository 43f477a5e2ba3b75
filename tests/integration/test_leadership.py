"""Two replicas of the shipped process: whatever becomes of the leader, the other takes over, and nothing is done twice. More: `make leadership`."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from e2e.cluster import Cluster
from tests.leadership.faults import Fault, Outcome, suffered
from tests.leadership.rolling import rolled

RUNS = 16
FINISHED = 300
LIMIT = 15.0
"""Seconds in which another replica leads."""
REFUSALS = {"404", "409", "412", "504"}
"""By precondition; 504: the API server had given up waiting for a body that the network held back."""
HARMLESS = {"create events: 201", "create jobs: 201", "patch trainingruns/status: 200"}
"""What a frozen leader may still send without harm if nobody did it before: a Job is only ever made once, a status only written to what was read."""


@pytest.fixture(scope="module")
def outcomes(control_plane: Cluster, mlflow: str, tmp_path_factory: pytest.TempPathFactory) -> Mapping[Fault, Outcome]:
    """All faults, suffered side by side: each is mostly waiting for a lease to run out."""
    folders = {fault: tmp_path_factory.mktemp(fault.name) for fault in Fault}

    async def all_of_them() -> dict[Fault, Outcome]:
        address = mlflow.removeprefix("http://")
        found = await asyncio.gather(*(suffered(control_plane, address, fault, RUNS, folders[fault]) for fault in Fault))
        return {outcome.fault: outcome for outcome in found}

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("fault", Fault)
def test_another_replica_takes_over_in_time(outcomes: Mapping[Fault, Outcome], fault: Fault) -> None:
    assert outcomes[fault].taken < LIMIT
    assert outcomes[fault].silent > 9, "before the lease had run out"


@pytest.mark.parametrize("fault", Fault)
def test_what_the_old_leader_still_sends_is_harmless(outcomes: Mapping[Fault, Outcome], fault: Fault) -> None:
    outcome = outcomes[fault]
    assert set(outcome.carried_out) <= HARMLESS
    assert {request[-3:] for request in outcome.refused} <= REFUSALS
    assert outcome.backwards == []
    assert outcome.mishaps == []


@pytest.mark.parametrize("fault", Fault)
def test_no_job_and_no_tracking_run_is_there_twice(outcomes: Mapping[Fault, Outcome], fault: Fault) -> None:
    outcome = outcomes[fault]
    assert len(outcome.jobs) == len(outcome.tracked) == outcome.runs == RUNS
    assert set(outcome.jobs.values()) == {1}
    assert all([state for state in states if state != "KILLED"] == ["FINISHED"] for states in outcome.tracked.values()), outcome.tracked


async def test_a_rolling_update_is_hardly_noticed(control_plane: Cluster, tmp_path: Path) -> None:
    (update,) = await rolled(control_plane, FINISHED, tmp_path, with_jobs=False)
    assert update.pause < 3
    assert update.touched == 0, "finished runs are left alone"
    assert update.jobs[0] == update.jobs[1]
    assert update.mishaps == []
