"""What users write about an AnnotationProject: what is labelled, by whom, how well, and what comes of it."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from treadle.api.annotation_dataset import ContinuousTraining, DatasetSettings
from treadle.api.annotation_quality import ActiveLearning, LabelingFunction, Prelabel, Quality
from treadle.api.annotation_source import SingleSource, Source, Sources
from treadle.api.annotation_task import Guidelines, Task, TaskType
from treadle.api.base import (
    Cel,
    Duration,
    ListMap,
    Model,
    Name,
    Percent,
    at_most_one,
    bounded,
    exactly_one,
    needs,
)
from treadle.api.common import Access, JobSettings


class Backend(Model):
    """Where people annotate."""

    rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "self.type != 'Files' || (!has(self.adopt) && !has(self.connection))",
            "remove adopt and connection: with type Files the labels come with the sources",
        ),
    )

    type: Literal["LabelStudio", "Files"] = "LabelStudio"
    """LabelStudio, or Files: the labels come with the sources and nobody annotates."""
    connection: Name | None = None
    """Label Studio connection. Silent: `default`."""
    adopt: Annotated[int, Field(ge=1)] | None = None
    """Number of an existing labelling project to take over, instead of making one."""


class Annotator(Model):
    """A limit for one annotator."""

    id: Annotated[str, bounded(100)]
    """The backend's identifier of the person, as status shows it (u7), or the number alone."""
    max_items: Annotated[int, Field(ge=0)] | None = None
    """At most so many items. Label Studio Community stops nobody; who is above it is counted in QualityPassed. Silent: no limit."""


class Workforce(Model):
    """How much human work each item gets."""

    rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "!has(self.maxAnnotationsPerItem) || self.maxAnnotationsPerItem >= self.annotationsPerItem",
            "raise maxAnnotationsPerItem to annotationsPerItem or more",
        ),
    )

    annotations_per_item: Annotated[int, Field(ge=1, le=20)] = 1
    """So many people annotate an item independently."""
    max_annotations_per_item: Annotated[int, Field(ge=1, le=20)] | None = None
    """Up to so many are asked while an item is disputed. Silent: one more than annotationsPerItem, where that is above 1."""
    overlap_percent: Percent = 100
    """Share of the items that get annotationsPerItem, the rest get 1."""
    annotators: Annotated[tuple[Annotator, ...], Field(max_length=200), ListMap("id")] = ()
    """Limits per annotator. Silent: everybody who has access."""


class AnnotationProjectSpec(Model):
    """What is labelled, by whom, how well, and what comes of it."""

    rules: ClassVar[tuple[Cel, ...]] = (
        exactly_one("source", "sources"),
        at_most_one("prelabel", "labelingFunctions"),
        needs("activeLearning", "prelabel", "labelingFunctions"),
        Cel(
            "!has(self.quality) || !has(self.quality.agreement) || (has(self.workforce) && self.workforce.annotationsPerItem >= 2"
            " && self.workforce.overlapPercent > 0)",
            "quality.agreement needs two opinions: set workforce.annotationsPerItem to 2 or more and overlapPercent above 0, or remove agreement",
        ),
        Cel(
            "!has(self.media) || self.media != 'Inline'"
            " || self.task.type in ['TextClassification', 'NamedEntities', 'TextRating', 'PairwisePreference', 'Custom']",
            "media Inline is for text: set media: Backend or Copy",
        ),
        Cel(
            "!has(self.backend) || self.backend.type != 'Files' || (has(self.sources) && self.sources.exists(s, has(s.labels)))",
            "backend type Files needs a source with labels: set sources[].labels, or backend.type: LabelStudio",
        ),
    )

    task: Task
    """What annotators do with an item."""
    guidelines: Guidelines | None = None
    """What annotators read before they start."""
    source: SingleSource | None = None
    """Where items come from, when that is one place; short for one entry of sources, named default."""
    sources: Sources | None = None
    """Where items come from."""
    media: Literal["Backend", "Copy", "Inline"] | None = None
    """How annotators see items: links signed at each view (Backend), uploads (Copy), or text in the task (Inline). Silent: by type."""
    removed: Literal["Exclude", "Keep"] = "Exclude"
    """Items gone from the source: left out of new versions, or kept. Annotations are never deleted."""
    resync: Duration | None = None
    """How often sources are listed again. Silent: 10m."""
    backend: Backend = Backend()
    """Where people annotate. Silent: Label Studio, connection `default`."""
    workforce: Workforce = Workforce()
    """How much human work each item gets. Silent: one annotation per item."""
    prelabel: Prelabel | None = None
    """Let a model propose labels."""
    labeling_functions: Annotated[tuple[LabelingFunction, ...], Field(min_length=1, max_length=20), ListMap("name")] | None = None
    """Programs whose votes are combined to proposals (weak supervision)."""
    active_learning: ActiveLearning | None = None
    """Show the most useful items first."""
    quality: Quality = Quality()
    """Bounds that annotations must hold before they are released. Silent: measured, never blocking."""
    dataset: DatasetSettings
    """The versions that come of the annotations."""
    train: ContinuousTraining | None = None
    """Train on each version. Silent: no run is made."""
    jobs: JobSettings = JobSettings()
    """Where and how the Jobs of this project run."""
    access: Access = Access()
    """As whom the Jobs run, and with which credentials they reach data."""
    sensitive: bool = False
    """No log lines in status, no samples in cards, no annotator names, no explanations; inherited by runs and deployments."""
    suspend: bool = False
    """Start no Job and release nothing until this is false again; people can go on annotating."""
    deletion_policy: Literal["Retain", "Delete"] = "Retain"
    """On deletion: keep the labelling project, or delete it, which happens only when it holds no annotation."""

    @property
    def all_sources(self) -> tuple[Source, ...]:
        """The sources, whichever way they were written."""
        if self.source:
            return (Source(name="default", **dict(self.source)),)
        return self.sources or ()


__all__ = [
    "AnnotationProjectSpec",
    "Annotator",
    "Backend",
    "ContinuousTraining",
    "DatasetSettings",
    "Guidelines",
    "SingleSource",
    "Source",
    "Task",
    "TaskType",
    "Workforce",
]
