"""The words for a labelling backend: what a plan may ask of it and wish from it. Data only; `label_studio.py` is one that understands them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from treadle.api.names import digest
from treadle.connections.installation import Owner
from treadle.plan import Effect, Question


@dataclass(frozen=True)
class Setup:
    """How a labelling project should be set up.

    Attributes:
        title: what people see in the backend's list; not compared, so people may rename it.
        configuration: of the labelling screen, in the backend's own language, made by the task type.
        guidelines: shown to annotators; plain text or Markdown, line by line as it is.
        annotations_per_item: how many people answer each item of the overlap.
        overlap_percent: share of the items that get `annotations_per_item` answers; the rest get one.
    """

    title: str
    configuration: str
    guidelines: str = ""
    annotations_per_item: int = 1
    overlap_percent: int = 100

    @property
    def digest(self) -> str:
        """Equal for two set-ups that need no change from one to the other."""
        return setup_digest(self.configuration, digest(self.guidelines, 8), self.annotations_per_item, self.overlap_percent)

    def __str__(self) -> str:
        return f"{self.title} {self.digest}"


def setup_digest(configuration: str, guidelines_digest: str, annotations_per_item: int, overlap_percent: int) -> str:
    """The digest of a set-up. White space does not count, and guidelines enter by their own digest, because a backend may clean what it is given."""
    return digest([" ".join(configuration.split()), guidelines_digest, annotations_per_item, overlap_percent if annotations_per_item > 1 else 100], 8)


@dataclass(frozen=True)
class LabellingProject:
    """A project in the backend that carries our owner tag.

    Attributes:
        id: in the backend.
        url: for people.
        setup: digest of how it is set up there now; compare with `Setup.digest`.
        twins: other projects with our tag that hold no work of people: made by calls that were given up, and were carried out all the same.
    """

    id: int
    url: str
    setup: str
    twins: tuple[int, ...] = ()


@dataclass(frozen=True)
class Progress:
    """How far people are, counted by the backend.

    Attributes:
        items: imported items.
        finished: items with as many answers as wanted.
        annotated: items with at least one answer.
        annotations: answers of people, skips not counted.
        skipped: answers that say "skip".
        drafts: answers begun and not submitted; only told in reply to a wish to close.
    """

    items: int = 0
    finished: int = 0
    annotated: int = 0
    annotations: int = 0
    skipped: int = 0
    drafts: int = 0

    @property
    def human_work(self) -> int:
        """How much would be lost with the project."""
        return self.annotations + self.skipped + self.drafts


@dataclass(frozen=True, kw_only=True)
class FindLabellingProject(Question[LabellingProject | None]):
    """The owner's project: with `adopt` exactly that one, once it carries our tag; else the lowest id with our tag. None: confirmed absent."""

    owner: Owner
    adopt: int | None = None


@dataclass(frozen=True, kw_only=True)
class LabellingProgress(Question[Progress | None]):
    """How far the people are in a project. None: the project does not exist (any more)."""

    project: int


@dataclass(frozen=True, kw_only=True)
class AnnotationsChanged(Question[datetime | None]):
    """When an item or an answer last changed, by the backend's clock: an edited answer changes no count. Costs a call for each project, so it is
    asked only where counts no longer tell. None: there is nothing yet.
    """

    project: int


@dataclass(frozen=True, kw_only=True)
class EnsureLabellingProject(Effect):
    """There shall be one project with our tag, set up like this. Found before made; empty twins are closed; human work is never lost:
    a change of the configuration that would lose answers is refused (`Trouble`, stalled). Where none has our tag, the one that is `known` to be ours
    is taken up again, if somebody removed its tag.
    """

    owner: Owner
    setup: Setup
    adopt: int | None = None
    known: int | None = None

    def assumed(self) -> Mapping[Question[Any], object]:
        """A project with a placeholder id (or the adopted one), set up as wished."""
        question = FindLabellingProject(connection=self.connection, owner=self.owner, adopt=self.adopt)
        return {question: LabellingProject(id=self.adopt or 1, url="<url>", setup=self.setup.digest)}

    def deed(self) -> tuple[str, str]:
        """See `Effect.deed`."""
        return "LabellingProjectSetUp", f'labelling project "{self.setup.title}" is there and set up'


@dataclass(frozen=True, kw_only=True)
class CloseLabellingProject(Effect):
    """The owner's project shall be deleted, unless it holds any human work (then it stays, and the answer says so)."""

    owner: Owner
    project: int

    def assumed(self) -> Mapping[Question[Any], object]:
        """It is gone."""
        return {
            FindLabellingProject(connection=self.connection, owner=self.owner): None,
            LabellingProgress(connection=self.connection, project=self.project): None,
        }

    def deed(self) -> tuple[str, str]:
        """See `Effect.deed`."""
        return "LabellingProjectClosed", f"labelling project {self.project} is deleted, unless it holds work of people"
