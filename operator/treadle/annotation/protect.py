"""Human work is protected: what somebody does to the labelling project by hand is noticed, remembered, repaired where that loses nothing, and said.

An incident is remembered before its repair begins, because the repair destroys its evidence.
"""

from datetime import datetime, timedelta

from treadle.annotation import commands
from treadle.annotation.project import Project
from treadle.annotation.stages import Ended
from treadle.api import names
from treadle.api.annotation_status import Incident, StoredFile
from treadle.api.reasons import Reason
from treadle.connections.installation import DEFAULT, Granted
from treadle.connections.labelling import LabellingProject
from treadle.contracts.sync import SyncResult
from treadle.plan import Plan, say
from treadle.workloads.states import Succeeded

CONDITION = "WorkProtected"
TOLD_FOR = timedelta(days=7)
"""So long people are told of what was repaired."""


def protect(project: Project, now: datetime) -> Plan:
    """Say what happened by hand. Nothing is said of a project to which nothing did."""
    if open_ := [incident for incident in project.memory.incidents if incident.repaired_at is None]:
        reason = Reason.LabellingProjectLost if open_[-1].what == "ProjectLost" else Reason.SetupEdited
        return say(CONDITION, False, reason, open_[-1].message)
    for incident in reversed(project.memory.incidents):
        if incident.repaired_at is not None and now < (until := incident.repaired_at + TOLD_FOR):
            reason = Reason.AnswersTakenBack if incident.what == "AnswersTakenBack" else Reason.WorkRepaired
            return say(CONDITION, True, reason, incident.message, wake_at=until)
    return Plan()


def hidden(project: Project) -> bool:
    """Whether something happened that is not remembered yet, so that its repair must wait."""
    return any(not _is_open(project, what, found) for what, found in _seen(project))


def incidents(project: Project, ended: Ended[SyncResult] | None, now: datetime) -> tuple[Incident, ...]:
    """What is remembered now: what is new, and what is repaired. `ended` is a sync that has just ended."""
    seen = _seen(project)
    known = tuple(_followed(project, incident, ended, seen, now) for incident in project.memory.incidents)
    new = tuple(_new(project, what, found, now) for what, found in seen if not _is_open(project, what, found))
    return (*known, *new, *_of_sync(project, ended, now))


def latest_snapshot(project: Project) -> StoredFile | None:
    """The newest snapshot of all answers: of the last sync, or of a later quality run."""
    source, measured = project.memory.source, project.memory.quality
    if source is None or source.snapshot is None:
        return measured.snapshot if measured is not None and source is not None and source.project else None
    if measured is None or measured.measured_at is None or (source.synced_at is not None and measured.measured_at <= source.synced_at):
        return source.snapshot
    return measured.snapshot


def _seen(project: Project) -> list[tuple[str, str]]:
    """What can be seen to have been done by hand: the project is not the one that it was, or is set up otherwise without a change of spec."""
    known, backend = project.memory.labelling_project, project.spec.backend
    if known is None or not isinstance(project.label_studio, Granted) or project.setup is None:
        return []
    if backend.adopt is not None or known.adopted or known.connection != (backend.connection or DEFAULT):
        return []
    if project.labelling is None:
        return [("ProjectLost", str(known.id))]
    if not isinstance(project.labelling, LabellingProject):
        return []
    if project.labelling.id != known.id:
        return [("ProjectLost", str(known.id))]
    edited = known.setup == project.setup.digest != project.labelling.setup
    return [("SetupEdited", project.labelling.setup)] if edited else []


def _is_open(project: Project, what: str, found: str) -> bool:
    return any((each.what, each.found) == (what, found) and each.repaired_at is None for each in project.memory.incidents)


def _new(project: Project, what: str, found: str, now: datetime) -> Incident:
    snapshot = latest_snapshot(project)
    if what == "SetupEdited":
        message = "the set-up of the labelling project was changed by hand, and is set back"
        return Incident(what="SetupEdited", found=found, message=message, snapshot=snapshot, noticed_at=now)
    before = _before(project)
    message = f"labelling project {found} was deleted, or its description changed; it is looked for, or made again{before}"
    return Incident(what="ProjectLost", found=found, message=message, snapshot=snapshot, noticed_at=now)


def _before(project: Project) -> str:
    source = project.memory.source
    return f" with the answers of {source.synced_at:%Y-%m-%d %H:%M} UTC" if source is not None and source.snapshot and source.synced_at else ""


def _followed(project: Project, incident: Incident, ended: Ended[SyncResult] | None, seen: list[tuple[str, str]], now: datetime) -> Incident:
    """The incident, repaired where it is."""
    if incident.repaired_at is not None or (incident.what, incident.found) in seen:
        return incident
    if incident.what == "SetupEdited":
        if project.backend is None:
            return incident
        return incident.model_copy(update={"repaired_at": now, "message": "the set-up of the labelling project was changed by hand; it was set back"})
    if not isinstance(project.labelling, LabellingProject):
        return incident
    if str(project.labelling.id) == incident.found:
        message = f"labelling project {incident.found} had lost the line of its description by which it is found; nothing else was lost"
        return incident.model_copy(update={"repaired_at": now, "message": message})
    if ended is None or not isinstance(ended.state, Succeeded) or ended.attempt.made_for.get("project") != str(project.labelling.id):
        return incident
    said = ended.state.result
    since = f"; what was answered after {project.memory.source.synced_at:%H:%M:%S} is lost" if _before(project) and project.memory.source else ""
    message = f"labelling project {incident.found} was deleted; {project.labelling.id} takes its place with {said.restored} answers of it{since}"
    return incident.model_copy(update={"repaired_at": now, "message": message})


def _of_sync(project: Project, ended: Ended[SyncResult] | None, now: datetime) -> tuple[Incident, ...]:
    """What a sync found deleted, and brought back."""
    if ended is None or not isinstance(ended.state, Succeeded):
        return ()
    said, before = ended.state.result, latest_snapshot(project)
    short = before.sha256[: commands.SHORT] if before else ""
    project_lost = any(each.what == "ProjectLost" and each.repaired_at is None for each in project.memory.incidents)
    if restored := ended.attempt.made_for.get("restore"):
        message = f"{said.restored} answers of snapshot {restored[: commands.SHORT]} were brought back by command"
        return (Incident(what="Restored", found=restored, message=message, snapshot=before, noticed_at=now, repaired_at=now),)
    found: list[Incident] = []
    if said.lost_tasks and not project_lost:
        message = f"{said.lost_tasks} tasks were deleted by hand; they are there again, with {said.restored} answers of snapshot {short}"
        found.append(Incident(what="TasksDeleted", found=short, message=message, snapshot=before, noticed_at=now, repaired_at=now))
    if said.withdrawn:
        message = f"{said.withdrawn} answers were taken back; {names.RESTORE}: {short} brings them back"
        found.append(Incident(what="AnswersTakenBack", found=short, message=message, snapshot=before, noticed_at=now, repaired_at=now))
    return tuple(found)
