"""The order of the items: proposals are brought to people, and what teaches the most comes first; without proposals the order is random."""

from datetime import datetime, timedelta

from pydantic import ValidationError

from treadle.annotation import stages
from treadle.annotation.accept import can_order, refusal
from treadle.annotation.audit import accept_policy
from treadle.annotation.places import store_connection
from treadle.annotation.project import Project, Store
from treadle.annotation.quality import listing
from treadle.annotation.stages import Due, Ended, Step
from treadle.api.annotation_status import ProposalsReport, ProposerRecord, StoredFile, VoterReport
from treadle.api.reasons import Reason
from treadle.connections.installation import Granted
from treadle.connections.labelling import Progress
from treadle.contracts import LabelStudioConnection
from treadle.contracts.rank import Proposer, RankResult, RankSpec, Strategy
from treadle.plan import Plan, say
from treadle.workloads.states import Succeeded

CONDITION = "ItemsOrdered"
SILENT_BATCH = 200
"""Of strategies whose order changes with every answer, where spec does not say how many items are put in front at a time."""
BETWEEN = timedelta(minutes=2)
"""However small the batches are, items are not put in order anew more often than this because of answers."""
BY_ANSWERS = ("CoreSet", "Disagreement")
SAME = ("items", "proposed", "invalid", "conflicts", "taken", "audits")
"""What a Job says in the words of status."""


def step(project: Project, now: datetime) -> Step[RankResult]:
    """Where the stage stands."""
    return stages.step(project.rank, wanted(project), now)


def wanted(project: Project) -> RankSpec | None:
    """What is to be shown in which order; None where nobody asked for proposals, or there is nothing to order."""
    items, known, source = listing(project), project.memory.proposer, project.memory.source
    if project.proposer is None or items is None or not project.filled or project.backend is None or refusal(project):
        return None
    if not isinstance(project.store, Store) or not isinstance(project.label_studio, Granted):
        return None
    batch = _batch(project) if known else 0
    return RankSpec(
        labels=project.schema,
        destination=project.spec.dataset.destination,
        store=store_connection(project.store),
        label_studio=LabelStudioConnection(url=project.label_studio.settings.url, project=project.backend.id),
        items=items,
        proposer=Proposer(who=known.who, name=known.name, combined=known.combined) if known else None,
        imported=f"{source.imported_at:%Y-%m-%dT%H:%M:%S}" if source is not None and source.imported_at else "",
        asked=(known.items or "") if known else "",
        strategy=strategy(project) if known else "Random",
        batch=batch,
        turn=_answered(project) // batch if batch else 0,
        accept=accept_policy(project, known) if known else None,
        sensitive=project.spec.sensitive,
    )


def rank(project: Project, now: datetime) -> Plan:
    """Launch what is due, and say in which order people see the items."""
    if project.proposer is None or project.by_files:
        return Plan()
    standing = step(project, now)
    work, rests_until = Plan(), _rests_until(project)
    if isinstance(standing, Due) and rests_until and now < rests_until:
        work = Plan(wake_at=rests_until)
    elif isinstance(standing, Due) and (spec := wanted(project)):
        known = project.memory.proposer
        work = stages.launch(project, "rank", spec, standing.number, {"who": known.who, "name": known.name} if known else {})
    report = project.memory.proposals
    obstacle = stages.tell_obstacle(project, CONDITION, standing, "puts the items in order", now)
    ranked = project.rank.record is not None
    if obstacle is not None and not (ranked and all(c.reason in (Reason.JobRunning, Reason.Suspended) for c in obstacle.conditions)):
        return Plan.all(work, obstacle)
    wake = Plan(wake_at=obstacle.wake_at if obstacle else None)
    if report is None:
        told = "items come in random order until labels are proposed" if ranked else "items are put in order once they are there"
        return Plan.all(work, say(CONDITION, False, Reason.OrderedAtRandom if ranked else Reason.SettingUp, told), wake)
    return Plan.all(work, say(CONDITION, True, Reason.OrderedByUse, _told(project)), wake)


def brought(ended: Ended[RankResult], now: datetime) -> ProposalsReport | None:
    """What people see since a Job ended well; None for one that failed, or had nothing to bring."""
    if not isinstance(ended.state, Succeeded):
        return None
    try:
        by = ProposerRecord.model_validate(dict(ended.attempt.made_for))
    except ValidationError:  # random order, by nobody; or a tenant wrote the annotation that it is read from
        return None
    said = ended.state.result
    return ProposalsReport(
        who=by.who,
        name=by.name,
        **{field: getattr(said, field) for field in SAME},
        accepted=StoredFile(uri=said.accepted.uri, sha256=said.accepted.sha256) if said.accepted else None,
        by_voter=tuple(VoterReport(**each.model_dump()) for each in said.by_voter),
        ranked_at=ended.state.finished_at or now,
    )


def strategy(project: Project) -> Strategy:
    """By what the use of an item is estimated; without a word of spec, nothing: the order is random."""
    asked = project.spec.active_learning
    return asked.strategy if asked is not None and can_order(project.task, asked.strategy) else "Random"


def _rests_until(project: Project) -> datetime | None:
    """Until when people see the items as they are ordered; None where another proposer is known, whose order does not wait."""
    record, report, known = project.rank.record, project.memory.proposals, project.memory.proposer
    if not _batch(project) or record is None or record.result != "Succeeded" or record.finished_at is None:
        return None
    return record.finished_at + BETWEEN if report is not None and known is not None and report.who == known.who else None


def _batch(project: Project) -> int:
    asked = project.spec.active_learning
    if asked is None:
        return 0
    return asked.batch_size or (SILENT_BATCH if asked.strategy in BY_ANSWERS else 0)


def _answered(project: Project) -> int:
    """Items that somebody answered, as far as the backend tells."""
    live, told = project.progress, project.memory.progress
    return live.annotated if isinstance(live, Progress) else told.annotated if told else 0


def _told(project: Project) -> str:
    batch = _batch(project)
    by = {
        "Random": "in random order",
        "LeastConfidence": "first those whose likeliest label is least likely",
        "Margin": "first those whose two likeliest labels are closest",
        "Entropy": "first those whose labels are most uncertain",
        "CoreSet": "first those that are farthest from what is answered",
        "Disagreement": "first those on which votes or answers differ",
    }[strategy(project)]
    return f"{strategy(project)}: {by}" + (f", {batch} at a time" if batch else "")
