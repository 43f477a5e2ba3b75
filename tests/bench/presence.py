"""What finished runs cost: memory, the time of a restart and its writes, and the latency of one new run, with more and more of them present."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from e2e.cluster import Cluster
from tests.bench import control_plane as plane
from tests.bench import systems
from tests.bench.bare_client import BareClient, bare_client
from tests.bench.load import carried, names
from tests.bench.processes import Others
from tests.bench.raw_limit import RawLimit
from tests.bench.results import Presence, Present, keep, machine
from tests.bench.systems import TRAINING_RUNS
from tests.bench.throughput import learnt

STEPS = (0, 2_000, 5_000, 10_000)
SINGLES = 100
WARMING = 5
PORTION = 1_000
"""Runs that are made together, so that one portion ends well within the patience of the load."""
NAME = "presence"


async def presence(steps: Sequence[int] = STEPS, singles: int = SINGLES, *, tell: Callable[[str], None]) -> Presence:
    """Measure at each step, with the operator started anew; the finished runs are made while it is away, as it would have left them."""
    figures = Presence(machine=machine())
    writes = await learnt()
    async with plane.control_plane(*plane.own_crds()) as cluster, bare_client(cluster.kubeconfig) as client:
        present = 0
        for step in steps:
            while present < step:
                wanted, namespace = names(min(PORTION, step - present), first=present), f"finished-{present}"
                cluster.kubectl("create", "namespace", namespace)
                await carried(client, TRAINING_RUNS, namespace, wanted, RawLimit(client, namespace, writes))
                present += len(wanted)
            await plane.until_server_rests(cluster)
            it = await restarted(cluster, client, present, singles)
            tell(f"{present} present: rest after {it.rest:.1f} s, {it.peak:.0f} MiB, {it.calls} writes; one run {1000 * it.latency:.0f} ms")
            figures = figures.model_copy(update={"steps": (*figures.steps, it)})
            keep(NAME, figures)
    return figures


async def restarted(cluster: Cluster, client: BareClient, present: int, singles: int) -> Present:
    """One start of the operator, and so many single runs after it."""
    since = plane.log_size(cluster)
    with tempfile.TemporaryDirectory() as folder:
        async with systems.operator(cluster, Path(folder)) as process:
            cpu, peak, memory = process.cpu(), process.peak_memory(), process.memory()
            calls = plane.writes(plane.requests(cluster, plane.OPERATOR, since), beside=("leases",))
            cluster.kubectl("create", "namespace", f"new-{present}")
            others = Others(lambda: plane.server_cpu(cluster) + process.cpu())
            line = await carried(client, TRAINING_RUNS, f"new-{present}", names(WARMING + singles), unfinished=1)
            foreign = others.share()
            single = [max(0.0, line.created[it] - line.applied[it]) + max(0.0, line.finished[it] - line.completed[it]) for it in line.finished]
            return Present(
                present=present,
                rest=process.rested,
                calls=calls,
                peak=peak,
                memory=memory,
                cpu=cpu,
                single=tuple(single[WARMING:]),
                afterwards=process.memory(),
                others=foreign,
            )
