"""Whether a project can be worked on: what this version cannot do and what the platform does not allow is said, never silently ignored."""

from collections.abc import Iterator
from dataclasses import dataclass

from treadle.annotation.places import CLAIM_SCHEME, unsigned
from treadle.annotation.project import Project
from treadle.api import AnnotationProjectSpec
from treadle.api.annotation_source import Source
from treadle.api.images import named_images
from treadle.api.reasons import Reason
from treadle.connections.installation import Refusal
from treadle.plan import Plan, say
from treadle.tasks import NotSupportedYet, Task

LABEL_FORMATS = ("Jsonl", "Csv", "Coco", "Yolo", "Voc", "ImageFolder")
"""What labels that come with the sources may be written in."""


@dataclass(frozen=True)
class Refused:
    """Why nothing is done for the project."""

    reason: Reason
    message: str


def refusal(project: Project) -> Refused | None:
    """Why nothing is done for the project, or None."""
    for granted in (project.label_studio, project.store):
        if isinstance(granted, Refusal):
            return Refused(granted.reason, granted.message)
    account = project.spec.access.service_account_name
    if account and not project.installation.allows_account(account, project.ref.namespace):
        return Refused(Reason.AccountNotAllowed, f"service account {account} is not allowed by the platform team")
    if (wrong := project.installation.image_policy.refusal(named_images(project.spec), project.ref.namespace)) is not None:
        return Refused(Reason.ImageNotAllowed, wrong)
    if isinstance(project.task, NotSupportedYet):
        return Refused(Reason.NotSupportedYet, project.task.message)
    if missing := sorted(set(_missing(project.spec, project.task))):
        return Refused(Reason.NotSupportedYet, f"not supported yet: {', '.join(missing)}")
    return None


def tell_accepted(project: Project) -> Plan:
    """Say why the project is refused, or which of its wishes have no effect."""
    if (refused := refusal(project)) is not None:
        return say("Accepted", False, refused.reason, refused.message, stalled=True)
    if ignored := sorted(_ignored(project.spec, project.task)):
        return say("Accepted", True, Reason.NotSupportedYet, f"works without what is not supported yet: {', '.join(ignored)}")
    return Plan()


def unjudged_bounds(project: Project) -> list[str]:
    """Bounds on quality that were asked for and cannot be judged; nothing is released past them."""
    quality = project.spec.quality
    metric = quality.agreement.metric if quality.agreement is not None else "Auto"
    measures = () if isinstance(project.task, NotSupportedYet) else project.task.measures
    weighed = isinstance(project.task, NotSupportedYet) or project.task.shape == "Class"
    found = {
        f"spec.quality.consensus.method DawidSkene of {project.spec.task.type.value}": quality.consensus.method == "DawidSkene" and not weighed,
        f"spec.quality.agreement.metric {metric} of {project.spec.task.type.value}": metric != "Auto" and metric not in measures,
        "spec.quality.agreement.metric RelationF1 without spec.task.relations": metric == "RelationF1"
        and metric in measures
        and not project.schema.relations,
    }
    return [field for field, asked in found.items() if asked]


def _missing(spec: AnnotationProjectSpec, task: Task) -> Iterator[str]:
    if spec.backend.type == "Files":
        yield from _missing_places(spec)
        return
    if spec.media == "Inline" and not task.is_written:
        yield f"spec.media Inline of {task.type}"
    if spec.media == "Backend" and task.is_written:
        yield f"spec.media Backend of {task.type}"
    if spec.media == "Backend" and (elsewhere := unsigned(spec)):
        yield f"spec.media Backend of what lies {_where(elsewhere[0])}: set spec.media: Copy"
    yield from _missing_places(spec)


def _missing_places(spec: AnnotationProjectSpec) -> Iterator[str]:
    for source in spec.all_sources:
        if source.labels is not None and source.labels.format not in LABEL_FORMATS:
            yield f"spec.sources[].labels.format {source.labels.format}"


def _where(uri: str) -> str:
    return "in a claim, which no browser reaches" if uri.startswith(CLAIM_SCHEME) else f"at {uri}, to which Label Studio signs no links for us"


def _proposes(source: Source) -> bool:
    return source.labels is not None and source.labels.as_ == "Prediction"


def can_find_label_errors(task: Task | NotSupportedYet) -> bool:
    """Whether there is a model that can be asked: for one label per image or text."""
    return isinstance(task, Task) and task.shape == "Class" and task.media in ("Image", "Text")


def can_order(task: Task | NotSupportedYet, strategy: str) -> bool:
    """Whether a strategy can be followed: looking alike is known of images and texts only."""
    return strategy != "CoreSet" or (isinstance(task, Task) and (task.is_written or task.media == "Image"))


def _ignored(spec: AnnotationProjectSpec, task: Task | NotSupportedYet) -> list[str]:
    errors = spec.quality.label_errors is not None and spec.quality.label_errors.enabled
    files = [source for source in spec.all_sources if source.uri.endswith((".jsonl", ".csv"))]
    found = {
        "include, exclude and groupBy of a source that is one file": any(s.include or s.exclude or s.group_by for s in files),
        f"spec.activeLearning.strategy CoreSet of {spec.task.type.value}": spec.active_learning is not None
        and not can_order(task, spec.active_learning.strategy),
        "spec.prelabel.resources.shm": spec.prelabel is not None and spec.prelabel.resources.shm is not None,
        "spec.prelabel.resources.ephemeralStorage": spec.prelabel is not None and spec.prelabel.resources.ephemeral_storage is not None,
        "spec.removed Keep with spec.backend.type Files": spec.backend.type == "Files" and spec.removed == "Keep",
        "labels as Prediction with spec.backend.type Files": spec.backend.type == "Files" and any(map(_proposes, spec.all_sources)),
        f"spec.quality.labelErrors of {spec.task.type.value}": errors and not can_find_label_errors(task),
        "spec.jobs.resources.shm": spec.jobs.resources.shm is not None,
        "spec.jobs.resources.ephemeralStorage": spec.jobs.resources.ephemeral_storage is not None,
    }
    return [field for field, asked in found.items() if asked]
