"""Quality: keep every annotation, measure agreement, judge the bounds.

A run costs an export of everything, so it is made only for an occasion: when every item is answered (where no item is new, again once people have
left it alone for a while), or when enough items are finished that `dataset.release` may be satisfied.
"""

from datetime import datetime, timedelta

from treadle.annotation import bounds, stages
from treadle.annotation.accept import can_find_label_errors, refusal, unjudged_bounds
from treadle.annotation.audit import accepted_list, audit_failed, waived
from treadle.annotation.check import before_quality, checking
from treadle.annotation.label import complete
from treadle.annotation.places import store_connection
from treadle.annotation.policy import consensus_policy, limits, most_answers, policy_name
from treadle.annotation.project import Project, Store
from treadle.annotation.stages import Due, Ended, Step
from treadle.annotation.sync import labelling_connection
from treadle.api.annotation_status import AnnotatorReport, DatasetVersion, LabelReport, MeasureReport, QualityReport, RuleReport, StoredFile
from treadle.api.reasons import Reason
from treadle.connections.labelling import Progress
from treadle.contracts import Blob
from treadle.contracts.quality import QualityResult, QualitySpec
from treadle.plan import Plan, say
from treadle.workloads.states import Succeeded

QUIET = timedelta(minutes=5)
"""People who correct answers are left to finish before everything is measured again."""
CONDITION = "QualityPassed"
COMPLETE = "complete"
SAME = set(QualityReport.model_fields) & set(QualityResult.model_fields) - {
    "digest",
    "snapshot",
    "by_annotator",
    "by_label",
    "by_rule",
    "measures",
    "refused",
    "findings",
    "accepted_list",
}
"""What a run says in the words of status."""


def step(project: Project, now: datetime) -> Step[QualityResult]:
    """Where the stage stands."""
    return stages.step(project.quality, wanted(project, now), now)


def wanted(project: Project, now: datetime) -> QualitySpec | None:
    """The run for the present occasion; None without one."""
    why = occasion(project, now)
    if why is None or not project.filled or refusal(project) or not isinstance(project.store, Store):
        return None
    return QualitySpec(
        labels=project.schema,
        destination=project.spec.dataset.destination,
        store=store_connection(project.store),
        label_studio=labelling_connection(project),
        annotations=_kept(project),
        items=listing(project),
        removed=project.spec.removed,
        consensus=consensus_policy(project),
        most_answers=most_answers(project),
        answers_per_item=project.spec.workforce.annotations_per_item if most_answers(project) else 1,
        limits=limits(project),
        label_errors=_label_errors(project),
        accepted=Blob(uri=taken.uri, sha256=taken.sha256) if (taken := accepted_list(project.spec, project.memory)) else None,
        sensitive=project.spec.sensitive,
        checking=checking(project),
        occasion=why,
    )


def occasion(project: Project, now: datetime) -> str | None:
    """What makes a run worth its cost now, in words that are new for each occasion; None while nothing does."""
    if not project.filled:
        return None
    if project.by_files and project.items is not None and project.items.annotations and project.items.listing:
        return f"{COMPLETE} {project.items.annotations.sha256[:16]} {project.items.listing.sha256[:16]}"
    if not isinstance(project.progress, Progress):
        return None
    if complete(project):
        if not isinstance(project.changed, datetime) or not (_has_unmeasured(project) or _is_quiet_again(project, project.changed, now)):
            return _remembered_if_complete(project)
        return f"{COMPLETE} {project.changed:%Y-%m-%dT%H:%M:%S.%f}"
    enough = _enough(project)
    return f"{enough} items" if enough is not None and project.progress.finished + waived(project.spec, project.memory) >= enough else None


def quality(project: Project, now: datetime) -> Plan:
    """Launch what is due, and say whether the annotations are good enough."""
    standing = step(project, now)
    work = Plan()
    if isinstance(standing, Due) and (spec := wanted(project, now)):
        work = stages.launch(project, "quality", spec, standing.number, _made_for(project, spec), before_quality(project, spec))
    report = project.memory.quality
    quiet_until = project.changed + QUIET if complete(project) and isinstance(project.changed, datetime) else None
    settled = report is not None and isinstance(project.changed, datetime) and _by_us(project.changed, report)
    again = Plan(wake_at=quiet_until if quiet_until and quiet_until > now and not settled else None)
    obstacle = stages.tell_obstacle(project, CONDITION, standing, "measures quality", now)
    if obstacle is not None and (report is None or any(c.reason not in (Reason.JobRunning, Reason.Suspended) for c in obstacle.conditions)):
        return Plan.all(work, obstacle, again)
    if report is None:
        return Plan.all(work, say(CONDITION, False, Reason.NotMeasuredYet, _waits_for(project)), again)
    return Plan.all(work, verdict(project, report), again, Plan(wake_at=obstacle.wake_at if obstacle else None))


def passed(project: Project) -> bool:
    """Whether the last measured annotations may be released."""
    report = project.memory.quality
    return report is not None and verdict(project, report).conditions[0].status is True


