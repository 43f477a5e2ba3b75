"""What Treadle writes about a ModelDeployment. `ModelDeploymentMemory` is what its plan reads back: only what the world cannot tell."""

from typing import Annotated, Literal

from pydantic import Field

from treadle.api.base import Atomic, Digest, ListMap, Measure, Model, Percent, StoreUri, bounded
from treadle.api.status import Commands, Instant, Place, Recent, Said, Text

HISTORY = 10


class Revision(Model):
    """A model version that serves, pinned so that pods can start while the registry is down."""

    model: Text | None = None
    """Registered model, as the registry knows it."""
    version: Text | None = None
    """Version; silent for a model named by URI."""
    revision: Annotated[str, bounded(16, r"^[0-9a-f]+$")]
    """Digest of what the user asked for; part of the Deployment's name."""
    uri: StoreUri
    """Where the artefact is stored."""
    digest: Digest | None = None
    """Digest of the artefact."""
    run: Text | None = None
    """MLflow run that the version comes from."""
    since: Instant | None = None
    """Since when it serves in this role."""


class Ending(Model):
    """A decision to give a version up, remembered before its traffic is taken back."""

    outcome: Literal["RolledBack", "Aborted", "Superseded"]
    """What becomes of it."""
    reason: Text
    """Why, in one word."""
    message: Said = ""
    """Why, in a sentence."""
    decided_at: Instant | None = None
    """When it was decided."""


class Canary(Revision):
    """The version that is proving itself, and how far it is."""

    stage: Literal["Preparing", "Judging", "TakingOver", "Leaving"] = "TakingOver"
    """Preparing: pods come up. Judging: it gets traffic. TakingOver: it needs no more proof. Leaving: its traffic goes back, then its pods go."""
    step: Annotated[int, Field(ge=0)] = 0
    """Current step, from 0."""
    weight: Percent = 0
    """Percent of the traffic that it answers."""
    shadow: Percent = 0
    """Percent of the other requests of which it gets a copy."""
    started_at: Instant | None = None
    """When the rollout began."""
    step_started_at: Instant | None = None
    """When every ready stable pod had the step's weight."""
    sequence: Annotated[int, Field(ge=0)] = 0
    """Number of the last weight order to the pods."""
    looks: Annotated[int, Field(ge=0)] = 0
    """How often the evidence of this step was looked at."""
    judged_at: Instant | None = None
    """When the evidence was looked at at the end of this step; after an inconclusive look it is looked at again whenever it has doubled."""
    verdict: Said = ""
    """What the last look said, with its numbers."""
    ending: Ending | None = None
    """Why it is leaving."""


class RefusedVersion(Model):
    """A version that was given up, and is not tried again by itself."""

    version: Text
    """Version."""
    reason: Text
    """Why, in one word."""
    message: Said = ""
    """Why, in a sentence."""
    at: Instant | None = None
    """When."""
    tagged: bool = False
    """Whether the registry says so too."""


class Promotion(Model):
    """A decision to move the promoted alias, remembered before it is carried out."""

    alias: Text
    """Alias that is moved."""
    version: Text
    """Version it is moved to."""
    replaces: Text | None = None
    """Version that held it when this was decided; the alias is moved from there only."""
    evidence: Said = ""
    """What the decision rests on."""
    decided_at: Instant | None = None
    """When it was decided."""
    moved: bool = False
    """Whether the alias has been moved."""


class HistoryEntry(Model):
    """What became of a version."""

    version: Text
    """Version, or revision for a model named by URI."""
    outcome: Literal["Promoted", "Serving", "RolledBack", "Aborted", "Superseded", "Pinned"]
    """What became of it."""
    why: Said = ""
    """Why."""
    when: Instant | None = None
    """When."""


