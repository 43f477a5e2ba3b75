"""Pictures of numbers as inline SVG or tables: curves, bars, a matrix of counts, a heat map. Colours come from the page's style, light or dark."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 320, 170
LEFT, RIGHT, TOP, BOTTOM = 54, 10, 8, 22
POINTS_LIMIT = 400
CELLS_LIMIT = 30
"""A matrix with more labels than this is told as its largest confusions instead."""

NEAR = 0.05
"""Shares that are no farther apart are all alike: none of them stands out."""

Point = tuple[float, float]
"""Step and value."""


def curve(name: str, points: Sequence[Point]) -> str:
    """A metric over its steps: three lines across, first and last step below, the last value told."""
    shown = thinned([point for point in points if math.isfinite(point[1])])
    if len(shown) < 2:
        return ""
    steps, values = [step for step, _ in shown], [value for _, value in shown]
    low, high = _rounded_range(min(values), max(values))
    across = (WIDTH - LEFT - RIGHT) / ((steps[-1] - steps[0]) or 1)
    up = (HEIGHT - TOP - BOTTOM) / (high - low)
    places = [(LEFT + (step - steps[0]) * across, HEIGHT - BOTTOM - (value - low) * up) for step, value in shown]
    grid = "".join(_line_across(low + share * (high - low), HEIGHT - BOTTOM - share * (high - low) * up) for share in (0, 0.5, 1))
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    x, y = places[-1]
    ends = (
        f'<text x="{LEFT}" y="{HEIGHT - 6}" class="tick">{_number(steps[0])}</text>'
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" class="tick" text-anchor="end">step {_number(steps[-1])}</text>'
    )
    title = f"{name}: {_number(values[0])} at step {_number(steps[0])}, {_number(values[-1])} at step {_number(steps[-1])}"
    return (
        f"<figure><figcaption><span>{escape(name)}</span> <b>{_number(values[-1])}</b></figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>{grid}{ends}'
        f'<polyline points="{path}" class="curve"/><circle cx="{x:.1f}" cy="{y:.1f}" r="3" class="dot"/></svg></figure>'
    )


OF_A_MODEL = "Rows: truth. Columns: the model's answer."


def matrix(labels: Sequence[str], counts: Sequence[Sequence[int]], caption: str = OF_A_MODEL) -> str:
    """How often each truth (row) was answered by each label (column), darker for a larger share of the row."""
    if len(labels) > CELLS_LIMIT:
        return _largest_confusions(labels, counts)
    head = "".join(f"<th scope=col>{escape(label)}</th>" for label in labels)
    rows = []
    for place, (label, row) in enumerate(zip(labels, counts, strict=True)):
        total = sum(row) or 1
        cells = "".join(
            f'<td class="{"right" if column == place else "wrong"}" style="--share:{count / total:.2f}" '
            f'title="{escape(label)} answered as {escape(labels[column])}: {count}">{count or ""}</td>'
            for column, count in enumerate(row)
        )
        rows.append(f"<tr><th scope=row>{escape(label)}</th>{cells}</tr>")
    return (
        f'<div class="scroll"><table class="matrix"><caption>{escape(caption)}</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


@dataclass(frozen=True)
class Cell:
    """Of a heat map: a share from 0 to 1, and what it means in words."""

    share: float
    told: str


def heat_map(names: Sequence[str], cells: Mapping[tuple[str, str], Cell], caption: str) -> str:
    """How close each two are, darker for closer, the lowest in the colour of errors; nothing where nothing is known of two."""
    low, high = min(cell.share for cell in cells.values()), max(cell.share for cell in cells.values())
    apart = high - low > NEAR
    rows = []
    for row in names:
        tds = []
        for column in names:
            cell = cells.get((row, column))
            if cell is None:
                tds.append("<td></td>")
                continue
            kind = "wrong" if apart and cell.share - low < (high - low) / 4 else "right"
            tds.append(f'<td class="{kind}" style="--share:{cell.share:.2f}" title="{escape(cell.told)}">{cell.share:.2f}</td>')
        rows.append(f"<tr><th scope=row>{escape(row)}</th>{''.join(tds)}</tr>")
    head = "".join(f"<th scope=col>{escape(name)}</th>" for name in names)
    return (
        f'<div class="scroll"><table class="matrix"><caption>{escape(caption)}</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def bars(rows: Sequence[tuple[str, Sequence[tuple[str, int]], Sequence[str]]], parts: Sequence[str]) -> str:
    """A bar per row, the longest across all the width, of parts that have a colour each; and what its numbers are, in words."""
    most = max((sum(count for _, count in found) for _, found, _ in rows), default=0) or 1
    key = "".join(f'<span><i class="part{place}"></i>{escape(part)}</span>' for place, part in enumerate(parts))
    lines = []
    for name, found, told in rows:
        pieces = "".join(
            f'<i class="part{parts.index(part)}" style="width:{100 * count / most:.2f}%" title="{escape(name)}, {escape(part)}: {count}"></i>'
            for part, count in found
            if count
        )
        numbers = "".join(f'<td class="number">{escape(word)}</td>' for word in told)
        lines.append(f'<tr><th scope=row>{escape(name)}</th><td class="bar">{pieces}</td>{numbers}</tr>')
    return f'<p class="key">{key}</p><div class="scroll"><table class="bars"><tbody>{"".join(lines)}</tbody></table></div>'


def _largest_confusions(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    found = [
        (count, labels[truth], labels[answer]) for truth, row in enumerate(counts) for answer, count in enumerate(row) if truth != answer and count
    ]
    rows = "".join(
        f"<tr><td>{escape(truth)}</td><td>{escape(answer)}</td><td class=number>{count}</td></tr>"
        for count, truth, answer in sorted(found, key=lambda one: (-one[0], one[1], one[2]))[:CELLS_LIMIT]
    )
    return (
        f"<p>{len(labels)} labels; the largest confusions:</p><table><thead><tr><th>truth</th><th>answer</th><th class=number>items</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def thinned(points: Sequence[Point]) -> list[Point]:
    """At most `POINTS_LIMIT` points in the order of their steps, the first and the last among them; of one step the last counts."""
    ordered = sorted(dict(points).items())
    if len(ordered) <= POINTS_LIMIT:
        return ordered
    stride = (len(ordered) - 1) / (POINTS_LIMIT - 1)
    return [ordered[round(place * stride)] for place in range(POINTS_LIMIT)]


def _line_across(value: float, y: float) -> str:
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
        f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class="tick" text-anchor="end">{_number(value)}</text>'
    )


def _rounded_range(low: float, high: float) -> tuple[float, float]:
    """A little more than the values need, ending at round numbers."""
    if low == high:
        near = abs(low) / 2 or 1.0
        return low - near, high + near
    unit = 10.0 ** math.floor(math.log10(high - low)) / 2
    return math.floor(low / unit) * unit, math.ceil(high / unit) * unit


def _number(value: float) -> str:
    return f"{value:.4g}" if value == 0 or 1e-3 <= abs(value) < 1e5 else f"{value:.3g}"