def verdict(project: Project, report: QualityReport) -> Plan:
    """What the bounds say of the last measurement. Missing evidence never passes."""
    if unjudged := unjudged_bounds(project):
        return say(CONDITION, None, Reason.NotSupportedYet, f"cannot be judged yet: {', '.join(unjudged)}", stalled=True)
    if report.policy != policy_name(project):
        return say(CONDITION, False, Reason.NotMeasuredYet, "spec.quality has changed since the last run: quality is measured again")
    if (refuted := audit_failed(project, report)) is not None:
        return say(CONDITION, False, Reason.AuditFailed, f"{refuted}: quality is measured again without them once people have answered")
    state = bounds.state(report)
    missed = bounds.agreement(project, report) or bounds.gold(project, report)
    if missed is not None:
        return say(CONDITION, missed.status, missed.reason, f"{missed.told}; {state}{missed.remedy}", stalled=True)
    if held := bounds.held(project, report):
        return say(CONDITION, True, Reason.BoundsHeld, f"{held}; {state}")
    told = f"; agreement {report.agreement:.4g}" if report.agreement is not None else ""
    return say(CONDITION, True, Reason.NoBoundsSet, state + told)


def measured(ended: Ended[QualityResult], now: datetime) -> QualityReport | None:
    """What a run that has ended well measured; None for one that failed."""
    if not isinstance(ended.state, Succeeded):
        return None
    said = ended.state.result
    return QualityReport(
        **said.model_dump(include=SAME),
        digest=said.digest,
        occasion=ended.attempt.made_for.get("occasion"),
        policy=ended.attempt.made_for.get("policy", ""),
        accepted_by=ended.attempt.made_for.get("accepted_by"),
        accepted_from=ended.attempt.made_for.get("accepted_from", ""),
        accepted_list=StoredFile(uri=said.accepted_list.uri, sha256=said.accepted_list.sha256) if said.accepted_list else None,
        precision=round(said.audited_right / said.audited, 6) if said.audited else None,
        snapshot=StoredFile(uri=said.snapshot.uri, sha256=said.snapshot.sha256),
        refused=StoredFile(uri=said.refused.uri, sha256=said.refused.sha256) if said.refused else None,
        findings=StoredFile(uri=said.findings.uri, sha256=said.findings.sha256) if said.findings else None,
        by_annotator=tuple(AnnotatorReport(**each.model_dump()) for each in said.by_annotator),
        by_label=tuple(LabelReport(**each.model_dump()) for each in said.by_label),
        measures=tuple(MeasureReport(measure=name, value=value) for name, value in said.measures.items()),
        by_rule=tuple(RuleReport(**each.model_dump()) for each in said.by_rule),
        measured_at=ended.state.finished_at or now,
    )


def was_complete(report: QualityReport) -> bool:
    """Whether every item was answered when this was measured."""
    return (report.occasion or "").startswith(COMPLETE)


def agreed_in(dataset: DatasetVersion) -> int:
    """How many items people agreed on when it was made, whatever a preparation made of them."""
    return dataset.items if dataset.agreed is None else dataset.agreed


def listing(project: Project) -> Blob | None:
    """The items that the last sync found."""
    source = project.memory.source
    if source is None or source.listing is None:
        return None
    return Blob(uri=source.listing.uri, sha256=source.listing.sha256)


def _kept(project: Project) -> Blob | None:
    """The labels that came with the items, where there is no labelling backend."""
    kept = project.items.annotations if project.by_files and project.items else None
    return Blob(uri=kept.uri, sha256=kept.sha256) if kept else None


def _label_errors(project: Project) -> bool:
    wanted = project.spec.quality.label_errors
    return wanted is not None and wanted.enabled and can_find_label_errors(project.task)


def _made_for(project: Project, spec: QualitySpec) -> dict[str, str]:
    """What the result must be remembered with."""
    policy = policy_name(project)
    known = project.memory.proposer if spec.accepted else None
    accepted = {"accepted_by": known.who, "accepted_from": known.name} if known else {}
    return {"occasion": spec.occasion} | ({"policy": policy} if policy else {}) | accepted


def _enough(project: Project) -> int | None:
    """How many finished items are needed before a version short of completeness can come of a run; None if none can.

    What the last run left out, as disputed or skipped, must be made up for by as many more. Where a bound was missed, it is measured again with a
    tenth more.
    """
    policy, dataset, report = project.spec.dataset.release, project.memory.dataset, project.memory.quality
    goal = policy.min_items if dataset is None else agreed_in(dataset) + policy.every_items if policy.every_items else None
    if goal is None or report is None or report.policy != policy_name(project):
        return goal
    if report.agreed < goal:
        return report.complete + goal - report.agreed
    if passed(project) or unjudged_bounds(project):
        return None
    return report.complete + max(goal // 10, 1)


def _has_unmeasured(project: Project) -> bool:
    """Whether there are more items than the last run knew: once all are answered, nobody is about to correct what nobody has measured."""
    report = project.memory.quality
    return report is None or (project.items is not None and project.items.items > report.items)


def _remembered_if_complete(project: Project) -> str | None:
    """While people still change answers, the occasion of the last run stands: what failed then is tried again, nothing new is begun."""
    report = project.memory.quality
    return report.occasion if report is not None and was_complete(report) else None


def _is_quiet_again(project: Project, changed: datetime, now: datetime) -> bool:
    """Whether people changed something, and have left it alone since."""
    report = project.memory.quality
    return now >= changed + QUIET and not (report is not None and _by_us(changed, report))


def _by_us(changed: datetime, report: QualityReport) -> bool:
    """Whether the last change was the measurement's own, which asked for one more annotator."""
    return report.settled_at is not None and changed <= report.settled_at


def _waits_for(project: Project) -> str:
    minimum = project.spec.dataset.release.min_items
    if project.by_files:
        return "quality is measured once the sources are listed"
    return f"quality is measured once {minimum} items are finished" if minimum else "quality is measured once every item is finished"
