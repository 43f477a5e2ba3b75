"""What users write about proposals and quality in an AnnotationProject."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from treadle.api.base import Cel, Command, DecimalString, Fraction, Image, ListMap, ListSet, Model, Name, Percent, Uri, bounded, exactly_one, needs
from treadle.api.common import ModelReference, Resources


class AutoAccept(Model):
    """Take proposals of which the model is very sure as labels, and have people audit a share of them."""

    min_confidence: Fraction
    """Proposals with at least this confidence are taken, except in the test split. So many of them must be right, or it switches itself off."""
    audit_percent: Annotated[int, Field(ge=1, le=100)] = 10
    """Share of the taken ones that people annotate all the same."""


class Prelabel(Model):
    """Let a model propose labels, in Jobs."""

    rules: ClassVar[tuple[Cel, ...]] = (exactly_one("model", "image"), needs("command", "image"))

    model: ModelReference | None = None
    """Registered model that proposes: a classifier of images or texts, or a detector. While it does not exist, items come in random order."""
    image: Image | None = None
    """Image that answers the items in TREADLE_ITEMS_DIR by predictions.jsonl in TREADLE_PREDICTIONS_DIR; see docs/prelabelling.md."""
    command: Command | None = None
    """Command line of that image. Silent: its entry point."""
    resources: Resources = Resources()
    """What each Job's pod asks for. Silent: the platform's defaults for our Jobs."""
    auto_accept: AutoAccept | None = None
    """Take very sure proposals as labels. Silent: people see every item."""


class LabelingFunction(Model):
    """A program that votes on items; votes are combined by Dawid-Skene."""

    name: Name
    """Name of the function."""
    image: Image
    """Image to run."""
    command: Command = ()
    """Command line. Silent: the image's entry point."""


class ActiveLearning(Model):
    """In which order annotators see the items."""

    strategy: Literal["Random", "LeastConfidence", "Margin", "Entropy", "CoreSet", "Disagreement"]
    """How the use of an item is estimated."""
    batch_size: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """So many items are put in front at a time. Silent: all are ordered; of CoreSet and Disagreement 200, since answers change their order."""


class Agreement(Model):
    """A bound on how well annotators agree."""

    metric: Literal[
        "Auto",
        "KrippendorffAlpha",
        "FleissKappa",
        "IntervalAlpha",
        "NominalAlpha",
        "PercentAgreement",
        "BoxF1",
        "RegionF1",
        "PointF1",
        "SpanF1",
        "RelationF1",
        "IntervalF1",
        "MeanIou",
        "ObjectKeypointSimilarity",
        "EditDistance",
    ] = "Auto"
    """Measure of agreement; Auto chooses by task type. The page about labelling says which fit which type."""
    minimum: DecimalString
    """Agreement must be at least this."""


class Consensus(Model):
    """How several annotations of one item become one label."""

    method: Literal["MajorityVote", "DawidSkene"] = "MajorityVote"
    """MajorityVote, or DawidSkene: weighted by how reliable each annotator is (only for tasks with one label per item)."""


class Gold(Model):
    """Items with known answers, mixed in to measure annotators."""

    uri: Uri
    """Folder of items with a file labels.jsonl, or such a file: one JSON object per line, uri (relative to the folder, or whole) and label."""
    percent: Annotated[int, Field(ge=1, le=50)] = 5
    """Share of gold items among those shown. They are never released."""
    minimum_accuracy: Fraction
    """Annotators below this miss the bound, once they have answered five gold items."""
    on_fail: Literal["Report", "ExcludeAnnotator"] = "Report"
    """What follows: a condition, or their annotations are left out of versions."""


class Review(Model):
    """A second look by experienced people, whose word wins. Items that wait for it are left out of versions, and counted."""

    rules: ClassVar[tuple[Cel, ...]] = (
        Cel("has(self.samplePercent) || (has(self.lowAgreement) && self.lowAgreement)", "set samplePercent, or lowAgreement: true, or remove review"),
    )

    sample_percent: Percent | None = None
    """Share of all items that is reviewed. Silent: none."""
    low_agreement: bool | None = None
    """Review disputed items. Silent: no."""
    reviewers: Annotated[tuple[Annotated[str, bounded(32)], ...], Field(max_length=50), ListSet()] = ()
    """The reviewers, as status names annotators (u9) or by the number alone. Silent: whoever answers an item after as many as wanted did."""


class LabelErrors(Model):
    """Find labels that are probably wrong, by cross-validated predictions."""

    enabled: bool
    """Look for them."""


class ValidationRule(Model):
    """A check that the label of every item must pass. Items whose label does not are left out of versions, and people find them to look at."""

    rules: ClassVar[tuple[Cel, ...]] = (exactly_one("rule", "image"), needs("command", "image"))

    name: Name
    """Name of the check."""
    rule: Annotated[str, bounded(1024)] | None = None
    """CEL expression that is true for good labels, such as box.width > 4.0, or size(names) > 0; it knows label, names, and the part box, span ..."""
    image: Image | None = None
    """Image that reads the labels in TREADLE_DATASET_DIR and writes those that it refuses to refused.jsonl in TREADLE_OUTPUT_DIR."""
    command: Command | None = None
    """Command line of that image. Silent: its entry point."""


class Quality(Model):
    """Bounds that annotations must hold before they are released, and how several become one."""

    agreement: Agreement | None = None
    """A bound on how well annotators agree; needs two or more annotations per item."""
    consensus: Consensus = Consensus()
    """How several annotations become one label. Silent: MajorityVote."""
    gold: Gold | None = None
    """Items with known answers."""
    review: Review | None = None
    """A second look by experienced people."""
    label_errors: LabelErrors | None = None
    """Find labels that are probably wrong."""
    validation: Annotated[tuple[ValidationRule, ...], Field(max_length=20), ListMap("name")] = ()
    """Checks that every label must pass."""


__all__ = [
    "ActiveLearning",
    "Agreement",
    "AutoAccept",
    "Consensus",
    "Gold",
    "LabelErrors",
    "LabelingFunction",
    "Prelabel",
    "Quality",
    "Review",
    "ValidationRule",
]
