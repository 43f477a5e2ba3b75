"""Everything about leadership, with figures; `make leadership`. A sample is part of the integration tests."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from e2e.cluster import Cluster
from tests.leadership.faults import Fault, Outcome, suffered
from tests.leadership.report import write
from tests.leadership.rolling import STEADY, rolled


async def test_another_replica_takes_over_and_an_update_is_hardly_noticed(
    control_plane: Cluster, mlflow: str, pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    times = pytestconfig.getoption("--times")
    folders = (tmp_path / str(number) for number in range(100))

    def folder() -> Path:
        made = next(folders)
        made.mkdir()
        return made

    address, wave = mlflow.removeprefix("http://"), pytestconfig.getoption("--wave")
    outcomes: list[Outcome] = []
    for _ in range(times):  # side by side: each is mostly waiting for a lease to run out
        outcomes += await asyncio.gather(*(suffered(control_plane, address, fault, wave, folder()) for fault in Fault))
    with_jobs, finished = not pytestconfig.getoption("--without-jobs"), pytestconfig.getoption("--finished")
    updates = await rolled(control_plane, finished, folder(), with_jobs=with_jobs, times=times)
    kubernetes = json.loads(control_plane.kubectl("get", "--raw=/version"))["gitVersion"]
    sys.stdout.write(write(kubernetes, outcomes, updates, STEADY, with_jobs=with_jobs))
    assert max(outcome.taken for outcome in outcomes) < 15
    assert max(update.pause for update in updates) < 3
    for outcome in outcomes:
        assert set(outcome.jobs.values()) == {1}
        assert outcome.backwards == outcome.mishaps == []
        assert all([state for state in states if state != "KILLED"] == ["FINISHED"] for states in outcome.tracked.values())
    for update in updates:
        assert update.touched == 0
        assert update.jobs[0] == update.jobs[1]
        assert update.mishaps == []
