"""The page's sections, each from the figures of one part."""

from collections.abc import Callable, Sequence
from statistics import median

from tests.bench.control_plane import writes
from tests.bench.figures import Target, created, finished, line_through, per_object, ratios, requests, spread, table
from tests.bench.results import Nodes, Presence, Round, Throughput, Wait
from tests.bench.throughput import LEAN, SYSTEMS

TITLES = {"raw": "raw limit", "treadle": "Treadle", "jobset": "JobSet", LEAN: "JobSet, lean"}


def present_systems(figures: Throughput) -> list[str]:
    """Those that were measured, in their order."""
    return [system for system in (*SYSTEMS, LEAN) if figures.of(system)]


def throughput_targets(figures: Throughput) -> list[Target]:
    """Against JobSet and the raw limit."""
    ours, found = figures.of("treadle"), []
    for measure, figure, least, stretch in (("Jobs created/s", created, 1.5, 2.0), ("objects finished/s", finished, 2.0, 2.5)):
        if compared := ratios(ours, figures.of("jobset"), figure):
            found.append(_ratio(f"{measure} vs JobSet, N = {figures.runs:,}", least, stretch, compared, " x"))
    for measure, figure in (("created", created), ("finished", finished)):
        if compared := ratios(ours, figures.of("raw"), figure):
            found.append(_ratio(f"share of the raw limit, {measure}, N = {figures.runs:,}", 0.6, 0.8, compared, ""))
    count = per_object(ours, lambda it: writes(it.requests))
    return [*found, Target(f"API writes per run (Events apart), N = {figures.runs:,}", "≤ 3", f"{count:.2f}", count <= 3)]


def presence_targets(figures: Presence) -> list[Target]:
    """Of what finished runs cost."""
    none, most = figures.steps[0], figures.steps[-1]
    slope, _, explained = _growth(figures)
    ratio, straight = most.latency / none.latency, explained >= 0.98
    return [
        Target(f"changing calls at restart with {most.present:,} runs", "0", str(most.calls), most.calls == 0),
        Target(f"one new run with {most.present:,} finished present vs none", "≤ 1.2 x", f"{ratio:.2f} x", ratio <= 1.2),
        Target(
            f"most memory with {most.present:,} runs and their Jobs",
            "≤ 350 MiB, linear",
            f"{most.peak:.0f} MiB; {slope:.1f} MiB per 1,000 (R² {explained:.3f})",
            most.peak <= 350 and straight,
        ),
    ]


def lives_targets(figures: Nodes) -> list[Target]:
    """Of whole lives."""
    count = writes(figures.round.requests) / figures.runs
    waited = f"{figures.whole.median:.0f} s each"
    return [Target(f"API writes per whole life on nodes ({figures.runs:,} at once, {waited})", "≤ 3", f"{count:.2f}", count <= 3)]


def throughput(figures: Throughput) -> str:
    """Rates and waits, a row per system."""
    rows = []
    for system in present_systems(figures):
        rounds = figures.of(system)
        rows.append(
            (
                TITLES[system],
                spread(map(created, rounds)),
                spread(map(finished, rounds)),
                _waits([it.until_created for it in rounds]),
                _waits([it.until_finished for it in rounds]),
            )
        )
    head = ("", "Jobs created/s", "objects finished/s", "applied → Job seen, p50 / p95", "Job complete → finished, p50 / p95")
    ours = figures.of("treadle")
    lines = [
        f"Treadle is {spread(ratios(ours, figures.of(system), created), '.2f')} times {TITLES[system]} in Jobs created/s and "
        f"{spread(ratios(ours, figures.of(system), finished), '.2f')} times in objects finished/s, compared round by round."
        for system in present_systems(figures)
        if system != "treadle" and ours
    ]
    told = f"Medians (least to most) of {_so_many(len(ours))}. {_disturbance(figures.rounds)}"
    return f"{told}\n\n{table(head, rows)}\n\n" + "\n".join(f"- {line}" for line in lines)


def costs(figures: Throughput) -> str:
    """CPU, memory and requests per object."""
    systems = present_systems(figures)
    head = ("per object", *(TITLES[system] for system in systems))
    rows = [
        ("CPU of the controller", *(_cpu(figures.of(system), lambda it: it.cpu) for system in systems)),
        ("CPU of API server and etcd", *(_cpu(figures.of(system), lambda it: it.server_cpu) for system in systems)),
        (
            "CPU of the controller per round",
            *(f"{median(it.cpu for it in figures.of(system)):.1f} s" if system != "raw" else "" for system in systems),
        ),
        ("most memory", *(f"{median(it.memory for it in figures.of(system)):.0f} MiB" if system != "raw" else "" for system in systems)),
    ]
    asked = {system: requests(figures.of(system)) for system in systems}
    for name in sorted({name for counts in asked.values() for name in counts}):
        rows.append((f"`{name}`", *(f"{asked[system][name]:.2f}" if name in asked[system] else "" for system in systems)))
    written = [f"**{per_object(figures.of(it), lambda r: writes(r.requests)):.2f}**" if it != "raw" else "**2.00**" for it in systems]
    return table(head, [*rows, ("**writes, Events and leases apart**", *written)])


