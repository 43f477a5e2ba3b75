"""Rows as columns of text."""

from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]], widest: int | None = None) -> list[str]:
    """Lines with all columns aligned; the first row is the head. Cells of more than `widest` characters are cut."""
    cut = [[cell if widest is None or len(cell) <= widest else cell[: widest - 1] + "…" for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cut, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cut]
