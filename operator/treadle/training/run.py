"""What is observed of a TrainingRun: nouns and sum types for the policies. Dictionaries end here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal, TypeAlias

from treadle.api import DatasetPin, TrainingRunMemory, TrainingRunSpec
from treadle.api.reasons import Reason
from treadle.api.training_status import BaselineMetrics
from treadle.connections.installation import Granted, Installation, MlflowSettings, Owner, Refusal, StoreSettings
from treadle.connections.registry import ModelVersion
from treadle.connections.tracking import Report, TrackingRun
from treadle.contracts.evaluate import EvaluateResult
from treadle.contracts.report import ReportResult
from treadle.plan import Object, Ref, Unavailable
from treadle.workloads.states import State

DEFAULT_ALIAS = "candidate"
"""The alias that gates earn; a ModelDeployment makes more of it."""
EVALUATION = "evaluation"
"""The component that tells evaluation Jobs from those of attempts."""
REPORT = "report"
"""The component of Jobs that make the report."""
BOARD = "tensorboard"
"""The component of what shows the run in TensorBoard."""


@dataclass(frozen=True)
class Waiting:
    """Something that must be there first is not; `stalled` when it will not come by itself."""

    reason: Reason
    message: str
    stalled: bool = False


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """Where the run is tracked: a granted connection and the experiment's full name."""

    connection: Granted[MlflowSettings]
    experiment: str


@dataclass(frozen=True, kw_only=True)
class TrackedAs:
    """The run in the tracking server that this run is pinned to."""

    id: str
    experiment_id: str


@dataclass(frozen=True, kw_only=True)
class Further:
    """With which connection and Secret what begins with a certain prefix is reached."""

    prefix: str
    settings: StoreSettings
    secret: str


