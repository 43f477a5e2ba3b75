"""docs/performance.md and its plots, made from what was kept: targets first, then every figure, then what stands in the way."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.bench import nodes, obstacles, peers, presence, sections, tracking, words
from tests.bench.figures import Target, table
from tests.bench.plot import Series, chart
from tests.bench.processes import CALM
from tests.bench.results import Machine, Nodes, Presence, Throughput, read
from tests.bench.throughput import TRIES

DOCS = Path(__file__).parents[2] / "docs"
SIZES = (500, 2_000)
WHOLE = 3
"""Steps of the part with finished runs, at least."""


def write(docs: Path = DOCS) -> Path:
    """Replace the page in `docs` by what the kept figures say; returns where it is.

    Raises:
        AssertionError: nothing was measured yet.
    """
    throughputs = [it for runs in SIZES if (it := read(f"throughput-{runs}", Throughput)) and it.of("treadle")]
    tracked, present, lives = read(tracking.NAME, Throughput), read(presence.NAME, Presence), read(nodes.NAME, Nodes)
    if present and len(present.steps) < WHOLE:
        present = None  # it was cut short: no line goes through so few points
    assert throughputs or tracked or present or lives, "measure something first"
    parts = [words.INTRODUCTION]
    targets = [target for it in throughputs for target in sections.throughput_targets(it)]
    targets += sections.presence_targets(present) if present else []
    targets += sections.lives_targets(lives) if lives else []
    measured = [it.machine for it in (*throughputs, tracked, present, lives) if it]
    parts += ["## Targets", _targets(targets), words.TARGETS]
    most = max((it.others for figures in throughputs for it in figures.rounds), default=0.0)
    if most > CALM:
        parts.append(words.DISTURBED.format(most=100 * most))
    for it in throughputs:
        parts += [f"## {it.runs:,} runs at once, tracking off", sections.throughput(it)]
    if throughputs:
        told = words.of_systems({system for it in throughputs for system in sections.present_systems(it)})
        parts += ["![Runs finished over time](performance-throughput.svg)", told, "## What one object costs", sections.costs(throughputs[0])]
        (docs / "performance-throughput.svg").write_text(_over_time(throughputs[-1]))
    if tracked:
        parts += ["## With tracking on", sections.tracked(tracked)]
    if present:
        parts += ["## With thousands of finished runs", sections.presence(present), "![Memory](performance-memory.svg)"]
        (docs / "performance-memory.svg").write_text(_memory(present))
    if lives:
        parts += ["## Whole lives on nodes", sections.lives(lives)]
    parts += [
        "## What stands in the way",
        obstacles.in_the_way(throughputs, lives),
        "## How it was measured",
        words.METHOD.format(calm=100 * CALM, tries=TRIES),
        _machine(measured),
    ]
    page = docs / "performance.md"
    page.write_text("\n\n".join(part.strip() for part in parts) + "\n")
    return page


def _targets(targets: Sequence[Target]) -> str:
    return table(("measure", "target", "measured", "met"), [(it.measure, it.wanted, it.found, it.verdict) for it in targets])


def _over_time(figures: Throughput) -> str:
    """The round in the middle of each system: how many had finished when."""
    lines = []
    for system in sections.present_systems(figures):
        rounds = sorted(figures.of(system), key=lambda it: it.finished_per_second)
        moments = rounds[len(rounds) // 2].finished
        every = max(1, len(moments) // 100)
        lines.append(
            Series(sections.TITLES[system], [(0, 0), *((moment, number + 1) for number, moment in enumerate(moments) if not number % every)])
        )
    return chart(f"{figures.runs:,} objects applied at once: finished over time", "seconds", "finished", lines)


def _memory(figures: Presence) -> str:
    at = [(it.present, it) for it in figures.steps]
    lines = [Series("most, at restart", [(x, it.peak) for x, it in at]), Series("at rest", [(x, it.memory) for x, it in at])]
    return chart("Memory with finished runs and their Jobs present", "finished runs present", "MiB", lines, dots=True)


def _machine(measured: Sequence[Machine]) -> str:
    one = measured[0]
    loads = [it.load for it in measured]
    rows = [
        ("machine", f"{one.processor}, {one.cores} cores, {one.memory} GiB, Linux {one.kernel.partition('-')[0]}"),
        ("load average before the parts", f"{min(loads):.1f} to {max(loads):.1f}, median {median(loads):.1f}"),
        ("Kubernetes", f"{one.kubernetes}, etcd without fsync, audit log at level Metadata"),
        ("Treadle", f"commit {', '.join(sorted({it.commit for it in measured}))}; Python {one.python}"),
        ("JobSet", peers.version(peers.JOBSET, peers.JOBSET_MODULE)),
        ("kwok", peers.version(peers.KWOK, peers.KWOK_MODULE)),
    ]
    return table(("", ""), rows)
