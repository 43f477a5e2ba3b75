"""Words about experiment tracking: what may be asked and wished. Data only; `mlflow.py` answers and fulfils."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from treadle.connections.installation import Owner
from treadle.plan import Effect, Question

PENDING_ID = "(new)"
"""Stands for an id that is not known yet in what a dry run assumes."""

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for a time that a dry run does not know."""

TOTALS = {
    "epochs": ("epochs", "num_epochs", "n_epochs", "max_epochs", "num_train_epochs", "total_epochs"),
    "steps": ("steps", "max_steps", "num_steps", "total_steps", "max_iter", "iterations", "num_iterations", "num_boost_round", "n_estimators"),
}
"""Names of parameters that say how much there is to do, as libraries call them."""

AUTOLOGGED = "mlflow.autologging"
"""Tag of a run that MLflow's autologging began or went on with: the name of the integration."""

STARTED_BY = "treadle.started-by"
"""Tag of the runs that a program begins by itself: UID of the TrainingRun it works for."""

Tags = tuple[tuple[str, str], ...]
"""Names and values, sorted by name; a tuple, so that effects stay hashable."""


def tags(values: Mapping[str, str]) -> Tags:
    """A mapping as tags."""
    return tuple(sorted(values.items()))


class TrackingStatus(Enum):
    """How a tracked run stands, in MLflow's words."""

    RUNNING = "RUNNING"
    SCHEDULED = "SCHEDULED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"

    def __str__(self) -> str:
        return self.value

    @property
    def ended(self) -> bool:
        """Whether nothing more is expected from it."""
        return self not in (TrackingStatus.RUNNING, TrackingStatus.SCHEDULED)


@dataclass(frozen=True)
class LoggedModel:
    """A model that a run logged: its id, the name it was logged under, when (milliseconds since 1970), and where its files are."""

    id: str
    name: str
    created: int = 0
    artifact_uri: str = ""

    @property
    def source(self) -> str:
        """What a version of a registered model is made from, as MLflow's own client writes it too."""
        return f"models:/{self.id}"


@dataclass(frozen=True, kw_only=True)
class TrackingRun:
    """A run in the tracking server.

    Attributes:
        id: of the run.
        experiment_id: of its experiment.
        status: as the server has it; a killed pod leaves RUNNING for ever.
        owner_uid: UID of the object it was made for.
        ending: what was remembered on it when it was closed (JSON), empty before.
        metrics: the latest value of each metric; NaN and infinities are kept.
        logged_models: of the run, sorted by name and id.
        artifact_uri: where the run's files are, e.g. `mlflow-artifacts:/...`; see `MlflowSettings.artifact_uri`.
        further: the first runs that its program began beside it, by a second `start_run` that is not nested.
    """

    id: str
    experiment_id: str
    status: TrackingStatus
    owner_uid: str = ""
    ending: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    logged_models: tuple[LoggedModel, ...] = ()
    artifact_uri: str = ""
    further: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FindTrackingRun(Question[TrackingRun | None]):
    """The run made for this owner: the one with its UID, else one of the same identity and spec hash that has ended (an earlier life of the
    same object). None: confirmed absent. Where several are, the earliest wins. Metrics and models are not part of the answer.
    """

    experiment: str
    owner: Owner
    spec_hash: str


@dataclass(frozen=True, kw_only=True)
class TrackingRunState(Question[TrackingRun | None]):
    """A run by its id, with metrics, logged models and what its program began beside it. None: it does not exist (any more)."""

    experiment_id: str
    run_id: str


@dataclass(frozen=True)
class TrackedDataset:
    """A dataset version that a run was trained on, as the tracking server lists it."""

    name: str
    digest: str
    uri: str

    @property
    def short_digest(self) -> str:
        """The digest as MLflow keeps it: at most 36 characters."""
        return self.digest.removeprefix("sha256:")[:36]


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the program of a live run has reported so far.

    Attributes:
        owner_uid: UID of the object that the run was made for.
        metrics: the latest value of each, NaN and infinities left out.
        step: the highest step of any metric.
        latest: time of the latest metric, by the program's own clock; None before the first.
        totals: parameters that say how many epochs or steps there are, lower-case, by name.
        tags: those that Treadle writes while a run is live, and `AUTOLOGGED`.
        datasets: short digests of the inputs that are logged.
        changed_at: since when this has been the same, as far as it was watched: an outage or a restart of the operator begins anew.
    """

    owner_uid: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    step: int = 0
    latest: datetime | None = None
    totals: Mapping[str, int] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    datasets: frozenset[str] = frozenset()
    changed_at: datetime


@dataclass(frozen=True, kw_only=True)
class TrackingReport(Question[Report | None]):
    """What a live run has reported. All of them are asked in a few calls together. None: it does not exist (any more)."""

    experiment_id: str
    run_id: str


@dataclass(frozen=True)
class OpenRun:
    """A run that counts as running, and for whom it was made; the owner's UID is the one that claimed it."""

    id: str
    experiment_id: str
    owner: Owner


