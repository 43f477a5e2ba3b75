"""From rounds to what people read: medians with their spread, ratios of rounds that were taken side by side, tables."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import correlation, linear_regression, median

from tests.bench.results import Round

Figure = Callable[[Round], float]


@dataclass(frozen=True)
class Target:
    """One line of the table of targets.

    Attributes:
        measure: what is measured.
        wanted: the target in words.
        found: what was measured, in words.
        met: whether it is met.
        stretched: whether more is reached than must be; None where nothing more is wanted.
    """

    measure: str
    wanted: str
    found: str
    met: bool
    stretched: bool | None = None

    @property
    def verdict(self) -> str:
        """In a word or two."""
        if not self.met:
            return "**no**"
        return {None: "yes", True: "yes, stretch too", False: "yes, not the stretch"}[self.stretched]


def created(it: Round) -> float:
    """Jobs created per second."""
    return it.created_per_second


def finished(it: Round) -> float:
    """Objects finished per second."""
    return it.finished_per_second


def ratios(ours: Sequence[Round], theirs: Sequence[Round], figure: Figure) -> list[float]:
    """Ours through theirs, round by round: what disturbs the machine for minutes disturbs both."""
    by_number = {it.number: it for it in theirs}
    return [figure(it) / figure(by_number[it.number]) for it in ours if it.number in by_number]


def spread(figures: Iterable[float], form: str = ".0f") -> str:
    """`median (least to most)`."""
    found = sorted(figures)
    return f"{median(found):{form}} ({found[0]:{form}} to {found[-1]:{form}})"


def per_object(rounds: Sequence[Round], count: Callable[[Round], float]) -> float:
    """The median over rounds of a count per object."""
    return median(count(it) / len(it.finished) for it in rounds)


def requests(rounds: Sequence[Round], of: Callable[[Round], Mapping[str, int]] = lambda it: it.requests) -> dict[str, float]:
    """Requests per object by `verb resource`, those apart that are not made for single objects."""
    names = sorted({name for it in rounds for name in of(it)})
    counted = {name: per_object(rounds, lambda it, name=name: of(it).get(name, 0)) for name in names}  # type: ignore[misc]
    return {name: count for name, count in counted.items() if count >= 0.01 and not name.endswith(" leases") and not name.startswith("watch ")}


def line_through(points: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Slope, height at 0, and how much of the variance the line explains (1 is a line)."""
    across, up = zip(*points, strict=True)
    slope, height = linear_regression(across, up)
    return slope, height, correlation(across, up) ** 2


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """As Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
