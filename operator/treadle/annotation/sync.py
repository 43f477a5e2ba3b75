"""Items: what is at the sources becomes tasks in the labelling project, again in every resync interval."""

from datetime import datetime, timedelta

from treadle.annotation import restore, stages
from treadle.annotation.accept import refusal
from treadle.annotation.places import store_connection, unsigned
from treadle.annotation.project import Project, Store
from treadle.annotation.protect import latest_snapshot
from treadle.annotation.stages import Due, Ended, Step
from treadle.api.annotation_source import Source as AskedSource
from treadle.api.annotation_status import SourceContent, StoredFile
from treadle.api.reasons import Reason
from treadle.connections.installation import Granted
from treadle.contracts import Blob, LabelStudioConnection
from treadle.contracts.feedback import TOLD
from treadle.contracts.sync import EarlierAnswers, GoldSource, KeptLabels, Source, SourceFields, SourceLabels, SyncResult, SyncSpec
from treadle.plan import Plan, say
from treadle.workloads.states import Succeeded

RESYNC = timedelta(minutes=10)
CONDITION = "SourceSynced"
NOTES = (f"{TOLD}/*", f"*/{TOLD}/*")
"""Patterns of what deployments say of the items that they sent back: it lies beside these, and is none. A source may hold those of several."""


def step(project: Project, now: datetime) -> Step[SyncResult]:
    """Where the stage stands."""
    return stages.step(project.sync, wanted(project, now), now)


def wanted(project: Project, now: datetime) -> SyncSpec | None:
    """The sync of this resync interval; None while there is no project to bring items into."""
    if (project.backend is None and not project.by_files) or refusal(project) or not isinstance(project.store, Store):
        return None
    workforce = project.spec.workforce
    return SyncSpec(
        labels=project.schema,
        sources=tuple(_source(asked) for asked in project.spec.all_sources),
        destination=project.spec.dataset.destination,
        store=store_connection(project.store),
        label_studio=labelling_connection(project),
        removed=project.spec.removed,
        gold=GoldSource(uri=gold.uri, percent=gold.percent) if (gold := project.spec.quality.gold) else None,
        sensitive=project.spec.sensitive,
        slot=_wanted_slot(project, now),
        copy_media=_copies(project),
        earlier=_earlier(project),
        asked=known.items if (known := project.memory.proposer) else None,
        answers_per_item=1 if project.by_files else workforce.annotations_per_item,
        restore=None if project.by_files else restore.wanted(project),
        keep=KeptLabels(annotations_per_item=workforce.annotations_per_item, overlap_percent=workforce.overlap_percent) if project.by_files else None,
    )


def _source(asked: AskedSource) -> Source:
    fields, labels = asked.fields, asked.labels
    fed_back = asked.kind == "Feedback"
    return Source(
        name=asked.name,
        uri=asked.uri,
        include=asked.include,
        exclude=(*asked.exclude, *NOTES) if fed_back else asked.exclude,
        group_by=asked.group_by or "",
        fields=SourceFields(**fields.model_dump(exclude_none=True)) if fields is not None else None,
        labels=SourceLabels.model_validate({"format": labels.format, "uri": labels.uri, "kind": labels.as_}) if labels is not None else None,
        kind="Feedback" if fed_back else "Items",
    )


def _copies(project: Project) -> bool:
    """Whether items are copied into the labelling backend: as asked, or since no browser reaches where some of them are."""
    return not project.by_files and (project.spec.media == "Copy" or (project.spec.media is None and bool(unsigned(project.spec))))


def _earlier(project: Project) -> EarlierAnswers | None:
    """What people had answered when that was last kept."""
    source, snapshot = project.memory.source, latest_snapshot(project)
    if project.by_files or snapshot is None or source is None or source.project is None:
        return None
    return EarlierAnswers(snapshot=Blob(uri=snapshot.uri, sha256=snapshot.sha256), project=source.project)


