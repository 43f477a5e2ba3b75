"""Sketches: how values are distributed, as counts in fixed bins. A few KiB, and sketches in the same bins add up exactly, in any order.

The evaluation stores one with the model as the reference of drift (`Reference`, a JSON file). Whoever serves the model starts from
`Reference.sketch.emptied()`, counts what it meets into the same bins, and may `merge` what all its pods counted: integers, so nothing is rounded.

A number goes into bin i when edges[i-1] <= value < edges[i]; the first and the last bin are open. Edges are quantiles of the reference, so that its
bins hold about equal shares; they are rounded to six digits, and what was counted was counted with the rounded ones. A category goes into the bin of
its value, or into `other`. What is missing (null, NaN, an infinity) is counted apart.
"""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from treadle.contracts._base import Contract
from treadle.contracts.dataset import Split

BINS_LIMIT = 20
"""Bins of a number: fine enough for a shift of 0.3 standard deviations, coarse enough for windows of a thousand requests."""
CATEGORIES_LIMIT = 100
FEATURES_LIMIT = 200

Count = Annotated[int, Field(ge=0)]


class DifferentBins(ValueError):  # noqa: N818  (worded for people)
    """Two sketches do not count into the same bins: they belong to different references."""


class NumberSketch(Contract):
    """How a number is distributed."""

    kind: Literal["Number"] = "Number"
    edges: tuple[Annotated[float, Field(allow_inf_nan=False)], ...] = Field(max_length=BINS_LIMIT - 1, description="Ascending, all different.")
    counts: tuple[Count, ...] = Field(description="One more than there are edges.")
    missing: Count = 0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.counts) != len(self.edges) + 1 or any(low >= high for low, high in pairwise(self.edges)):
            raise ValueError("edges must ascend, and there is one bin more than edges")
        return self

    @property
    def bins(self) -> tuple[object, ...]:
        """What must be equal for counts to add up."""
        return self.edges

    def all_counts(self) -> tuple[int, ...]:
        """Every bin, what is missing last."""
        return (*self.counts, self.missing)

    def with_counts(self, counts: tuple[int, ...]) -> "NumberSketch":
        """The same bins with other counts, in the order of `all_counts`."""
        return NumberSketch(edges=self.edges, counts=counts[:-1], missing=counts[-1])


class CategorySketch(Contract):
    """How often each of some values occurs."""

    kind: Literal["Category"] = "Category"
    values: tuple[Annotated[str, Field(max_length=128)], ...] = Field(max_length=CATEGORIES_LIMIT, description="All different, in any order.")
    counts: tuple[Count, ...] = Field(description="As many as there are values.")
    other: Count = Field(default=0, description="Of values that are not listed.")
    missing: Count = 0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.counts) != len(self.values) or len(set(self.values)) != len(self.values):
            raise ValueError("values must be all different, with one count each")
        return self

    @property
    def bins(self) -> tuple[object, ...]:
        """What must be equal for counts to add up."""
        return self.values

    def all_counts(self) -> tuple[int, ...]:
        """Every bin, other values and what is missing last."""
        return (*self.counts, self.other, self.missing)

    def with_counts(self, counts: tuple[int, ...]) -> "CategorySketch":
        """The same bins with other counts, in the order of `all_counts`."""
        return CategorySketch(values=self.values, counts=counts[:-2], other=counts[-2], missing=counts[-1])


FeatureSketch = Annotated[NumberSketch | CategorySketch, Field(discriminator="kind")]


class Sketch(Contract):
    """What was counted over some items: what the model was given (`features`), and what it answered (`predictions`: label, score ...).

    In a reference the features are those of a sample of the training data too, and each says itself of how many items; `items` counts the answers.
    """

    items: Count
    features: dict[str, FeatureSketch] = Field(default_factory=dict, max_length=FEATURES_LIMIT)
    predictions: dict[str, FeatureSketch] = Field(default_factory=dict, max_length=FEATURES_LIMIT)

    def emptied(self) -> "Sketch":
        """The same bins, nothing counted."""
        return Sketch(items=0, features=_emptied(self.features), predictions=_emptied(self.predictions))

    def merged(self, other: "Sketch") -> "Sketch":
        """What both have counted.

        Raises:
            DifferentBins: when they do not count into the same bins.
        """
        features, predictions = _merged(self.features, other.features), _merged(self.predictions, other.predictions)
        return Sketch(items=self.items + other.items, features=features, predictions=predictions)


class Reference(Contract):
    """The file that is stored with a model: how the data and the answers looked when the model was measured."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # read by later and earlier versions of the runtime

    kind: Literal["reference"] = "reference"
    contract: Literal[1] = 1
    dataset: str = Field(default="", max_length=71, description="Digest of the dataset version.")
    split: Split
    sketch: Sketch


def _emptied(sketches: dict[str, FeatureSketch]) -> dict[str, FeatureSketch]:
    return {name: sketch.with_counts((0,) * len(sketch.all_counts())) for name, sketch in sketches.items()}


def _merged(ours: dict[str, FeatureSketch], theirs: dict[str, FeatureSketch]) -> dict[str, FeatureSketch]:
    if ours.keys() != theirs.keys():
        raise DifferentBins(f"different features: {', '.join(sorted(ours.keys() ^ theirs.keys()))}")
    told: dict[str, FeatureSketch] = {}
    for name, one in ours.items():
        other = theirs[name]
        if (one.kind, one.bins) != (other.kind, other.bins):
            raise DifferentBins(f"feature {name} is counted into different bins")
        told[name] = one.with_counts(tuple(a + b for a, b in zip(one.all_counts(), other.all_counts(), strict=True)))
    return told


__all__ = [
    "BINS_LIMIT",
    "CATEGORIES_LIMIT",
    "FEATURES_LIMIT",
    "CategorySketch",
    "DifferentBins",
    "FeatureSketch",
    "NumberSketch",
    "Reference",
    "Sketch",
]
