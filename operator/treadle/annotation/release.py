"""Release: an immutable dataset version of what people agree on. Nothing new means no version."""

from datetime import datetime

from treadle.annotation import commands, stages
from treadle.annotation.accept import refusal
from treadle.annotation.places import store_connection
from treadle.annotation.policy import consensus_policy
from treadle.annotation.prepare import before_release, preparation
from treadle.annotation.project import Project, Store
from treadle.annotation.quality import agreed_in, listing, passed, was_complete
from treadle.annotation.schedule import NotASchedule, parse_schedule
from treadle.annotation.stages import Due, Ended, Step
from treadle.annotation.texts import Missing
from treadle.api import names
from treadle.api.annotation_status import DatasetVersion, QualityReport
from treadle.api.reasons import Reason
from treadle.contracts import Blob
from treadle.contracts.dataset import Provenance, Splits
from treadle.contracts.release import ReleaseResult, ReleaseSpec
from treadle.plan import Plan, say
from treadle.workloads.states import Succeeded

CONDITION = "DatasetReleased"


def step(project: Project, now: datetime) -> Step[ReleaseResult]:
    """Where the stage stands."""
    return stages.step(project.release, wanted(project, now), now)


def wanted(project: Project, now: datetime) -> ReleaseSpec | None:
    """The release of the last measured annotations; None when they are released, or may not or need not be."""
    report = project.memory.quality
    if report is None or not _is_due(project, report, now) or refusal(project):
        return None
    if not isinstance(project.store, Store) or isinstance(project.guidelines, Missing):
        return None
    spec = project.spec
    splits = spec.dataset.splits
    return ReleaseSpec(
        labels=project.schema,
        destination=spec.dataset.destination,
        store=store_connection(project.store),
        snapshot=Blob(uri=report.snapshot.uri, sha256=report.snapshot.sha256),
        items=listing(project),
        removed=spec.removed,
        accepted=Blob(uri=report.accepted_list.uri, sha256=report.accepted_list.sha256) if report.accepted_list else None,
        refused=Blob(uri=report.refused.uri, sha256=report.refused.sha256) if report.refused else None,
        policy=consensus_policy(project),
        guidelines=names.digest(project.guidelines) if project.guidelines else "",
        splits=Splits(train=splits.train, validation=splits.validation, test=splits.test),
        formats=spec.dataset.formats,
        content=spec.dataset.content,
        sensitive=spec.sensitive,
        preparation=preparation(spec.dataset.prepare),
        provenance=Provenance(
            project=project.owner.identity,
            snapshot=report.snapshot.uri,
            backend=project.memory.labelling_project.url or "" if project.memory.labelling_project and not project.by_files else "",
            suspected=report.suspected,
            findings=report.findings.uri if report.findings else "",
            agreement=report.agreement,
            proposer=_proposer(project, report),
            precision=report.precision if report.accepted_list else None,
            prepared=spec.dataset.prepare.image if spec.dataset.prepare else "",
        ),
    )


def release(project: Project, now: datetime) -> Plan:
    """Launch what is due, and say what is released."""
    standing = step(project, now)
    work = Plan()
    report, dataset = project.memory.quality, project.memory.dataset
    if isinstance(standing, Due) and report is not None and (spec := wanted(project, now)):
        work = stages.launch(project, "release", spec, standing.number, _made_for(report), before_release(project, spec))
    obstacle = stages.tell_obstacle(project, CONDITION, standing, "writes a dataset version", now)
    if obstacle is not None and (dataset is None or any(c.reason not in (Reason.JobRunning, Reason.Suspended) for c in obstacle.conditions)):
        return Plan.all(work, obstacle)
    waiting = _waits_for(project, now)
    again = Plan(wake_at=_slot(project, report)) if waiting[0] is Reason.AwaitingSchedule else Plan()
    if dataset is None:
        return Plan.all(work, say(CONDITION, False, waiting[0], waiting[1], stalled=waiting[0] is Reason.ScheduleInvalid), again)
    left_out = f", {dataset.excluded} left out" if dataset.excluded else ""
    held_up = report is not None and dataset.quality != report.digest and not isinstance(standing, Due | stages.Working | Ended)
    news = f"; {waiting[1]}" if held_up else ""
    told = say(CONDITION, True, Reason.Released, f"v{dataset.version} with {dataset.items} items{left_out}{news}")
    return Plan.all(work, told, again, Plan(wake_at=obstacle.wake_at if obstacle else None))


