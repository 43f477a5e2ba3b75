"""Where the models lie that an evaluation measures, and where what it finds is stored: beside the tracked run's files, or in the run's output."""

from dataclasses import dataclass, replace

from treadle.api.base import is_store_uri
from treadle.api.reasons import Reason
from treadle.connections.installation import Refusal
from treadle.connections.tracking import TrackingRun
from treadle.contracts.evaluate import OWN
from treadle.contracts.training import MODEL_FOLDER
from treadle.training import environment
from treadle.training.comparison import own_image
from treadle.training.models import chosen_model
from treadle.training.run import ClaimFolder, Run, Store, Tracking, Waiting
from treadle.training.stores import store_of

MODELS_DIRECTORY = "/models"
CLAIM_DIRECTORY = "/output/model"
"""Where a model is seen that lies in a claim: apart from fetched ones, since a volume cannot be mounted within one that is read-only."""
FOLDER = "treadle"
"""What Treadle stores of a run: below the files of the tracked run, or below the run's output."""


@dataclass(frozen=True)
class Files:
    """Where a model's files are, and how they are reached.

    Attributes:
        version: as in the contract: empty for the run's own model.
        store: of the `uri`; or the folder of a claim that is mounted.
        any_kind: they need not be what MLflow saves: an image of the user reads them.
    """

    version: str
    uri: str
    store: Store | ClaimFolder
    any_kind: bool = False

    @property
    def name(self) -> str:
        """What its folders are called in the pod."""
        return f"version-{self.version}" if self.version else "model"

    @property
    def directory(self) -> str:
        """Where they will be in the pod."""
        return CLAIM_DIRECTORY if isinstance(self.store, ClaimFolder) else f"{MODELS_DIRECTORY}/{self.name}"

    @property
    def answers(self) -> str:
        """Where a user's image leaves what it measured, below the folder of what is found."""
        return f"answers/{self.name}"


@dataclass(frozen=True)
class Folder:
    """Where what is found is stored."""

    uri: str
    store: Store


def own_files(run: Run) -> Files | Waiting | None:
    """The run's own model: the one it logged, or the one it left in its output when nothing tracks it. None while it is not known."""
    if run.tracking is None:
        return _left_files(run)
    if not isinstance(run.ended_as, TrackingRun):
        return None
    model = chosen_model(run.spec, run.ended_as)
    return model if isinstance(model, Waiting) else files_of(run, OWN, model.artifact_uri)


def files_of(run: Run, version: str, artifact_uri: str) -> Files | Waiting:
    """The files of a model that the tracking server keeps."""
    settings = run.tracking.connection.settings if isinstance(run.tracking, Tracking) else None
    uri = settings.artifact_uri(artifact_uri) if settings else artifact_uri
    if not is_store_uri(uri):
        message = f"the files of the model are at {uri or 'an unknown place'}, which pods cannot read; set artifactStore of the MLflow connection"
        return Waiting(Reason.ModelNotServable, message, stalled=True)
    store = store_of(run.installation, run.spec, run.ref, uri)
    return Waiting(store.reason, store.message, stalled=True) if isinstance(store, Refusal) else Files(version, uri, store)


def folder_of(run: Run) -> Folder | None:
    """Where Treadle stores files about the run; None where pods cannot write to an object store."""
    if run.tracking is None:
        uri = environment.output_uri(run)
        return Folder(f"{uri}{FOLDER}", run.output) if isinstance(run.output, Store) else None
    settings = run.tracking.connection.settings if isinstance(run.tracking, Tracking) else None
    uri = settings.artifact_uri(run.ended_as.artifact_uri) if settings and isinstance(run.ended_as, TrackingRun) else ""
    if not is_store_uri(uri):
        return None
    store = store_of(run.installation, run.spec, run.ref, uri)
    return Folder(f"{uri.rstrip('/')}/{FOLDER}", store) if isinstance(store, Store) else None


def _left_files(run: Run) -> Files | Waiting:
    asked = run.spec.evaluate
    any_kind = asked is not None and own_image(asked)
    match run.output:
        case ClaimFolder() as output:
            folder = replace(output, path=f"{environment.output_folder(output, run.name)}/{MODEL_FOLDER}")
            return Files(OWN, "", folder, any_kind)
        case Store() as store:
            return Files(OWN, f"{environment.output_uri(run)}{MODEL_FOLDER}", store, any_kind)
        case Refusal() as refused:
            return Waiting(refused.reason, refused.message, stalled=True)
    return Waiting(Reason.ModelNotLogged, "nothing tracks the run, and it has no spec.output to leave a model in", stalled=True)