class DriftWatch(Model):
    """What was found of the inputs and answers of live traffic, window by window."""

    revision: Annotated[str, bounded(16, r"^[0-9a-f]+$")]
    """Revision whose traffic is watched."""
    seconds: Annotated[int, Field(ge=1)]
    """Length of a window."""
    window: Annotated[int, Field(ge=0)] = 0
    """Number of the last window that was judged: it began so many lengths after 1970."""
    judged_at: Instant | None = None
    """When it was judged."""
    detected: bool = False
    """Whether there is drift: from a window that surely drifted, until two in a row are calm."""
    since: Instant | None = None
    """Since when there is."""
    calm: Annotated[int, Field(ge=0)] = 0
    """Calm windows in a row, while there is drift."""
    raised: Said = ""
    """What the last drifted window said, with its numbers."""
    last: Said = ""
    """What the last judged window said, with its numbers."""


class VersionAccuracy(Model):
    """How often a version was right, of its answers whose true label callers told."""

    version: Text
    """Version; of a model named by URI, what its pods call it."""
    value: Measure
    """Share of these answers that were right, 0 to 1."""
    low: Measure
    """Lower end of the 95 % interval of that share (Wilson's)."""
    high: Measure
    """Upper end of that interval."""
    right: Annotated[int, Field(ge=0)]
    """Answers that were right."""
    labels: Annotated[int, Field(ge=1)]
    """Answers whose true label was told."""


class LiveAccuracy(Model):
    """What true labels say of the versions, as callers told them in the last 24 windows."""

    revision: Annotated[str, bounded(16, r"^[0-9a-f]+$")]
    """Revision whose pods counted."""
    seconds: Annotated[int, Field(ge=1)]
    """Length of a window: that of drift."""
    window: Annotated[int, Field(ge=0)]
    """Number of the last window that is counted: it began so many lengths after 1970."""
    versions: Annotated[tuple[VersionAccuracy, ...], Recent(), ListMap("version")] = ()
    """Each version that answered."""


class ModelDeploymentMemory(Model):
    """What the plan of a ModelDeployment reads back from status."""

    stable: Revision | None = None
    """The version that serves."""
    canary: Canary | None = None
    """The version that is proving itself."""
    previous: Annotated[tuple[Revision, ...], Recent(), ListMap("revision")] = ()
    """Former revisions that are kept."""
    refused: Annotated[tuple[RefusedVersion, ...], Recent(), ListMap("version")] = ()
    """Versions that were given up."""
    promotion: Promotion | None = None
    """The latest decision to move the promoted alias."""
    history: Annotated[tuple[HistoryEntry, ...], Recent(HISTORY), Atomic()] = ()
    """What became of the last versions."""
    drift: DriftWatch | None = None
    """What is known of drift, where it is watched."""
    accuracy: LiveAccuracy | None = None
    """How often answers were right, where drift is watched and callers tell true labels."""
    commands: Commands = ()
    """Commands that were handled."""


class ModelDeploymentStatus(ModelDeploymentMemory):
    """What people and programs see of a ModelDeployment."""

    model: Text | None = None
    """What serves, as model/version."""
    candidate: Text | None = None
    """What is proving itself, as model/version."""
    replicas: Annotated[int, Field(ge=0)] | None = None
    """Pods of the stable version."""
    ready_replicas: Annotated[int, Field(ge=0)] | None = None
    """Those of them that are ready."""
    ready: Text | None = None
    """Ready of wanted pods, as 2/3."""
    selector: Annotated[str, Field(max_length=1024)] | None = None
    """Labels of the stable pods, for kubectl scale and autoscalers."""
    url: Place | None = None
    """Address inside the cluster."""
    external_url: Place | None = None
    """Address outside the cluster."""


__all__ = [
    "Canary",
    "DriftWatch",
    "Ending",
    "HistoryEntry",
    "LiveAccuracy",
    "ModelDeploymentMemory",
    "ModelDeploymentStatus",
    "Promotion",
    "RefusedVersion",
    "Revision",
    "VersionAccuracy",
]
