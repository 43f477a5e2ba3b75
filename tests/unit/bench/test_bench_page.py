"""The page of the benchmark tells what was measured, and where a target is missed."""

from pathlib import Path

import pytest
import yaml

from tests.bench import page, results, sections, words
from tests.bench.figures import Target
from tests.bench.results import Machine, Presence, Present, Round, Throughput, Wait

MACHINE = Machine(processor="some processor", cores=2, memory=8, kernel="6.1", python="3.11", kubernetes="v1.34.4", load=0.5)


def a_round(system: str, number: int, *, seconds: float, calls: int = 2) -> Round:
    """100 objects whose Jobs were created, and which finished, evenly until `seconds`."""
    moments = tuple(seconds * (it + 1) / 100 for it in range(100))
    wait = Wait(median=0.1, p95=0.2)
    requests = {"create jobs": 100, "patch trainingruns/status": 100 * (calls - 1), "create events": 500, "update leases": 3, "watch jobs": 1}
    return Round(
        system=system, number=number, created=moments, finished=moments, until_created=wait, until_finished=wait, requests=requests, cpu=1, memory=90
    )


def a_step(present: int, *, peak: float, single: float, calls: int = 0) -> Present:
    return Present(present=present, rest=3, calls=calls, peak=peak, memory=peak, cpu=1, single=(single,) * 5, afterwards=peak)


def met(targets: list[Target]) -> dict[str, bool]:
    return {target.measure.partition(", N")[0]: target.met for target in targets}


def test_ratios_are_taken_round_by_round_and_their_median_decides() -> None:
    rounds = [a_round("treadle", number, seconds=1) for number in range(3)]
    peers = [a_round("jobset", number, seconds=seconds) for number, seconds in enumerate((2.5, 1.4, 1.7))]
    targets = sections.throughput_targets(Throughput(machine=MACHINE, runs=100, rounds=(*rounds, *peers)))
    assert met(targets) == {"Jobs created/s vs JobSet": True, "objects finished/s vs JobSet": False, "API writes per run (Events apart)": True}
    assert targets[0].found == "1.70 (1.40 to 2.50) x"


def test_writes_are_counted_without_events_leases_and_watches() -> None:
    figures = Throughput(machine=MACHINE, runs=100, rounds=(a_round("treadle", 0, seconds=1, calls=4),))
    (target,) = sections.throughput_targets(figures)
    assert (target.found, target.met) == ("4.00", False)


def test_memory_must_be_small_and_grow_in_a_line() -> None:
    line = Presence(machine=MACHINE, steps=tuple(a_step(present, peak=80 + present / 100, single=0.03) for present in (0, 2_000, 5_000, 10_000)))
    assert list(met(sections.presence_targets(line)).values()) == [True, True, True]
    crooked = Presence(
        machine=MACHINE,
        steps=tuple(
            a_step(present, peak=peak, single=0.02 + present / 500_000, calls=1)
            for present, peak in ((0, 80), (2_000, 81), (5_000, 82), (10_000, 300))
        ),
    )
    assert list(met(sections.presence_targets(crooked)).values()) == [False, False, False]


def test_the_page_describes_the_systems_that_were_measured_and_no_other() -> None:
    assert set(words.SYSTEMS) == set(sections.TITLES)
    told = words.of_systems({"raw", "treadle", "jobset"})
    assert [line.partition("*:")[0] for line in told.splitlines() if line.startswith("- *")] == ["- *Treadle", "- *Raw limit", "- *JobSet"]
    assert "JobSet" not in words.of_systems({"treadle"})


def measured_memory() -> dict[int, float]:
    """MiB by finished runs, as the page has it."""
    section = (page.DOCS / "performance.md").read_text().partition("## With thousands of finished runs")[2].partition("\n## ")[0]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")]
    return {int(row[0].replace(",", "")): float(row[head.index("most memory")].removesuffix(" MiB")) for row in rows}


def test_what_an_operator_is_given_by_default_is_enough_for_what_was_measured() -> None:
    """As `docs/operations.md` says of ten thousand ended runs."""
    requested = yaml.safe_load((page.DOCS.parent / "charts/treadle/values.yaml").read_text())["resources"]["requests"]["memory"]
    assert measured_memory()[10_000] <= float(requested.removesuffix("Mi"))


def test_the_page_is_made_of_whatever_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path / "kept")
    with pytest.raises(AssertionError, match="measure something first"):
        page.write(tmp_path)
    rounds = tuple(a_round(system, 0, seconds=1) for system in ("raw", "treadle", "jobset"))
    results.keep("throughput-500", Throughput(machine=MACHINE, runs=500, rounds=rounds))
    text = page.write(tmp_path).read_text()
    assert "| Jobs created/s vs JobSet, N = 500 | ≥ 1.5 x (stretch 2 x) | 1.00 (1.00 to 1.00) x | **no** |" in text
    assert "| `create jobs` |" in text
    assert "At N = 500 these are missed:\n\n- Jobs created/s vs JobSet, N = 500: 1.00 (1.00 to 1.00) x" in text
    assert (tmp_path / "performance-throughput.svg").read_text().startswith("<svg")
    steps = tuple(a_step(present, peak=80 + present / 100, single=0.03) for present in (0, 2_000, 5_000))
    results.keep("presence", Presence(machine=MACHINE, steps=steps))
    assert "## With thousands of finished runs" in page.write(tmp_path).read_text()
