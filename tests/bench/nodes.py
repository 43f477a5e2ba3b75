"""Whole lives at scale: the Job controller, the scheduler and pods are real, and kwok says what kubelets would say."""

import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from e2e.cluster import Cluster, tool
from tests.bench import control_plane as plane
from tests.bench import peers, systems
from tests.bench.bare_client import bare_client
from tests.bench.load import carried, names
from tests.bench.processes import controller
from tests.bench.results import Nodes, keep, machine, round_of, wait
from tests.bench.systems import TRAINING_RUNS

RUNS = 2_000
NODES = 20
NAME = "nodes"


async def nodes(runs: int = RUNS, *, tell: Callable[[str], None]) -> Nodes:
    """Measure: so many runs are applied, and nobody but the cluster ends their Jobs."""
    figures = machine()
    with tempfile.TemporaryDirectory() as folder:
        async with (
            plane.control_plane(*plane.own_crds(), jobs_run=True) as cluster,
            bare_client(cluster.kubeconfig) as client,
            _scheduled(cluster, Path(folder)),
            systems.operator(cluster, Path(folder)) as process,
        ):
            cluster.apply(*(_node(number) for number in range(NODES)))
            await carried(client, TRAINING_RUNS, plane.WARM_UP, names(20), jobs_run=True)
            await process.until_rest()
            since, cpu, server_cpu = plane.log_size(cluster), process.cpu(), plane.server_cpu(cluster)
            line = await carried(client, TRAINING_RUNS, plane.MEASURED, names(runs), jobs_run=True)
            it = round_of(
                line,
                system="treadle",
                number=0,
                requests=plane.requests(cluster, plane.OPERATOR, since),
                cpu=process.cpu() - cpu,
                server_cpu=plane.server_cpu(cluster) - server_cpu,
                memory=process.peak_memory(),
            )
            written: Counter[str] = Counter()
            for event in cluster.audit_events(offset=since):
                if event["verb"] in plane.MUTATING and (event.get("objectRef") or {}).get("namespace") == plane.MEASURED:
                    written[event["user"]["username"]] += 1
            pods = len(cluster.get("pods", f"--namespace={plane.MEASURED}", "--field-selector=status.phase=Succeeded")["items"])
    whole = wait([line.finished[name] - line.applied[name] for name in line.finished])
    tell(f"{runs} whole lives on {NODES} nodes: {it.finished_per_second:.0f}/s, {whole.median:.1f} s each")
    result = Nodes(machine=figures, runs=runs, nodes=NODES, round=it, whole=whole, pods=pods, written=dict(written))
    keep(NAME, result)
    return result


@asynccontextmanager
async def _scheduled(cluster: Cluster, folder: Path) -> AsyncIterator[None]:
    """The scheduler and kwok."""
    own = [f"--kubeconfig={cluster.kubeconfig_for('system:kube-scheduler')}"]
    scheduler: list[str | Path] = [
        tool("kube-scheduler"),
        *own,
        *(f"--authentication-{own[0][2:]}", f"--authorization-{own[0][2:]}"),
        *("--leader-elect=false", "--secure-port=0", "--kube-api-qps=500", "--kube-api-burst=1000"),
    ]
    kubelets: list[str | Path] = [
        peers.kwok(),
        f"--kubeconfig={cluster.kubeconfig_for('kwok', ['system:masters'])}",
        "--manage-all-nodes",
        "--node-lease-duration-seconds=40",
    ]
    kubelets += [f"--config={stage}" for stage in peers.kwok_stages()]
    async with (
        controller(scheduler, folder / "scheduler.log", lambda _: True),
        controller(kubelets, folder / "kwok.log", lambda _: True),
    ):
        yield


def _node(number: int) -> dict[str, object]:
    room = {"cpu": "1000", "memory": "4Ti", "pods": "1000"}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-{number}"}, "status": {"capacity": room, "allocatable": room}}