@dataclass(frozen=True, kw_only=True)
class Store:
    """With which connection and Secret a part of the object store is reached.

    Attributes:
        prefix: how URIs in it begin.
        needed: whether anything surely lies there: else it may lack its Secret.
        further: where other ones lead.
    """

    settings: StoreSettings
    prefix: str
    secret: str
    needed: bool = True
    further: tuple[Further, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ClaimFolder:
    """A folder of a PersistentVolumeClaim, as `pvc://claim/path/` names it."""

    claim: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """An attempt's workload that is ours, a Job or a JobSet as its `ref` says, as it stands.

    Attributes:
        said: the metrics that the program left in its termination message; None when no pod of it can be read any more.
    """

    ref: Ref
    uid: str
    attempt: int
    state: State[None]
    said: Mapping[str, float] | None = None


@dataclass(frozen=True, kw_only=True)
class EvaluationJob:
    """An evaluation Job that is ours, as it stands; `metrics`, `baselines` and the `folder` it stores in as they were when it was made."""

    ref: Ref
    uid: str
    number: int
    state: State[EvaluateResult]
    metrics: tuple[str, ...] = ()
    baselines: tuple[BaselineMetrics, ...] = ()
    folder: str = ""


@dataclass(frozen=True, kw_only=True)
class ReportJob:
    """A Job of ours that makes the report, as it stands."""

    ref: Ref
    uid: str
    number: int
    state: State[ReportResult]


@dataclass(frozen=True, kw_only=True)
class Board:
    """What there is of a run's TensorBoard; `ready`: its pod answers."""

    objects: tuple[tuple[Ref, str], ...] = ()
    ready: bool = False


class Unasked(Enum):
    """Stands for an answer that nobody needs at this point of a run's life; never to be taken for absence."""

    YET = "unasked"


UNASKED = Unasked.YET
NotAsked: TypeAlias = Literal[Unasked.YET]
Found: TypeAlias = TrackingRun | Unavailable | NotAsked | None
Reported: TypeAlias = Report | Unavailable | NotAsked | None
Version: TypeAlias = ModelVersion | Unavailable | NotAsked | None


@dataclass(frozen=True, kw_only=True)
class Run:
    """A TrainingRun as it stands.

    Attributes:
        this: the object itself, only to be named as an owner.
        spec_hash: of what may not change; an earlier life with the same hash is the same run. Empty when nothing is tracked.
        attempt: number of the current attempt; its Job may not exist yet.
        jobs: the Jobs of all attempts, the current one's included.
        evaluations: the Jobs that measure the model.
        reports: the Jobs that make the page about the run.
        board: its TensorBoard.
        old_pod: a pod of an earlier attempt that may still write to the shared checkpoint; empty when there is none.
        blocked: why the current attempt's Job cannot be made under its name, or not yet.
        cancel: the annotation `treadle.dev/cancel`, empty without.
        approve: the annotation `treadle.dev/approve`, empty without.
        fresh: never reconciled before, so that commands found are only recorded.
        tracking: where it is tracked; None: not at all; or why it may not be.
        store: how the dataset is fetched.
        output: how the program reaches `spec.output`.
        dataset: pinned, waited for, or None when the run names none.
        tracked: the pinned run of the tracking server.
        found: what the tracking server has for this run, asked while nothing is pinned.
        ended_as: the tracked run after the training, with metrics and models; asked once the training ended.
        report: what the program has reported; asked while it runs.
        baselines: what the aliases that gates compare with point at.
        measured: the versions that the evaluation measured too, by number.
        version: the registered version of the model that the tracked run logged; asked once the gates are passed.
        alias: what the alias to be moved points at; likewise.
    """

    this: Object
    ref: Ref
    owner: Owner
    installation: Installation
    spec: TrainingRunSpec
    spec_hash: str
    memory: TrainingRunMemory
    deleting: bool
    fresh: bool
    cancel: str
    approve: str
    attempt: int
    jobs: tuple[Job, ...]
    evaluations: tuple[EvaluationJob, ...]
    reports: tuple[ReportJob, ...]
    board: Board
    old_pod: str
    blocked: Waiting | None
    tracking: Tracking | Refusal | None
    store: Store | Refusal | None
    output: Store | ClaimFolder | Refusal | None
    dataset: DatasetPin | Waiting | None
    sensitive: bool
    tracked: TrackedAs | None
    found: Found
    ended_as: Found
    report: Reported
    baselines: Mapping[str, Version]
    measured: Mapping[str, Version]
    version: Version
    alias: Version

    @property
    def name(self) -> str:
        """Of the object."""
        return self.ref.name

    @property
    def job(self) -> Job | None:
        """The current attempt's Job."""
        return next((job for job in self.jobs if job.attempt == self.attempt), None)

    @property
    def trained(self) -> bool:
        """Whether the training itself is remembered to have ended well."""
        return trained(self.memory)

    @property
    def model(self) -> str:
        """The registered model's full name; empty when nothing is to be registered."""
        if self.spec.registration is None or not isinstance(self.tracking, Tracking):
            return ""
        return self.tracking.connection.settings.model_name(self.ref.namespace, self.spec.registration.model)

    @property
    def alias_name(self) -> str:
        """The alias that the new version is to carry."""
        return (self.spec.registration.alias if self.spec.registration else None) or DEFAULT_ALIAS

    def remembering(self, memory: TrainingRunMemory) -> "Run":
        """The same run with another memory: what is observed of it stays, what it means may change."""
        return replace(self, memory=memory, attempt=current_attempt(memory, self.jobs))


def trained(memory: TrainingRunMemory) -> bool:
    """Whether the last attempt ended well."""
    return bool(memory.attempts) and memory.attempts[-1].outcome == "Succeeded"


def current_attempt(memory: TrainingRunMemory, jobs: Sequence[Job]) -> int:
    """The attempt that counts now: the next one after those remembered, or the last one when no other follows."""
    recorded = max((attempt.number for attempt in memory.attempts), default=0)
    over = memory.result is not None or trained(memory)
    return max([recorded if over else recorded + 1, *(job.attempt for job in jobs)])
