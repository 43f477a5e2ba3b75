"""A small sample of `make bench-control`: nothing is timed, but what one run costs is counted in the API server's audit log."""

from pathlib import Path

from tests.bench import control_plane as plane
from tests.bench import systems
from tests.bench.bare_client import bare_client
from tests.bench.load import carried, names
from tests.bench.presence import restarted
from tests.bench.raw_limit import RawLimit
from tests.bench.systems import TRAINING_RUNS, necessary
from tests.bench.throughput import Bench, round_with

RUNS = 30
FINISHED = 40


async def test_a_run_costs_few_writes_and_a_restart_among_finished_runs_none(tmp_path: Path) -> None:
    async with plane.control_plane(*plane.own_crds()) as cluster, bare_client(cluster.kubeconfig) as client:
        async with systems.operator(cluster, tmp_path) as process:
            await carried(client, TRAINING_RUNS, plane.WARM_UP, names(1))
            it = await round_with(Bench(cluster, client, process), TRAINING_RUNS, plane.OPERATOR, system="treadle", number=0, runs=RUNS)
        cluster.kubectl("create", "namespace", "finished")
        raw = RawLimit(client, "finished", necessary(cluster, plane.WARM_UP))
        await carried(client, TRAINING_RUNS, "finished", names(FINISHED), raw)
        again = await restarted(cluster, client, FINISHED, singles=3)
    assert len(it.created) == len(it.finished) == RUNS
    assert it.requests["create jobs"] == RUNS
    assert plane.writes(it.requests) <= 3 * RUNS
    assert again.calls == 0
    assert len(again.single) == 3
