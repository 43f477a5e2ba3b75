"""Regions: two show the same thing when enough of their pixels are the same ones.

Several regions of one thing become the one among them that is most like the others: what people agree on is an outline that somebody drew, with its
corners, and no average that nobody drew.
"""

from collections.abc import Sequence
from functools import lru_cache

from treadle.contracts.labels import Region, Regions
from treadle.statistics.raster import Mask, overlap, painted, polygon
from treadle.statistics.shapes._parts import Parts

OVERLAP = 0.5
"""Intersection over union from which on two regions show the same thing: what COCO counts as found."""


@lru_cache(maxsize=512)
def mask_of(region: Region) -> Mask:
    """The pixels that a region covers."""
    return polygon(region.points, region.image) if region.points else painted(region.runs, region.image)


def iou(one: Region, other: Region) -> float:
    """Intersection over union of pixels, 0 to 1, whatever the labels are."""
    here, there = mask_of(one), mask_of(other)
    shared = overlap(here, there)
    whole = here.area + there.area - shared
    return shared / whole if whole else 0.0


def merged(label: str, regions: Sequence[Region]) -> Region:
    """The one of several that is most like the others."""
    best = max(sorted(regions, key=lambda region: region.place), key=lambda region: sum(iou(region, other) for other in regions))
    return best.model_copy(update={"label": label})


PARTS = Parts(
    of=lambda answer: answer.regions,
    answer=lambda regions, _: Regions(regions=tuple(regions)),
    likeness=iou,
    enough=OVERLAP,
    merged=merged,
    graded="MeanIou",
)
REGIONS = PARTS.shape()
