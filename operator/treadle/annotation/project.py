"""What is observed of an AnnotationProject: nouns and sum types for the policies. Dictionaries end here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeAlias, TypeVar

from treadle.annotation.proposer import Absent, Proposer
from treadle.annotation.texts import Missing
from treadle.api import AnnotationProjectMemory, AnnotationProjectSpec
from treadle.api.annotation_status import SourceContent, StageRecord
from treadle.connections.installation import Granted, Installation, LabelStudioSettings, Owner, Refusal, StoreSettings
from treadle.connections.labelling import LabellingProject, Progress, Setup
from treadle.contracts import Result
from treadle.contracts.labels import LabelSchema
from treadle.contracts.prelabel import PrelabelResult
from treadle.contracts.quality import QualityResult
from treadle.contracts.rank import RankResult
from treadle.contracts.release import ReleaseResult
from treadle.contracts.sync import SyncResult
from treadle.plan import Object, Ref, Unavailable
from treadle.tasks import NotSupportedYet, Task
from treadle.workloads.states import State

Said = TypeVar("Said", bound=Result)


@dataclass(frozen=True, kw_only=True)
class Attempt(Generic[Said]):
    """A Job of one stage.

    Attributes:
        digest: of its inputs, as in its name.
        number: 1 for the first attempt at these inputs.
        made_for: what was resolved when it was made; see `stages.build`.
    """

    ref: Ref
    uid: str
    digest: str
    number: int
    made_at: datetime
    made_for: Mapping[str, str]
    state: State[Said]


@dataclass(frozen=True, kw_only=True)
class Stage(Generic[Said]):
    """One stage: what is remembered of its latest finished attempt, and the Jobs that are still there."""

    name: str
    record: StageRecord | None
    attempts: tuple[Attempt[Said], ...]


@dataclass(frozen=True, kw_only=True)
class Further:
    """With which connection and Secret what begins with a certain prefix is reached."""

    prefix: str
    settings: StoreSettings
    secret: str


@dataclass(frozen=True, kw_only=True)
class Store:
    """With which connection and Secret the project's data is read and written.

    Attributes:
        prefix: how URIs in it begin; of others `further` tells.
        secret: empty where everything is in claims.
        further: where other ones are needed.
        claims: names of the claims that sources and destination are in.
        written: the one of the destination; empty where that is in a store.
    """

    settings: StoreSettings
    prefix: str = ""
    secret: str = ""
    further: tuple[Further, ...] = ()
    claims: tuple[str, ...] = ()
    written: str = ""


@dataclass(frozen=True, kw_only=True)
class GeneratedRun:
    """A TrainingRun that was made from this project's template."""

    ref: Ref
    uid: str
    version: int
    finished: bool
    succeeded: bool
    registered: bool


Labelling: TypeAlias = LabellingProject | Unavailable | None
Counted: TypeAlias = Progress | Unavailable | None


@dataclass(frozen=True, kw_only=True)
class Project:
    """An AnnotationProject as it stands.

    Attributes:
        this: the object itself, only to be named as an owner.
        created: when; resync intervals are counted from here.
        held: our finalizer is on it.
        fresh: never reconciled before, so that commands found are only recorded.
        release_command: the annotation `treadle.dev/release`, empty without.
        restore_command: the annotation `treadle.dev/restore`, empty without.
        task: the task type, or that it is not supported yet.
        setup: how the labelling project shall be; None while a text of it is missing.
        guidelines: what annotators read.
        missing: the text that is not to be had.
        label_studio: the granted connection, or why it may not be used; None: labels come as files.
        labelling: the project in the backend; None: confirmed absent, or not asked.
        progress: how far people are there.
        changed: when something last changed there; asked once everything is answered.
        proposer: who proposes labels, or why nobody can be asked; None: nobody is to be.
        model_store: with which keys the proposing model's files are read; None without such a model.
        runs: TrainingRuns made from this project, by version.
    """

    this: Object
    ref: Ref
    uid: str
    owner: Owner
    installation: Installation
    created: datetime
    held: bool
    fresh: bool
    release_command: str
    restore_command: str
    spec: AnnotationProjectSpec
    memory: AnnotationProjectMemory
    task: Task | NotSupportedYet
    schema: LabelSchema
    setup: Setup | None
    guidelines: str | Missing
    missing: Missing | None
    store: Store | Refusal
    label_studio: Granted[LabelStudioSettings] | Refusal | None
    labelling: Labelling
    progress: Counted
    changed: datetime | Unavailable | None
    proposer: Proposer | Absent | None
    model_store: Store | Refusal | None
    sync: Stage[SyncResult]
    prelabel: Stage[PrelabelResult]
    rank: Stage[RankResult]
    quality: Stage[QualityResult]
    release: Stage[ReleaseResult]
    runs: tuple[GeneratedRun, ...]

    @property
    def name(self) -> str:
        """Of the object."""
        return self.ref.name

    @property
    def backend(self) -> LabellingProject | None:
        """The labelling project once it is set up as wanted."""
        ready = isinstance(self.labelling, LabellingProject) and self.setup is not None and self.labelling.setup == self.setup.digest
        return self.labelling if ready and isinstance(self.labelling, LabellingProject) else None

    @property
    def items(self) -> SourceContent | None:
        """What the last sync brought into this very labelling project, or into the one that cannot be seen at present; or listed with its labels."""
        source = self.memory.source
        if self.by_files:
            return source if source is not None and source.annotations is not None else None
        if isinstance(self.labelling, Unavailable):
            return source
        return source if source is not None and isinstance(self.labelling, LabellingProject) and source.project == self.labelling.id else None

    @property
    def by_files(self) -> bool:
        """Whether labels come with the sources, and nobody annotates."""
        return self.spec.backend.type == "Files"

    @property
    def filled(self) -> bool:
        """Whether the labelling project is set up as wanted and holds items; or items are listed with their labels."""
        return (self.by_files or self.backend is not None) and self.items is not None

    def remembers(self, memory: AnnotationProjectMemory) -> bool:
        """Whether all of this memory is written already."""
        return all(getattr(memory, field) == getattr(self.memory, field) for field in AnnotationProjectMemory.model_fields)

    def remembering(self, memory: AnnotationProjectMemory) -> "Project":
        """The project once this memory is written."""
        stages = memory.stages
        return replace(
            self,
            memory=memory,
            sync=replace(self.sync, record=stages.sync),
            prelabel=replace(self.prelabel, record=stages.prelabel),
            rank=replace(self.rank, record=stages.rank),
            quality=replace(self.quality, record=stages.quality),
            release=replace(self.release, record=stages.release),
        )
