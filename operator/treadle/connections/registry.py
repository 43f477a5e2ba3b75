"""Words about the model registry: what may be asked and wished. Data only; `mlflow.py` answers and fulfils."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from treadle.connections.installation import Owner
from treadle.connections.tracking import PENDING_ID, Tags
from treadle.plan import Effect, Question

GATES_TAG = "treadle.gates"
"""Tag of a version: what the gates of its run said, `Passed`, or `None` when the run had no gates. Only such versions are registered."""
RUN_TAG = "treadle.run"
"""Tag of a version: the TrainingRun that made it, `<namespace>/<name>`."""
DATASET_TAG = "treadle.dataset"
"""Tag of a version: the digest of the dataset version it was trained on."""
EVALUATION_TAG = "treadle.evaluation."
"""Prefix of tags of a version: what it measures on a split of a dataset version, as JSON; see `evaluation_tag`."""
SMOKE_TAG = "treadle.smoke"
"""Tag of a version: an item that the model answered right when it was evaluated, as JSON: `uri`, `sha256`, `label`, `score`."""
FILES_TAG = "treadle.files"
"""Tag of a version: the digest of its files as they were evaluated. Pods that serve it take no others."""
REFERENCE_TAG = "treadle.reference"
"""Tag of a version: the stored reference of drift (`contracts.sketch.Reference`), as JSON: `uri`, `sha256`."""
METRIC_TAG = "treadle.metric."
"""Prefix of tags of a version: the metrics that its gates judged."""


def evaluation_tag(dataset_digest: str, split: str, measure: str = "") -> str:
    """The tag that keeps what a version measures on this split of this dataset version. `measure` tells apart who measured: two images may mean
    different things by the same metric.

    >>> evaluation_tag("sha256:" + "ab" * 32, "test")
    'treadle.evaluation.abababababababab.test'
    """
    return ".".join(filter(None, (f"{EVALUATION_TAG}{dataset_digest.removeprefix('sha256:')[:16]}", split, measure)))


@dataclass(frozen=True, kw_only=True)
class ModelVersion:
    """A version of a registered model.

    Attributes:
        model: full name of the registered model.
        version: a number, as a string like everywhere in MLflow.
        run_id: the tracked run that made it, or empty.
        source: what was registered, e.g. `models:/m-0123` or a URI.
        artifact_uri: where its files are, e.g. `mlflow-artifacts:/...` or `s3://...`; see `MlflowSettings.artifact_uri`.
        tags: of the version.
    """

    model: str
    version: str
    run_id: str = ""
    source: str = ""
    artifact_uri: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ModelAlias(Question[ModelVersion | None]):
    """What an alias points at. None: confirmed that the model has no such alias, or does not exist."""

    model: str
    alias: str


@dataclass(frozen=True, kw_only=True)
class ModelVersionOf(Question[ModelVersion | None]):
    """A version by its number; or the one that came from a run and was made from this source, the lowest if several were. None: confirmed absent.

    A run alone names no version: each of its attempts may have registered a model by itself.
    """

    model: str
    version: str | None = None
    run_id: str | None = None
    source: str | None = None


@dataclass(frozen=True, kw_only=True)
class EnsureModelVersion(Effect):
    """The model that the run logged as `source` is a version of this registered model (made when absent); one that the script registered itself is
    taken. Versions made from something else that the run logged are left alone.
    """

    model: str
    run_id: str
    source: str
    owner: Owner
    tags: Tags = ()

    @property
    def question(self) -> ModelVersionOf:
        """What is learnt anew."""
        return ModelVersionOf(connection=self.connection, model=self.model, run_id=self.run_id, source=self.source)

    def assumed(self) -> Mapping[Question[Any], object]:
        """See `Effect.assumed`."""
        made = ModelVersion(model=self.model, version=PENDING_ID, run_id=self.run_id, source=self.source, tags=dict(self.tags))
        return {self.question: made}

    def deed(self) -> tuple[str, str]:
        """See `Effect.deed`."""
        return "ModelVersionMade", f"the model of tracked run {self.run_id} is a version of {self.model}"

    def __str__(self) -> str:
        return f"EnsureModelVersion(model={self.model}, run_id={self.run_id}, source={self.source})"


@dataclass(frozen=True, kw_only=True)
class EnsureAlias(Effect):
    """The alias points at this version. Read again just before: moved only forward (to a higher number), and only from `expected` (None: it was
    absent). Found elsewhere, nothing is moved and what holds is returned.
    """

    model: str
    alias: str
    version: str
    expected: str | None

    def assumed(self) -> Mapping[Question[Any], object]:
        """See `Effect.assumed`."""
        question = ModelAlias(connection=self.connection, model=self.model, alias=self.alias)
        return {question: ModelVersion(model=self.model, version=self.version)}

    def deed(self) -> tuple[str, str]:
        """See `Effect.deed`. Whether it moved is seen by the answer: somebody else may have been faster."""
        return "AliasRequested", f"alias {self.alias} of {self.model} shall be version {self.version}"


@dataclass(frozen=True, kw_only=True)
class TagModelVersion(Effect):
    """The version carries these tags; other tags are left alone."""

    model: str
    version: str
    tags: Tags

    def assumed(self) -> Mapping[Question[Any], object]:
        """See `Effect.assumed`."""
        tagged = ModelVersion(model=self.model, version=self.version, tags=dict(self.tags))
        return {ModelVersionOf(connection=self.connection, model=self.model, version=self.version): tagged}

    def deed(self) -> tuple[str, str]:
        """See `Effect.deed`."""
        return "ModelVersionTagged", f"{self.model} version {self.version} says {', '.join(f'{name}={value}' for name, value in self.tags)}"
