"""`make bench-learning`: what active learning saves, and which wrong labels are found; writes docs/evidence/learning.md.

`python -m tests.bench.learning [digits] [mnist] [labels]` does only these parts; the page keeps what it said of the others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

from tests.bench.active_learning import Compared, Data, compare, digits, drawn, mnist
from tests.bench.flipped_labels import SHARE, Found, searched

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "evidence" / "learning.md"
SEEDS, SEEDS_OF_LABELS = 10, 20
HALF, PRECISION, RECALL = 0.5, 0.7, 0.8
"""The bounds: the share of labels that active learning may need, and how many wrong labels are to be found how surely."""
HEAD = """# What labels teach

Written by `make bench-learning`: the functions of the rank and quality Jobs on data that ship in packages. \
All numbers are reproducible: seeds 0, 1, 2 and so on.

"""


def active_learning(data: Data) -> str:
    """Compare, draw, and tell."""
    found = compare(data, SEEDS)
    picture = f"active-learning-{data.name}.svg"
    (DOCS / picture).write_text(drawn(data, found))
    goal = found["Random"].curve[-1][1]
    rows = [f"| {name} | {_share(each.ratio)} | {_range(each.ratios)} | {_verdict(each)} |" for name, each in found.items() if name != "Random"]
    return f"""## Active learning: {data.name}

{len(data.items):,} items, {data.held_out} of them held out; {data.start} labels at random, then {data.batch} at a time by the strategy, \
a logistic regression after each batch. How many labels
does it need to be as accurate as {data.budget:,} labels at random (median accuracy {goal:.3f})? Share of the {data.budget:,}, \
over {SEEDS} seeds; at most {HALF:.0%} is wanted of the best.

| strategy | median | least to most | bound |
|---|---|---|---|
{chr(10).join(rows)}

![wrong answers by labels](../{picture})
"""


def wrong_labels(found: Sequence[Found]) -> str:
    """Tell what was found."""
    precision, recall = median(each.precision for each in found), median(each.recall for each in found)
    verdict = "held" if precision >= PRECISION and recall >= RECALL else "MISSED"
    rows = [f"| {each.seed} | {each.precision:.3f} | {each.recall:.3f} |" for each in found]
    return f"""## Wrong labels: digits with {SHARE:.0%} of them flipped

Medians of {len(found)} seeds: precision {precision:.3f} at recall {recall:.3f}; wanted are {PRECISION} at {RECALL}: {verdict}.

| seed | precision | recall |
|---|---|---|
{chr(10).join(rows)}
"""


def _share(ratio: float) -> str:
    return f"{ratio:.0%}" if ratio != float("inf") else "never"


def _range(ratios: Sequence[float]) -> str:
    return f"{_share(min(ratios))} to {_share(max(ratios))}"


def _verdict(each: Compared) -> str:
    return "held" if each.ratio <= HALF else "more"


PARTS: Mapping[str, Callable[[], str]] = {
    "digits": lambda: active_learning(digits()),
    "mnist": lambda: active_learning(mnist()),
    "labels": lambda: wrong_labels(list(searched(SEEDS_OF_LABELS))),
}


def main(*wanted: str) -> None:
    """Do the parts, and write the page after each, so that nothing is lost when it is interrupted."""
    for name in wanted or PARTS:
        told = _kept() | {name: PARTS[name]()}
        sys.stdout.write(told[name])
        PAGE.write_text(HEAD + "\n".join(_marked(each, told[each]) for each in PARTS if each in told))


def _kept() -> dict[str, str]:
    """What the page says already, by its parts."""
    text = PAGE.read_text() if PAGE.exists() else ""
    return {name: part.partition("-->\n")[2] for part in text.split("<!-- part ")[1:] for name in [part.partition(" ")[0]]}


def _marked(name: str, part: str) -> str:
    return f"<!-- part {name} -->\n{part.strip()}\n"


if __name__ == "__main__":
    main(*sys.argv[1:])