def tracked(figures: Throughput) -> str:
    """What MLflow is asked for, and how fast that goes."""
    rounds = figures.rounds
    asked = requests(rounds, lambda it: it.outside)
    rows = [(f"`{name}`", f"{count:.2f}") for name, count in asked.items()]
    return (
        f"{figures.runs} runs, one MLflow (SQLite, one worker, on the same cores), {_so_many(len(rounds))}: "
        f"{spread(map(created, rounds), '.1f')} Jobs created/s, {spread(map(finished, rounds), '.1f')} runs finished/s; "
        f"{per_object(rounds, lambda it: writes(it.requests)):.2f} API writes and "
        f"{1000 * per_object(rounds, lambda it: it.cpu):.1f} ms of the operator's CPU per run.\n"
        f"A Job is made only once its tracking run exists, so MLflow sets the pace: per run it answers {sum(asked.values()):.1f} requests.\n\n"
        + table(("MLflow answered", "per run"), rows)
    )


def presence(figures: Presence) -> str:
    """A row per number of finished runs."""
    none = figures.steps[0]
    rows = [
        (
            f"{it.present:,}",
            f"{1000 * it.latency:.0f} ms ({it.latency / none.latency:.2f} x)",
            f"{it.rest:.1f} s",
            f"{it.cpu:.1f} s",
            str(it.calls),
            f"{it.peak:.0f} MiB",
            f"{it.memory:.0f} MiB",
            f"{it.others:.0%}",
        )
        for it in figures.steps
    ]
    head = ("finished runs present", "one new run", "restart: until it rests", "its CPU", "changing calls", "most memory", "memory at rest", "others")
    slope, height, explained = _growth(figures)
    singles = len(none.single)
    return (
        f"The operator is started anew at each step; then {singles} single runs are applied one after the other. *One new run*: median of the time "
        "from `apply` to its Job and from the end of the Job to its own. *Others*: what they used of the machine meanwhile.\n\n"
        + table(head, rows)
        + f"\n\nMost memory grows by {slope:.1f} MiB per 1,000 finished runs with their Jobs, from {height:.0f} MiB (R² {explained:.3f}); the first "
        "page of a LIST costs more than what is kept of it, so that the line begins above an operator with nothing to read."
    )


def lives(figures: Nodes) -> str:
    """From `apply` to the end, with real Job controller, scheduler and pods."""
    it = figures.round
    writers = "\n".join(f"- {name}: {count / figures.runs:.1f}" for name, count in sorted(figures.written.items(), key=lambda pair: -pair[1]))
    return (
        f"{figures.runs:,} runs, {figures.nodes} nodes played by kwok (pods succeed at once, and keep the time of their start), real controller "
        "manager and scheduler: all Jobs "
        f"created after {it.created[-1]:.0f} s ({it.created_per_second:.0f}/s), all runs finished after {it.finished[-1]:.0f} s "
        f"({it.finished_per_second:.0f}/s); {figures.pods:,} pods succeeded. One run, from `apply` to its end: {figures.whole.median:.1f} s in the "
        f"median, {figures.whole.p95:.1f} s at p95; from the end of its Job to its own {it.until_finished.median:.2f} s and "
        f"{it.until_finished.p95:.2f} s. The operator made {writes(it.requests) / figures.runs:.2f} writes per run, used "
        f"{1000 * it.cpu / figures.runs:.1f} ms of CPU per run and {it.memory:.0f} MiB at most.\n\n"
        f"Writes per run in the namespace, Events included, by who made them:\n\n{writers}"
    )


def _disturbance(rounds: Sequence[Round]) -> str:
    again = sum(it.tries > 1 for it in rounds)
    others = spread([100 * it.others for it in rounds])
    return f"Of the machine, processes that have nothing to do with it used {others} %; {again} of {len(rounds)} rounds were taken anew for that."


def _so_many(rounds: int) -> str:
    return "one round" if rounds == 1 else f"{rounds} rounds"


def _growth(figures: Presence) -> tuple[float, float, float]:
    """Of the most memory per 1,000 finished runs, where there are any: reading the first page of a LIST has a price of its own."""
    return line_through([(it.present / 1_000, it.peak) for it in figures.steps if it.present])


def _waits(waits: Sequence[Wait]) -> str:
    return " / ".join(f"{median(getattr(it, which) for it in waits):.2f} s" for which in ("median", "p95"))


def _cpu(rounds: Sequence[Round], seconds: Callable[[Round], float]) -> str:
    used = per_object(rounds, seconds)
    return f"{1000 * used:.1f} ms" if used else ""


def _ratio(measure: str, least: float, stretch: float, compared: Sequence[float], unit: str) -> Target:
    reached = median(compared)
    wanted = f"≥ {least:g}{unit} (stretch {stretch:g}{unit})"
    return Target(measure, wanted, f"{spread(compared, '.2f')}{unit}", reached >= least, reached >= stretch)
