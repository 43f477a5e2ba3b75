"""Outlines as COCO writes them: polygons, or runs of pixels column by column, as numbers or packed into letters.

Packed: every count is a number of five bits to a letter, the lowest first; a sixth bit says that more follow, and the last letter's fifth that it is
negative. From the fourth on, a count is said as what is added to the one before the last.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from treadle.contracts.labels import ImageSize, Region
from treadle.statistics.raster import Mask, of_column_runs, polygon, row_runs, together

MOST_PIXELS = 128 * 1024 * 1024
"""Of an image whose outlines are read: each pixel takes two bytes meanwhile."""
MOST_LETTERS = 8  # of one count: more than any image has pixels
FIRST_LETTER = 48
BITS, MORE, NEGATIVE = 0x1F, 0x20, 0x10


class _Runs(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    counts: Sequence[Annotated[int, Field(ge=0)]] | str
    size: tuple[int, int]


def outline(label: str, said: Sequence[Sequence[float]] | Mapping[str, object], image: ImageSize) -> Region:
    """A segmentation as a region: one polygon by its corners, anything else by its pixels. Several polygons are one thing of which something is
    hidden.

    Raises:
        ValueError: for what is no segmentation (pydantic's ValidationError is one).
    """
    if not isinstance(said, Mapping) and len(said) == 1:
        return Region(label=label, points=_corners(said[0]), image=image)
    if image.width * image.height > MOST_PIXELS:
        raise ValueError(f"its image has {image.width * image.height} pixels, outlines are read of at most {MOST_PIXELS}")
    mask = _painted(said, image) if isinstance(said, Mapping) else together([polygon(_corners(each), image) for each in said], image)
    if not mask.area:
        raise ValueError(f'an outline of "{label}" covers no pixel')
    return Region(label=label, runs=tuple(row_runs(mask, image)), image=image)


def _corners(numbers: Sequence[float]) -> tuple[tuple[float, float], ...]:
    if len(numbers) % 2 or len(numbers) < 6:
        raise ValueError(f"a polygon has {len(numbers)} numbers, two for each of at least three corners are wanted")
    if not all(map(isfinite, numbers)):
        raise ValueError("a polygon has corners nowhere")
    return tuple(zip(numbers[0::2], numbers[1::2], strict=True))


def _painted(said: Mapping[str, object], image: ImageSize) -> Mask:
    runs = _Runs.model_validate(said)
    if runs.size != (image.height, image.width):
        raise ValueError(f"its mask is {runs.size[1]} x {runs.size[0]} pixels, its image {image.width} x {image.height}")
    counts = unpacked(runs.counts) if isinstance(runs.counts, str) else runs.counts
    if sum(counts) != image.width * image.height:
        raise ValueError(f"its mask has {sum(counts)} pixels, its image {image.width * image.height}")
    return of_column_runs(counts, image)


def unpacked(letters: str) -> list[int]:
    """The counts in what COCO calls compressed.

    Raises:
        ValueError: for anything else.

    >>> unpacked("52203")
    [5, 2, 2, 2, 5]
    """
    counts: list[int] = []
    value = shift = 0
    for letter in letters:
        bits = ord(letter) - FIRST_LETTER
        if not 0 <= bits < 2 * MORE or shift >= 5 * MOST_LETTERS:
            raise ValueError("its mask is not packed as COCO packs them")
        value |= (bits & BITS) << shift
        shift += 5
        if bits & MORE:
            continue
        if bits & NEGATIVE:
            value -= 1 << shift
        if len(counts) > 2:
            value += counts[-2]
        if value < 0:
            raise ValueError("its mask is not packed as COCO packs them")
        counts.append(value)
        value = shift = 0
    if shift:
        raise ValueError("its mask is not packed as COCO packs them: it ends too early")
    return counts
