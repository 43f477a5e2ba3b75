"""The same with tracking on: a real MLflow, whose requests are counted by its own access log."""

import re
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.bench import control_plane as plane
from tests.bench.results import Throughput, keep, machine, read
from tests.bench.systems import TRAINING_RUNS
from tests.bench.throughput import operated, round_with
from tests.integration.servers import mlflow_server

RUNS = 100
NAME = "tracking"
TRACKED = "treadle-tracked"


async def tracking(rounds: int, *, resume: bool, tell: Callable[[str], None]) -> Throughput:
    """Measure, each round with a fresh MLflow; with `resume` what is kept already is not measured again."""
    figures = (read(NAME, Throughput) if resume else None) or Throughput(machine=machine(), runs=RUNS)
    for number in range(len(figures.rounds), rounds):
        with tempfile.TemporaryDirectory() as folder, mlflow_server(Path(folder)) as url:
            load = TRAINING_RUNS.with_spec(tracking={"type": "MLflow", "experiment": "bench"})
            async with operated(load, mlflow={"default": {"url": url, "shared": True}}) as bench:
                log, since = Path(folder) / "log", (Path(folder) / "log").stat().st_size
                it = await round_with(bench, load, plane.OPERATOR, system=TRACKED, number=number, runs=RUNS)
                await bench.controller.until_rest()
                it = it.model_copy(update={"outside": dict(answered(log, since)), "others": 0.0})  # MLflow is no stranger, nor is its CPU known
        tell(f"{RUNS} tracked runs, round {number + 1}: {it.created_per_second:.0f} created/s, {it.finished_per_second:.0f} finished/s")
        figures = figures.model_copy(update={"rounds": (*figures.rounds, it)})
        keep(NAME, figures)
    return figures


def answered(log: Path, since: int) -> Counter[str]:
    """What MLflow answered since its log had that size, as `METHOD path`."""
    lines = log.read_bytes()[since:].decode(errors="replace")
    return Counter(
        f"{method} {path}" for method, path in re.findall(r'"(GET|POST|PATCH|DELETE) /(?:ajax-)?api/2\.0/mlflow/([^ ?]+)[^"]*" \d+', lines)
    )
