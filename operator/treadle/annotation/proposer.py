"""Who proposes labels: a registered model as the registry has it now, a user's image, or labelling functions."""

from dataclasses import dataclass

from treadle.api import AnnotationProjectSpec
from treadle.api.base import is_store_uri
from treadle.api.common import DEFAULT_CONNECTION, ModelReference
from treadle.api.names import digest
from treadle.api.reasons import Reason
from treadle.connections.installation import Installation, MlflowSettings, Refusal
from treadle.connections.registry import ModelAlias, ModelVersion, ModelVersionOf
from treadle.plan import Ref, Unavailable, World
from treadle.tasks import NotSupportedYet, Task

MODEL = "model"
"""What the one program is called that is no labelling function."""
CHAMPION = "champion"
DIGITS = 16
NAME_LENGTH = 100
SHORT = 6  # digits that people see


@dataclass(frozen=True, kw_only=True)
class Proposer:
    """Somebody who can be asked.

    Attributes:
        who: digest of all that its answers depend on, apart from the items.
        name: what people see beside its proposals.
        programs: who answers; several labelling functions, whose votes are combined.
        model: where the files of the model are; empty for programs of users.
    """

    who: str
    name: str
    programs: tuple[str, ...] = (MODEL,)
    model: str = ""

    @property
    def combined(self) -> bool:
        """Whether votes are combined."""
        return self.programs != (MODEL,)


@dataclass(frozen=True)
class Absent:
    """Why nobody can be asked now."""

    reason: Reason
    message: str
    stalled: bool = False


def find_proposer(
    installation: Installation, spec: AnnotationProjectSpec, task: Task | NotSupportedYet, ref: Ref, world: World
) -> Proposer | Absent | None:
    """Who proposes by spec; None where nobody is asked for.

    Raises:
        Unanswered: when the registry was never asked.
    """
    if isinstance(task, NotSupportedYet):
        return None
    if spec.backend.type == "Files" and (spec.labeling_functions or spec.prelabel):
        return Absent(Reason.LabelsFromFiles, "nobody annotates with backend type Files, so nobody is to see proposals", stalled=True)
    if spec.labeling_functions:
        return _functions(spec, task)
    if spec.prelabel is None:
        return None
    if task.shape == "Answer":
        return Absent(Reason.NotSupportedYet, f"spec.prelabel of {task.type} is not supported yet: people see items without proposals", stalled=True)
    if spec.prelabel.model is None:
        asked = [task.type, spec.prelabel.image, list(spec.prelabel.command or ())]
        who = digest(asked, DIGITS)
        return Proposer(who=who, name=f"image/{who[:SHORT]}")
    if task.shape not in ("Class", "Boxes", "Rating"):
        return Absent(Reason.NotSupportedYet, f"spec.prelabel.model of {task.type} is not supported yet: set image instead", stalled=True)
    return _registered(installation, spec.prelabel.model, task, ref, world)


def _functions(spec: AnnotationProjectSpec, task: Task) -> Proposer | Absent:
    functions = spec.labeling_functions or ()
    if task.shape not in ("Class", "Rating"):
        return Absent(Reason.NotSupportedYet, f"spec.labelingFunctions vote for one label per item, which {task.type} has not", stalled=True)
    who = digest([task.type, sorted([each.name, each.image, list(each.command)] for each in functions)], DIGITS)
    return Proposer(who=who, name=f"functions/{who[:SHORT]}", programs=tuple(sorted(each.name for each in functions)))


def _registered(installation: Installation, asked: ModelReference, task: Task, ref: Ref, world: World) -> Proposer | Absent:
    granted = installation.mlflow(asked.connection or DEFAULT_CONNECTION, ref.namespace)
    if isinstance(granted, Refusal):
        return Absent(granted.reason, granted.message, stalled=True)
    name = granted.settings.model_name(granted.namespace, asked.name)
    if asked.version:
        words = f"{name} version {asked.version}"
        found = world.ask(ModelVersionOf(connection=granted.key, model=name, version=asked.version))
    else:
        words = f"{name}@{asked.alias or CHAMPION}"
        found = world.ask(ModelAlias(connection=granted.key, model=name, alias=asked.alias or CHAMPION))
    match found:
        case Unavailable(_, reason, cause, stalled):
            return Absent(cause, reason, stalled=stalled)
        case ModelVersion():
            return _of_version(found, words, granted.settings, task)
    return Absent(Reason.ModelNotFound, f"the registry has no {words}")


def _of_version(found: ModelVersion, words: str, settings: MlflowSettings, task: Task) -> Proposer | Absent:
    uri = settings.artifact_uri(found.artifact_uri or found.source)
    if not is_store_uri(uri):
        told = f"the files of {words} are at {uri or 'an unknown place'}, which pods cannot read; set artifactStore of the MLflow connection"
        return Absent(Reason.ModelNotServable, told, stalled=True)
    who = digest([task.type, found.model, found.version], DIGITS)
    return Proposer(who=who, name=f"{found.model[-NAME_LENGTH:]}/{found.version}", model=uri)
