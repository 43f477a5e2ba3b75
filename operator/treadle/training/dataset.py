"""Which dataset version a run trains on: read from the project's status until a Job pins it."""

from typing import NamedTuple

from treadle.api import AnnotationProjectStatus, DatasetPin, read_status
from treadle.api.reasons import Reason
from treadle.api.training_run import DatasetReference
from treadle.plan import Object, Plan, Ref, World, say
from treadle.training.run import Run, Waiting
from treadle.training.stores import claim_of

LATEST = "latest"


class Released(NamedTuple):
    """A version that can be trained on, or what is waited for; and whether the project's data is sensitive."""

    pin: DatasetPin | Waiting
    sensitive: bool


def resolve(reference: DatasetReference, namespace: str, world: World) -> Released:
    """What the reference means now. Reading the project subscribes to it: a release wakes the run."""
    if reference.uri is not None:
        return Released(DatasetPin(digest=(reference.digest or "").removeprefix("sha256:"), uri=reference.uri), sensitive=False)
    project = world.get(Ref("AnnotationProject", namespace, reference.project or ""))
    if project is None:
        return Released(Waiting(Reason.ProjectNotFound, f"AnnotationProject {reference.project} does not exist in this namespace"), sensitive=False)
    sensitive = bool((project.get("spec") or {}).get("sensitive"))
    status = read_status(project, AnnotationProjectStatus)
    wanted = (reference.version or LATEST).removeprefix("v")
    known = {str(version.version): version for version in (*status.releases, *((status.dataset,) if status.dataset else ()))}
    version = status.dataset if wanted == LATEST else known.get(wanted)
    if version is None and wanted != LATEST and status.dataset is not None and int(wanted) <= status.dataset.version:
        told = f"AnnotationProject {reference.project} does not remember its dataset version {wanted} any more: name it by uri and digest instead"
        return Released(Waiting(Reason.DatasetNotReleased, told, stalled=True), sensitive)
    if version is None:
        which = "a dataset version" if wanted == LATEST else f"dataset version {wanted}"
        return Released(Waiting(Reason.DatasetNotReleased, f"AnnotationProject {reference.project} has not released {which} yet"), sensitive)
    pin = DatasetPin(project=reference.project, version=version.version, digest=version.digest, uri=version.uri, claims=_claims(project))
    return Released(pin, sensitive)


def _claims(project: Object) -> tuple[str, ...]:
    """The claims in which the project's sources lie: its versions may only refer to the items there."""
    spec = project.get("spec") or {}
    places = [str(source.get("uri") or "") for source in (spec.get("source") or {}, *(spec.get("sources") or ()))]
    return tuple(sorted({folder.claim for uri in places if (folder := claim_of(uri))}))


def tell_dataset(run: Run) -> Plan:
    """Say which version it is, or what is waited for."""
    match run.memory.dataset or run.dataset:
        case Waiting(reason, message, stalled):
            return say("DatasetResolved", False, reason, message, stalled=stalled)
        case DatasetPin(project=str() as project, version=int() as version):
            return say("DatasetResolved", True, Reason.DatasetPinned, f"version {version} of {project}")
        case DatasetPin(uri=uri):
            return say("DatasetResolved", True, Reason.DatasetPinned, uri)
    return Plan()