@dataclass(frozen=True, kw_only=True)
class OpenTrackingRuns(Question[tuple[OpenRun, ...]]):
    """Runs of this installation that have not ended, in all experiments; the oldest, where there are very many."""

    installation: str


@dataclass(frozen=True, kw_only=True)
class EnsureTrackingRun(Effect):
    """There is exactly one run for this owner's UID, in the experiment of this name (made when absent)."""

    experiment: str
    run_name: str
    owner: Owner
    spec_hash: str
    parameters: Tags = ()
    tags: Tags = ()

    def assumed(self) -> Mapping[Question[Any], object]:
        """See `Effect.assumed`."""
        question = FindTrackingRun(connection=self.connection, experiment=self.experiment, owner=self.owner, spec_hash=self.spec_hash)
        return {question: TrackingRun(id=PENDING_ID, experiment_id=PENDING_ID, status=TrackingStatus.RUNNING, owner_uid=self.owner.uid)}

    def deed(self) -> tuple[str, str]:
        """See `Effect.deed`."""
        return "TrackingRunOpened", f"run {self.run_name} is open in experiment {self.experiment}"

    def __str__(self) -> str:
        return f"EnsureTrackingRun(experiment={self.experiment}, run_name={self.run_name})"


@dataclass(frozen=True, kw_only=True)
class DescribeTrackingRun(Effect):
    """The live run carries these tags, and lists the dataset as an input. One that was not made for the owner with this UID is left alone."""

    owner_uid: str
    experiment_id: str
    run_id: str
    tags: Tags = ()
    dataset: TrackedDataset | None = None

    @property
    def question(self) -> TrackingReport:
        """What is learnt anew."""
        return TrackingReport(connection=self.connection, experiment_id=self.experiment_id, run_id=self.run_id)

    def assumed(self) -> Mapping[Question[Any], object]:
        """See `Effect.assumed`."""
        inputs = frozenset({self.dataset.short_digest} if self.dataset else ())
        return {self.question: Report(owner_uid=self.owner_uid, tags=dict(self.tags), datasets=inputs, changed_at=NEVER)}

    def deed(self) -> tuple[str, str]:
        """See `Effect.deed`."""
        return "TrackingRunDescribed", f"tracked run {self.run_id} names its attempt, image and data"

    def __str__(self) -> str:
        return f"DescribeTrackingRun(run_id={self.run_id}, tags={dict(self.tags)}, dataset={self.dataset.name if self.dataset else None})"


@dataclass(frozen=True, kw_only=True)
class CloseTrackingRun(Effect):
    """The run has ended like this. `ending` (JSON) is remembered on it: a recreated object adopts it as its own end.

    A run that does not exist any more counts as closed. One that was not made for the owner with this UID is left alone, as if it did not exist.
    """

    owner_uid: str
    experiment_id: str
    run_id: str
    status: TrackingStatus
    ending: str = ""
    tags: Tags = ()

    def assumed(self) -> Mapping[Question[Any], object]:
        """See `Effect.assumed`."""
        closed = TrackingRun(id=self.run_id, experiment_id=self.experiment_id, status=self.status, owner_uid=self.owner_uid, ending=self.ending)
        return {TrackingRunState(connection=self.connection, experiment_id=self.experiment_id, run_id=self.run_id): closed}

    def deed(self) -> tuple[str, str]:
        """See `Effect.deed`."""
        return "TrackingRunClosed", f"tracked run {self.run_id} is closed as {self.status}"

    def __str__(self) -> str:
        return f"CloseTrackingRun(run_id={self.run_id}, status={self.status})"