def sync(project: Project, now: datetime) -> Plan:
    """Launch what is due, and say what is at the sources. A sync under way does not take back what the last one found."""
    standing = step(project, now)
    work = Plan()
    if isinstance(standing, Due) and (spec := wanted(project, now)):
        made_for = {"project": str(spec.label_studio.project if spec.label_studio else 0), "slot": str(spec.slot)}
        made_for |= {restore.COMMAND: spec.restore.sha256} if spec.restore else {}
        work = stages.launch(project, "sync", spec, standing.number, made_for)
    obstacle = stages.tell_obstacle(project, CONDITION, standing, "lists the sources", now)
    known = project.items
    quiet = known is not None and all(c.reason in (Reason.JobRunning, Reason.Suspended) for c in (obstacle.conditions if obstacle else ()))
    is_set_up = project.by_files or project.backend is not None
    again = Plan(wake_at=project.created + (_slot(project, now) + 1) * _resync(project)) if is_set_up and not project.spec.suspend else Plan()
    if obstacle is not None and not quiet:
        return Plan.all(work, obstacle, again)
    if known is not None:
        return Plan.all(work, say(CONDITION, True, Reason.Synced, _told(known)), again, Plan(wake_at=obstacle.wake_at if obstacle else None))
    return Plan.all(work, say(CONDITION, False, Reason.SettingUp, "the sources are listed once the labelling project is set up"), again)


def found(ended: Ended[SyncResult], now: datetime, before: SourceContent | None) -> SourceContent | None:
    """What a sync that has ended well found; None for one that failed. `before`: what the one before it found."""
    if not isinstance(ended.state, Succeeded):
        return None
    said = ended.state.result
    project = ended.attempt.made_for.get("project", "")
    return SourceContent(
        digest=said.digest,
        items=said.items,
        added=said.added,
        removed=said.removed,
        unreadable=said.unreadable,
        unreadable_example=said.examples[0] if said.examples else "",
        unreadable_list=StoredFile(uri=said.unreadable_list.uri, sha256=said.unreadable_list.sha256) if said.unreadable_list else None,
        broken_notes=said.broken_notes,
        passed_over=said.passed_over,
        duplicates=said.duplicates,
        gold=said.gold,
        listing=StoredFile(uri=said.listing.uri, sha256=said.listing.sha256),
        annotations=StoredFile(uri=said.annotations.uri, sha256=said.annotations.sha256) if said.annotations else None,
        answers=said.answers,
        annotated=said.annotated,
        finished=said.finished,
        asked_again=said.asked_again,
        snapshot=StoredFile(uri=said.snapshot.uri, sha256=said.snapshot.sha256) if said.snapshot else None,
        unasked=said.unasked,
        project=int(project) if project.isdigit() and int(project) else None,
        imported_at=(ended.state.finished_at or now) if said.added else before.imported_at if before else None,
        synced_at=ended.state.finished_at or now,
    )


def labelling_connection(project: Project) -> LabelStudioConnection | None:
    """The labelling project as Jobs are told of it; None without one."""
    if project.backend is None or not isinstance(project.label_studio, Granted):
        return None
    return LabelStudioConnection(url=project.label_studio.settings.url, project=project.backend.id)


def _wanted_slot(project: Project, now: datetime) -> int:
    """The present interval. One whose sync failed is tried until it succeeds, so that the next interval does not cut the pauses short."""
    record, present = project.sync.record, _slot(project, now)
    return min(record.slot, present) if record and record.result == "Failed" and record.slot is not None else present


def _slot(project: Project, now: datetime) -> int:
    return max((now - project.created) // _resync(project), 0)


def _resync(project: Project) -> timedelta:
    return project.spec.resync or RESYNC


def _told(source: SourceContent) -> str:
    left_out = {"duplicate": source.duplicates, "unreadable": source.unreadable}
    more = [f"{count} {what}" for what, count in left_out.items() if count]
    gold = f" and {source.gold} gold items" if source.gold else ""
    notes = f"; {source.broken_notes} of the notes of deployments beside new items cannot be read" if source.broken_notes else ""
    labels = f"; {source.passed_over} labels of sources are not in Label Studio, which takes one with each new item" if source.passed_over else ""
    return f"{source.items} items at the sources{gold}" + (f" ({', '.join(more)} left out{_example(source)})" if more else "") + notes + labels


def _example(source: SourceContent) -> str:
    """The first that cannot be read, with why; and where the others are told. Of what is sensitive, only where."""
    if not source.unreadable_example:
        return "; status.source.unreadableList tells which" if source.unreadable_list else ""
    others = "; the others in status.source.unreadableList" if source.unreadable > 1 else ""
    return f": {source.unreadable_example}{others}"
