"""What keeps Treadle from more, in sentences whose figures are those of the rounds."""

from collections.abc import Sequence
from statistics import median

from tests.bench import sections
from tests.bench.control_plane import writes
from tests.bench.figures import Target, per_object
from tests.bench.results import Nodes, Round, Throughput
from treadle.training.watch import BUSY_PATIENCE, COUNTING, PATIENCE


def in_the_way(throughputs: Sequence[Throughput], lives: Nodes | None) -> str:
    """Why the operator is no faster, and for each target or stretch that is missed what it is missed by."""
    parts = [_costs(it) for it in throughputs[:1] if it.of("raw") and it.of("treadle")]
    parts += [_missed(it) for it in throughputs]
    parts += [_lives(lives)] if lives else []
    return "\n\n".join(parts)


def _costs(figures: Throughput) -> str:
    raw, ours = figures.of("raw"), figures.of("treadle")
    necessary, server, own = (1000 * per_object(rounds, used) for rounds, used in ((raw, _server), (ours, _server), (ours, lambda it: it.cpu)))
    return (
        f"Everybody waits for the CPU of the API server and etcd, which share {figures.machine.cores} cores with the controller, the load and the "
        f"kubelet that is played: the writes that cannot be spared cost them {necessary:.1f} ms per run, all that Treadle does {server:.1f} ms, and "
        f"the operator itself uses {own:.1f} ms. What is more than the raw limit's is spent on a live read before each launch (it makes a late "
        "create of a deposed operator harmless), on watches, on Events, and on deciding in Python."
    )


def _missed(figures: Throughput) -> str:
    missed = [it for it in sections.throughput_targets(figures) if not it.met or it.stretched is False]
    lines = [f"- {it.measure}: {it.found}, wanted {it.wanted}. {_why(it, figures)}".rstrip() for it in missed]
    told = "\n".join(lines)
    return f"At N = {figures.runs:,} these are missed:\n\n{told}" if lines else f"At N = {figures.runs:,} every target is met, and every stretch."


def _why(missed: Target, figures: Throughput) -> str:
    raw, ours = figures.of("raw"), figures.of("treadle")
    if "share" not in missed.measure or not raw or not ours:
        return ""
    if "created" in missed.measure:
        return (
            "With as many calls at a time the raw limit makes a Job with one call and Treadle with two, each of which waits in line with those of "
            f"the load and the kubelet: a Job is seen {_waited(ours):.2f} s after its run was applied, with the raw limit after {_waited(raw):.2f} s."
        )
    return "Both have then done the same work, so that only what a run costs besides its writes makes the difference."


def _lives(figures: Nodes) -> str:
    it = figures.round
    written, told = writes(it.requests) / figures.runs, it.requests.get("patch trainingruns/status", 0) / figures.runs
    return (
        f"A whole life takes {written:.2f} writes: the Job, and {told:.2f} of its status. Three are enough for a run whose pod starts within "
        f"{PATIENCE.seconds} s, or whose Job the Job controller takes up within {BUSY_PATIENCE.seconds} s. Where thousands of runs are applied at "
        "once some wait longer, which is told in `status` with its reason: a write that people ask for. A run whose pod is over is not told to be "
        f"running any more, when its Job ends within {COUNTING.seconds} s."
    )


def _server(it: Round) -> float:
    return it.server_cpu


def _waited(rounds: Sequence[Round]) -> float:
    return median(it.until_created.median for it in rounds)
