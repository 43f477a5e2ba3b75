"""What users write about the versions of an AnnotationProject, and what is trained on them."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from treadle.api.base import (
    Cel,
    Command,
    Image,
    ListSet,
    Model,
    Percent,
    Uri,
    bounded,
)
from treadle.api.common import Resources
from treadle.api.training_run import TrainingSettings


class Splits(Model):
    """How new items are divided, in percent. What a version holds keeps its split, so that nothing moves from train to test."""

    rules: ClassVar[tuple[Cel, ...]] = (Cel("self.train + self.validation + self.test == 100", "make train, validation and test add up to 100"),)

    train: Percent
    """Percent for training."""
    validation: Percent
    """Percent for choosing between models."""
    test: Percent
    """Percent for measuring the chosen one."""


class Prepare(Model):
    """A program of the user's that cleans, transforms or augments what becomes a version, before it is final."""

    image: Image
    """Image to run; it reads TREADLE_DATASET_DIR as a training does, and writes items.jsonl and files to TREADLE_OUTPUT_DIR."""
    command: Command = ()
    """Command line. Silent: the image's entry point."""
    resources: Resources = Resources()
    """What it asks for. Silent: the platform's defaults for our Jobs."""


class ReleasePolicy(Model):
    """When a new version is made. Nothing new means no version, whatever is said here."""

    min_items: Annotated[int, Field(ge=1)] | None = None
    """At least so many finished items. Silent: the first version waits until every item is finished."""
    every_items: Annotated[int, Field(ge=1)] | None = None
    """At least so many newly finished items since the last version. Silent: whenever all are finished."""
    schedule: Annotated[str, bounded(100, r"^(\S+\s+){4}\S+$")] | None = None
    """Cron schedule in UTC, such as 0 3 * * 1. Silent: as soon as the other conditions hold."""
    approval: Literal["Required"] | None = None
    """Required: a human releases, by the annotation treadle.dev/release with the digest of the quality run."""


class DatasetSettings(Model):
    """The versions that come of the annotations."""

    destination: Annotated[
        Uri,
        Cel("self == oldSelf", "keep destination: versions are numbered there, and runs refer to them; make another project to write elsewhere"),
    ]
    """Folder under which versions v0001, v0002 ... are written, once, and never changed."""
    formats: Annotated[tuple[Annotated[str, bounded(40, r"^[A-Z][A-Za-z0-9]*$")], ...], Field(max_length=10), ListSet()] = ()
    """Formats to export, such as Coco, Yolo or Jsonl. Silent: the task type's."""
    splits: Splits = Splits(train=80, validation=10, test=10)
    """How new items are divided; what a version holds keeps its split. Silent: 80 train, 10 validation, 10 test."""
    prepare: Prepare | None = None
    """Clean, transform or augment each version."""
    release: ReleasePolicy = ReleasePolicy()
    """When a new version is made. Silent: when every item is finished and something is new."""
    content: Literal["Reference", "Embed"] = "Reference"
    """Whether versions refer to the items where they are, or hold a copy."""


class RunHistory(Model):
    """How many finished generated runs are kept. A run whose model version serves or has an alias is never deleted."""

    succeeded: Annotated[int, Field(ge=0, le=1000)] = 5
    """Succeeded runs to keep."""
    failed: Annotated[int, Field(ge=0, le=1000)] = 3
    """Failed runs to keep."""


class TrainingTemplate(Model):
    """The TrainingRun to make; its dataset is the released version."""

    spec: TrainingSettings
    """A TrainingRun's spec without dataset."""


class ContinuousTraining(Model):
    """A TrainingRun for each dataset version."""

    triggers: Annotated[tuple[Literal["Release", "TemplateChange"], ...], Field(max_length=2), ListSet()] = ()
    """What starts a run: a release, a change of the template. Silent: Release."""
    concurrency: Literal["Replace", "Forbid", "Allow"] = "Replace"
    """While an earlier run goes on: Replace cancels it, Forbid waits for its end, Allow runs both."""
    history: RunHistory = RunHistory()
    """How many finished runs are kept. Silent: 5 succeeded, 3 failed."""
    template: TrainingTemplate
    """The TrainingRun to make."""


__all__ = [
    "ContinuousTraining",
    "DatasetSettings",
    "Prepare",
    "ReleasePolicy",
    "RunHistory",
    "Splits",
    "TrainingTemplate",
]
