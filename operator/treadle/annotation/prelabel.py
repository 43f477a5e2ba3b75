"""Pre-labelling: a model, a user's image or labelling functions are asked about the items, each item once by each model version."""

from datetime import datetime

from pydantic import ValidationError

from treadle.annotation import stages
from treadle.annotation.accept import refusal
from treadle.annotation.places import store_connection
from treadle.annotation.prelabel_job import prelabel_job
from treadle.annotation.project import Project, Store
from treadle.annotation.proposer import Absent, Proposer
from treadle.annotation.quality import listing
from treadle.annotation.stages import Due, Ended, Step
from treadle.api.annotation_status import ProposalsReport, ProposerRecord
from treadle.api.reasons import Reason
from treadle.connections.installation import Refusal
from treadle.contracts import Blob
from treadle.contracts.prelabel import MOST_SHARDS, PrelabelResult, PrelabelSpec
from treadle.plan import Create, Plan, do, say
from treadle.workloads.states import Succeeded

CONDITION = "Prelabelled"
PER_SHARD = 2000
"""Items that one pod takes on, until there are as many pods as there may be."""


def step(project: Project, now: datetime) -> Step[PrelabelResult]:
    """Where the stage stands."""
    return stages.step(project.prelabel, wanted(project), now)


def wanted(project: Project) -> PrelabelSpec | None:
    """What is to be asked of whom; None while there is nobody, or nothing to ask about."""
    items, proposer = listing(project), project.proposer
    if not isinstance(proposer, Proposer) or items is None or not project.filled or refusal(project) or not isinstance(project.store, Store):
        return None
    if isinstance(project.model_store, Refusal):
        return None
    return PrelabelSpec(
        task=project.schema.task,
        store=store_connection(project.store),
        destination=project.spec.dataset.destination,
        items=items,
        who=proposer.who,
        shards=shards(_unasked(project, proposer, items)),
        programs=proposer.programs,
        sensitive=project.spec.sensitive,
    )


def shards(items: int) -> int:
    """How many pods share so many items."""
    return max(1, min(-(-items // PER_SHARD), MOST_SHARDS))


def _unasked(project: Project, proposer: Proposer, items: Blob) -> int:
    """How many items this proposer was never asked about; all of them, unless it is known that there are fewer. So many pods are worth their while:
    which items are asked about does not depend on it, since pods pass over what has an answer, and over nothing else.
    """
    known, source = project.memory.proposer, project.memory.source
    if source is None:
        return 0
    if known is None or known.who != proposer.who:
        return source.items
    if known.items == items.sha256:
        return 0
    return source.items if source.unasked is None else source.unasked


def prelabel(project: Project, now: datetime) -> Plan:
    """Launch what is due, and say who proposes labels. Whoever proposed before goes on until the next one has answered."""
    if project.proposer is None:
        return Plan()
    standing = step(project, now)
    work = _launch(project, standing)
    obstacle = stages.tell_obstacle(project, CONDITION, standing, "asks about the items", now)
    known = project.memory.proposer
    working = obstacle is not None and all(c.reason in (Reason.JobRunning, Reason.Suspended) for c in obstacle.conditions)
    if obstacle is not None and not (known and working):
        return Plan.all(work, obstacle)
    absent = _absent(project)
    if absent is not None:
        meanwhile = f"{known.name} goes on proposing" if known else "items come in random order, without proposals"
        return Plan.all(work, say(CONDITION, False, absent.reason, f"{absent.message}: {meanwhile}", stalled=absent.stalled))
    if known is None:
        return Plan.all(work, say(CONDITION, False, Reason.SettingUp, "labels are proposed once there are items to annotate"))
    news = f"; {project.proposer.name} is being asked" if isinstance(project.proposer, Proposer) and project.proposer.who != known.who else ""
    told = say(CONDITION, True, Reason.LabelsProposed, told_of(known, project.memory.proposals) + news)
    return Plan.all(work, told, Plan(wake_at=obstacle.wake_at if obstacle else None))


def found(ended: Ended[PrelabelResult]) -> ProposerRecord | None:
    """Who has answered, once a Job has ended well; None for one that failed."""
    if not isinstance(ended.state, Succeeded):
        return None
    try:
        return ProposerRecord.model_validate(dict(ended.attempt.made_for))
    except ValidationError:  # tenants can write the annotation that it is read from
        return None


def told_of(known: ProposerRecord, report: ProposalsReport | None) -> str:
    """What is proposed, with numbers once it has been brought to people."""
    if report is None or report.who != known.who:
        return f"{known.name} has answered"
    refused = f", {report.invalid} answers are no labels of this project" if report.invalid else ""
    conflicts = f", functions contradict each other on {report.conflicts}" if known.combined else ""
    return f"{known.name} proposes labels for {report.proposed} of {report.items} items{refused}{conflicts}"


def _launch(project: Project, standing: Step[PrelabelResult]) -> Plan:
    spec, proposer = wanted(project), project.proposer
    if not isinstance(standing, Due) or spec is None or not isinstance(proposer, Proposer) or not isinstance(project.store, Store):
        return Plan()
    if project.spec.suspend:
        return Plan()
    model_store = project.model_store if isinstance(project.model_store, Store) else project.store
    return do(Create(prelabel_job(project, proposer, model_store, spec, standing.number)))


def _absent(project: Project) -> Absent | None:
    if isinstance(project.proposer, Absent):
        return project.proposer
    if isinstance(project.model_store, Refusal):
        return Absent(project.model_store.reason, project.model_store.message, stalled=True)
    return None