def released(ended: Ended[ReleaseResult], report: QualityReport | None, now: datetime) -> DatasetVersion | None:
    """The version that a release that has ended well wrote or found; None for one that failed."""
    if not isinstance(ended.state, Succeeded):
        return None
    said = ended.state.result
    return DatasetVersion(
        version=said.version,
        digest=said.digest,
        uri=said.uri,
        items=said.items,
        agreed=said.agreed,
        excluded=sum(said.excluded.values()),
        agreement=_agreement(ended, report),
        quality=ended.attempt.made_for.get("quality"),
        released_at=ended.state.finished_at or now,
    )


def _made_for(report: QualityReport) -> dict[str, str]:
    """What the version must be remembered with: by the time it is written, something else may have been measured."""
    return {"quality": report.digest} | ({"agreement": repr(report.agreement)} if report.agreement is not None else {})


def _agreement(ended: Ended[ReleaseResult], report: QualityReport | None) -> float | None:
    """Of the annotations that the version was made from."""
    made_for = ended.attempt.made_for
    if report is not None and report.digest == made_for.get("quality"):
        return report.agreement
    try:
        return float(made_for["agreement"])
    except (KeyError, ValueError):
        return None


def _proposer(project: Project, report: QualityReport) -> str:
    """Who proposed the labels that were accepted when this was measured; by now somebody else may propose."""
    if report.accepted_list is None:
        return ""
    known = (project.memory.proposer, project.memory.proposals)
    named = (each.name for each in known if each is not None and each.who == report.accepted_by)
    return report.accepted_from or next(named, report.accepted_by or "")


def _is_due(project: Project, report: QualityReport, now: datetime) -> bool:
    dataset = project.memory.dataset
    if dataset is not None and dataset.quality == report.digest:
        return False
    if commands.released(project, report.digest):
        return True
    if project.spec.dataset.release.approval == "Required":
        return False
    slot = _slot(project, report)
    return passed(project) and _is_enough(project, report) and slot is not None and now >= slot


def _slot(project: Project, report: QualityReport | None) -> datetime | None:
    """From when on what was measured may be released: the next time of the schedule after it was measured. None: the schedule never comes."""
    schedule, since = project.spec.dataset.release.schedule, (report.measured_at if report else None) or project.created
    if schedule is None:
        return since
    try:
        return parse_schedule(schedule).after(since)
    except NotASchedule:
        return None


def _is_enough(project: Project, report: QualityReport) -> bool:
    policy, dataset = project.spec.dataset.release, project.memory.dataset
    if not report.agreed:
        return False
    if dataset is None:
        return report.agreed >= policy.min_items if policy.min_items else was_complete(report)
    return report.agreed >= agreed_in(dataset) + policy.every_items if policy.every_items else was_complete(report)


def _waits_for(project: Project, now: datetime) -> tuple[Reason, str]:
    """Why there is no newer version."""
    report, policy, dataset = project.memory.quality, project.spec.dataset.release, project.memory.dataset
    slot = _slot(project, report)
    if slot is None:
        return Reason.ScheduleInvalid, f'spec.dataset.release.schedule "{policy.schedule}" never comes: {_why_never(policy.schedule or "")}'
    if report is None:
        return Reason.AwaitingQuality, "a version is released once quality is measured"
    short = report.digest[: commands.SHORT]
    if not passed(project):
        return Reason.AwaitingQuality, f"quality run {short} has not passed; the annotation {names.RELEASE}: {short} releases it all the same"
    if not report.agreed:
        return Reason.TooFewItems, "there is no item on whose label people agree"
    if not _is_enough(project, report):
        goal = policy.min_items if dataset is None else agreed_in(dataset) + policy.every_items if policy.every_items else None
        return Reason.TooFewItems, f"{report.agreed} of {goal} items" if goal else f"{report.agreed} items, not every item is finished"
    if policy.approval == "Required":
        return Reason.AwaitingRelease, f"waits for the annotation {names.RELEASE}: {short}"
    if now < slot:
        return Reason.AwaitingSchedule, f"the next version is written at {slot:%Y-%m-%d %H:%M} UTC, if quality still holds then"
    return Reason.AwaitingQuality, "a version is about to be written"


def _why_never(schedule: str) -> str:
    try:
        parse_schedule(schedule)
    except NotASchedule as error:
        return str(error)
    return "no day ever fits"
