"""A line chart as SVG: a title, two axes that begin at 0, and a line per series with its name at the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 40, 48
COLOURS = ("#1b6ca8", "#7a7a7a", "#c8553d", "#5b8c5a", "#8e5ea2")


@dataclass(frozen=True)
class Series:
    """One line: its name and its points."""

    name: str
    points: Sequence[tuple[float, float]]


def chart(title: str, across: str, up: str, series: Sequence[Series], *, dots: bool = False) -> str:
    """The chart; `across` and `up` name the axes, `dots` marks the points."""
    widest = max(x for line in series for x, _ in line.points)
    highest = max(y for line in series for _, y in line.points) * 1.05

    def place(x: float, y: float) -> str:
        return f"{LEFT + x / widest * (WIDTH - LEFT - RIGHT):.1f},{HEIGHT - BOTTOM - y / highest * (HEIGHT - TOP - BOTTOM):.1f}"

    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{escape(across)}</text>',
        f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">{escape(up)}</text>',
    ]
    for value in _ticks(highest):
        start, end = place(0, value), place(widest, value)
        x, y = start.split(",")
        parts.append(f'<polyline points="{start} {end}" stroke="#e2e2e2" fill="none"/>')
        parts.append(f'<text x="{float(x) - 6:.1f}" y="{float(y) + 4:.1f}" text-anchor="end">{value:,g}</text>')
    for value in _ticks(widest):
        x, y = place(value, 0).split(",")
        parts.append(f'<text x="{x}" y="{float(y) + 16:.1f}" text-anchor="middle">{value:,g}</text>')
    for number, line in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        parts.append(f'<polyline points="{" ".join(place(*point) for point in line.points)}" stroke="{colour}" stroke-width="2" fill="none"/>')
        if dots:
            parts.extend(f'<circle cx="{at[0]}" cy="{at[1]}" r="3" fill="{colour}"/>' for at in (place(*point).split(",") for point in line.points))
        parts.append(f'<text x="{WIDTH - RIGHT + 14}" y="{TOP + 18 * (number + 1)}" fill="{colour}">{escape(line.name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _ticks(highest: float) -> list[float]:
    """Four to nine round numbers up to `highest`."""
    rough = highest / 5
    unit = 10 ** floor(log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    return [step * number for number in range(int(highest / step) + 1)]
