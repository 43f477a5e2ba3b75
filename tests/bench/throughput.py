"""N objects applied, N Jobs created, N finished: Treadle, the raw limit and JobSet in turns, each round on a fresh API server."""

import json
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from e2e.cluster import Cluster
from tests.bench import control_plane as plane
from tests.bench import peers, systems
from tests.bench.bare_client import BareClient, bare_client
from tests.bench.load import carried, names
from tests.bench.processes import CALM, Controller, Others
from tests.bench.raw_limit import RawLimit
from tests.bench.results import Round, Throughput, keep, machine, read, round_of
from tests.bench.systems import TRAINING_RUNS, Load, Necessary, necessary

WARM = names(20, first=90_000)
SYSTEMS = ("raw", "treadle", "jobset")
LEAN = "jobset-lean"
TRIES = 2
"""Of one round, at most."""


@dataclass(frozen=True)
class Bench:
    """A fresh API server, a client of the test's, and a controller that rests."""

    cluster: Cluster
    client: BareClient
    controller: Controller


async def throughput(runs: int, rounds: int, chosen: Sequence[str], *, resume: bool, tell: Callable[[str], None]) -> Throughput:
    """Measure, and keep every round as soon as it is there; with `resume` what is kept already is not measured again."""
    name = f"throughput-{runs}"
    figures = (read(name, Throughput) if resume else None) or Throughput(machine=machine(), runs=runs)
    taken = {(it.system, it.number) for it in figures.rounds}
    writes = await learnt()
    for number in range(rounds):
        for system in chosen:
            if (system, number) not in taken:
                it = await _quietest(system, number, runs, writes)
                rates = f"{it.created_per_second:.0f} created/s, {it.finished_per_second:.0f} finished/s"
                tell(f"{runs} runs, round {number + 1}, {system}: {rates}; others used {it.others:.0%} ({it.tries} tries)")
                figures = figures.model_copy(update={"rounds": (*figures.rounds, it)})
                keep(name, figures)
    return figures


async def _quietest(system: str, number: int, runs: int, writes: Necessary) -> Round:
    """One round of one system; one that others disturbed is taken anew, whatever came out. The quietest counts."""
    taken: list[Round] = []
    while len(taken) < TRIES and (not taken or taken[-1].others > CALM):
        taken.append(await measured(system, number, runs, writes))
    return min(taken, key=lambda it: it.others).model_copy(update={"tries": len(taken)})


async def learnt() -> Necessary:
    """The writes of a life, as the operator makes them."""
    async with operated() as bench:
        return necessary(bench.cluster, plane.WARM_UP)


async def measured(system: str, number: int, runs: int, writes: Necessary) -> Round:
    """One round of one system."""
    if system == "raw":
        async with plane.control_plane(*plane.own_crds()) as cluster, bare_client(cluster.kubeconfig) as client:
            await carried(client, TRAINING_RUNS, plane.WARM_UP, WARM, RawLimit(client, plane.WARM_UP, writes))
            await plane.until_server_rests(cluster)
            await Others(lambda: plane.server_cpu(cluster)).until_calm()
            used, others = plane.server_cpu(cluster), Others(lambda: plane.server_cpu(cluster))
            line = await carried(client, TRAINING_RUNS, plane.MEASURED, names(runs), RawLimit(client, plane.MEASURED, writes))
            return round_of(line, system=system, number=number, server_cpu=plane.server_cpu(cluster) - used, others=others.share())
    if system == "treadle":
        async with operated() as bench:
            return await round_with(bench, TRAINING_RUNS, plane.OPERATOR, system=system, number=number, runs=runs)
    load = systems.job_sets(json.loads(writes.job)["spec"], service=system != LEAN)
    async with _peer(load, unlimited=system == LEAN) as bench:
        return await round_with(bench, load, plane.PEER, system=system, number=number, runs=runs)


@asynccontextmanager
async def operated(load: Load = TRAINING_RUNS, **connections: object) -> AsyncIterator[Bench]:
    """The operator, warmed up with this load and at rest; `connections` as its configuration has them."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            plane.control_plane(*plane.own_crds()) as cluster,
            bare_client(cluster.kubeconfig) as client,
            systems.operator(cluster, Path(folder), **connections) as process,
        ):
            yield await _warmed(Bench(cluster, client, process), load)


@asynccontextmanager
async def _peer(load: Load, *, unlimited: bool) -> AsyncIterator[Bench]:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            plane.control_plane(peers.jobset_crd()) as cluster,
            bare_client(cluster.kubeconfig) as client,
            systems.jobset(cluster, Path(folder), unlimited=unlimited) as process,
        ):
            yield await _warmed(Bench(cluster, client, process), load)


async def _warmed(bench: Bench, load: Load) -> Bench:
    await carried(bench.client, load, plane.WARM_UP, WARM)
    await bench.controller.until_rest()
    await plane.until_server_rests(bench.cluster)
    return bench


async def round_with(bench: Bench, load: Load, user: str, *, system: str, number: int, runs: int) -> Round:
    """One round of a controller that acts as `user`."""

    def ours() -> float:
        return plane.server_cpu(bench.cluster) + bench.controller.cpu()

    await Others(ours).until_calm()
    since, used, server_used = plane.log_size(bench.cluster), bench.controller.cpu(), plane.server_cpu(bench.cluster)
    others = Others(ours)
    line = await carried(bench.client, load, plane.MEASURED, names(runs))
    cpu, server_cpu, foreign = bench.controller.cpu() - used, plane.server_cpu(bench.cluster) - server_used, others.share()
    calls: Counter[str] = plane.requests(bench.cluster, user, since)
    memory = bench.controller.peak_memory()
    figures = {"requests": calls, "cpu": cpu, "server_cpu": server_cpu, "memory": memory, "others": foreign}
    return round_of(line, system=system, number=number, **figures)
