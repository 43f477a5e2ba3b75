"""An AnnotationProject: items are brought to people, their answers measured, kept as dataset versions, and trained on."""

from datetime import datetime

from treadle.annotation.accept import tell_accepted
from treadle.annotation.audit import tell_accepting
from treadle.annotation.deletion import let_go
from treadle.annotation.label import label
from treadle.annotation.leaving import Leaving
from treadle.annotation.prelabel import prelabel
from treadle.annotation.project import Project
from treadle.annotation.protect import protect
from treadle.annotation.quality import quality
from treadle.annotation.rank import rank
from treadle.annotation.release import release
from treadle.annotation.report import report
from treadle.annotation.restore import tell_commands
from treadle.annotation.set_up import hold, set_up
from treadle.annotation.stages import tidy
from treadle.annotation.sync import sync
from treadle.annotation.train import train
from treadle.api.reasons import Reason
from treadle.plan import Plan, say


def plan(project: Project | Leaving, now: datetime) -> Plan:
    """What to do and say about a project now. News is spoken of at once, and acted on once it is remembered."""
    if isinstance(project, Leaving):
        return let_go(project, now)
    status = report(project, now)
    acting = policies(project, now)
    speaking = acting if project.remembers(status) else policies(project.remembering(status), now)
    return Plan(actions=acting.actions, conditions=speaking.conditions, wake_at=speaking.wake_at, status=status)


def policies(project: Project, now: datetime) -> Plan:
    """All policies, as if what the project remembers were written."""
    return Plan.all(
        hold(project),
        tidy(project.sync),
        tidy(project.prelabel),
        tidy(project.rank),
        tidy(project.quality),
        tidy(project.release),
        tell_accepted(project),
        protect(project, now),
        sync(project, now),
        prelabel(project, now),
        rank(project, now),
        tell_accepting(project),
        label(project, now),
        quality(project, now),
        release(project, now),
        train(project),
        tell_commands(project),
        tell_suspended(project),
        set_up(project),  # last: what Label Studio refuses holds up nothing else
    )


def tell_suspended(project: Project) -> Plan:
    """Say that nothing is launched or released, while it is so."""
    return (
        say("Suspended", True, Reason.Suspended, "no Job is started and nothing is released; people can go on annotating")
        if project.spec.suspend
        else Plan()
    )
