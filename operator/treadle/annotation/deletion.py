"""Deletion: only with deletionPolicy Delete there is anything to do, and never to a labelling project that holds human work."""

from datetime import datetime, timedelta

from treadle.annotation.leaving import Leaving
from treadle.api import AnnotationProjectStatus
from treadle.api.reasons import Reason
from treadle.connections.labelling import CloseLabellingProject, LabellingProject, Progress
from treadle.plan import Plan, ReleaseFinalizer, Unavailable, do, say

PATIENCE = timedelta(minutes=10)
"""So long an unreachable backend may hold up a deletion."""
CONDITION = "SetUp"


def let_go(project: Leaving, now: datetime) -> Plan:
    """Close an empty labelling project, then let the object go. Launches and applies nothing."""
    if not project.held:
        return Plan()
    release = do(ReleaseFinalizer(project.ref, project.uid))
    if project.closing is None or project.labelling is None or now >= project.since + PATIENCE:
        return release
    if isinstance(project.labelling, LabellingProject) and isinstance(project.progress, Progress):
        if project.progress.human_work:
            return release
        return do(CloseLabellingProject(connection=project.closing, owner=project.owner, project=project.labelling.id))
    why = project.labelling.reason if isinstance(project.labelling, Unavailable) else "it does not say what the project holds"
    until = project.since + PATIENCE
    message = f"the labelling project is deleted if it is empty, but Label Studio cannot tell: {why}; let go at {until:%H:%M:%S}"
    return Plan.all(say(CONDITION, False, Reason.Deleting, message, wake_at=until), status=report_leaving(project))


def report_leaving(project: Leaving) -> AnnotationProjectStatus:
    """The status stays what it was."""
    memory = project.memory
    kept = {name: getattr(memory, name) for name in type(memory).model_fields}
    return AnnotationProjectStatus(**kept, run=memory.trained.run if memory.trained else None)
