"""The labelling project: there is one, it is set up as wanted, and items are in it. This is what Ready means."""

from treadle.annotation.accept import refusal
from treadle.annotation.project import Project
from treadle.annotation.protect import hidden
from treadle.api.reasons import Reason
from treadle.connections.installation import Granted
from treadle.connections.labelling import EnsureLabellingProject, LabellingProject
from treadle.plan import Effect, HoldFinalizer, Plan, ReleaseFinalizer, Unavailable, do, say


def hold(project: Project) -> Plan:
    """With deletionPolicy Delete we want to be told before the object goes; otherwise nothing may keep it."""
    if project.spec.deletion_policy == "Delete" and not project.by_files:
        return do(HoldFinalizer(project.ref, project.uid)) if not project.held else Plan()
    return do(ReleaseFinalizer(project.ref, project.uid)) if project.held else Plan()


def set_up(project: Project) -> Plan:
    """Make or change the labelling project, and say whether people can annotate."""
    if (refused := refusal(project)) is not None:
        return say("SetUp", False, refused.reason, refused.message)
    if project.missing is not None:
        if project.missing.reason is Reason.Unreachable and isinstance(project.labelling, LabellingProject) and project.items is not None:
            message = f"people can annotate in labelling project {project.labelling.id}; {project.missing.message}"
            return say("SetUp", True, Reason.AcceptingAnnotations, message)
        return say("SetUp", False, project.missing.reason, project.missing.message, stalled=project.missing.reason is Reason.ConfigMapMissing)
    if project.by_files:
        return _tell_files(project)
    if isinstance(project.labelling, Unavailable):
        outage = project.labelling
        message = f"Label Studio cannot tell since {outage.since:%H:%M:%S}: {outage.reason}"
        return say("SetUp", False, outage.cause, message, stalled=outage.stalled)
    if project.backend is None:
        return Plan.all(do(*_wish(project)), _tell_changing(project))
    closing = do(*_wish(project)) if project.backend.twins else Plan()
    if not project.filled:
        waiting = f"labelling project {project.backend.id} waits for its first items"
        return Plan.all(closing, say("SetUp", False, Reason.SettingUp, waiting))
    ready = f"people can annotate in labelling project {project.backend.id}"
    return Plan.all(closing, say("SetUp", True, Reason.AcceptingAnnotations, ready))


def _tell_files(project: Project) -> Plan:
    if project.items is None:
        return say("SetUp", False, Reason.SettingUp, "the sources are listed, and the labels that come with them are read")
    return say("SetUp", True, Reason.LabelsFromFiles, "labels come with the sources, and are read again at each resync")


def _tell_changing(project: Project) -> Plan:
    """While it is made or changed; told only when that does not succeed at once."""
    if isinstance(project.labelling, LabellingProject) and project.items is not None:
        message = f"people can annotate in labelling project {project.labelling.id}; its set-up is out of date"
        return say("SetUp", True, Reason.AcceptingAnnotations, message)
    return say("SetUp", False, Reason.SettingUp, "the labelling project is not set up yet")


def _wish(project: Project) -> list[Effect]:
    if project.setup is None or not isinstance(project.label_studio, Granted) or hidden(project):
        return []
    adopt, known = project.spec.backend.adopt, project.memory.labelling_project
    number = known.id if known is not None and adopt is None and project.labelling is None else None
    return [EnsureLabellingProject(connection=project.label_studio.key, owner=project.owner, setup=project.setup, adopt=adopt, known=number)]
