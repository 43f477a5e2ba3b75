"""Outlines as pixels: polygons and painted runs become masks, cut to where there is anything."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treadle.contracts.labels import ImageSize


@dataclass(frozen=True, eq=False)
class Mask:
    """Which pixels are covered: those that are set in `pixels`, whose upper left one is at `left`, `top` of the image."""

    left: int
    top: int
    pixels: NDArray[np.bool_]

    @property
    def area(self) -> int:
        """Pixels covered."""
        return int(self.pixels.sum())


EMPTY = Mask(0, 0, np.zeros((0, 0), dtype=np.bool_))


def polygon(points: Sequence[tuple[float, float]], image: ImageSize) -> Mask:
    """Pixels whose middle is inside of the polygon (even-odd rule), cut at the edges of the image."""
    xs, ys = np.array([x for x, _ in points]), np.array([y for _, y in points])
    left, top = max(int(np.floor(xs.min())), 0), max(int(np.floor(ys.min())), 0)
    right, bottom = min(int(np.ceil(xs.max())), image.width), min(int(np.ceil(ys.max())), image.height)
    if right <= left or bottom <= top:
        return EMPTY
    middles = np.arange(left, right) + 0.5
    inside = np.zeros((bottom - top, right - left), dtype=np.bool_)
    for row in range(top, bottom):
        crossings = _crossings(xs, ys, row + 0.5)
        inside[row - top] = np.searchsorted(crossings, middles) % 2 == 1
    return _cut(left, top, inside)


def painted(runs: Sequence[int], image: ImageSize) -> Mask:
    """Pixels of runs, row by row, outside first; see `Region.runs`."""
    whole = np.zeros(image.width * image.height, dtype=np.bool_)
    ends = np.cumsum(np.array(runs, dtype=np.int64))
    for start, end in zip(ends[0::2], ends[1::2], strict=False):
        whole[start:end] = True
    return _cut(0, 0, whole.reshape(image.height, image.width))


def of_column_runs(runs: Sequence[int], image: ImageSize) -> Mask:
    """Pixels of runs as `column_runs` makes them: as many as the image has."""
    inside = np.repeat(np.arange(len(runs)) % 2 == 1, np.array(runs, dtype=np.int64))
    return _cut(0, 0, inside.reshape(image.width, image.height).T)


def together(masks: Iterable[Mask], image: ImageSize) -> Mask:
    """Pixels that any of them covers."""
    whole = np.zeros((image.height, image.width), dtype=np.bool_)
    for mask in masks:
        height, width = mask.pixels.shape
        whole[mask.top : mask.top + height, mask.left : mask.left + width] |= mask.pixels
    return _cut(0, 0, whole)


def overlap(one: Mask, other: Mask) -> int:
    """Pixels that both cover."""
    left, top = max(one.left, other.left), max(one.top, other.top)
    right = min(one.left + one.pixels.shape[1], other.left + other.pixels.shape[1])
    bottom = min(one.top + one.pixels.shape[0], other.top + other.pixels.shape[0])
    if right <= left or bottom <= top:
        return 0
    here = one.pixels[top - one.top : bottom - one.top, left - one.left : right - one.left]
    there = other.pixels[top - other.top : bottom - other.top, left - other.left : right - other.left]
    return int((here & there).sum())


def column_runs(mask: Mask, image: ImageSize) -> list[int]:
    """Pixels column by column, in turns how many are outside and how many inside, outside first, to the very end: how COCO writes masks."""
    return _runs(_whole(mask, image).ravel(order="F"))


def row_runs(mask: Mask, image: ImageSize) -> list[int]:
    """Pixels row by row, without what is outside at the end: the inverse of `painted`."""
    runs = _runs(_whole(mask, image).ravel())
    return runs[: len(runs) // 2 * 2]


def _whole(mask: Mask, image: ImageSize) -> NDArray[np.bool_]:
    whole = np.zeros((image.height, image.width), dtype=np.bool_)
    height, width = mask.pixels.shape
    whole[mask.top : mask.top + height, mask.left : mask.left + width] = mask.pixels
    return whole


def _runs(pixels: NDArray[np.bool_]) -> list[int]:
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    runs: list[int] = np.diff(np.concatenate([[0], changes, [len(pixels)]])).tolist()
    return [0, *runs] if pixels[0] else runs


def _crossings(xs: NDArray[np.float64], ys: NDArray[np.float64], height: float) -> NDArray[np.float64]:
    """Where the outline crosses a horizontal line, from left to right."""
    next_xs, next_ys = np.roll(xs, -1), np.roll(ys, -1)
    crosses = (ys <= height) != (next_ys <= height)
    share = (height - ys[crosses]) / (next_ys[crosses] - ys[crosses])
    return np.sort(xs[crosses] + share * (next_xs[crosses] - xs[crosses]))


def _cut(left: int, top: int, pixels: NDArray[np.bool_]) -> Mask:
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not len(rows):
        return EMPTY
    part = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Mask(left + int(columns[0]), top + int(rows[0]), part.copy())
