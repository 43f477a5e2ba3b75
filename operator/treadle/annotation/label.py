"""Progress: how far people are. Told at most once a minute, except when the last item is answered."""

from datetime import datetime, timedelta

from treadle.annotation.audit import waived
from treadle.annotation.project import Counted, Project
from treadle.api import AnnotationProjectMemory
from treadle.api.annotation_status import LabellingProgress, SourceContent
from treadle.api.reasons import Reason
from treadle.connections.labelling import Progress
from treadle.plan import Plan, say

TELL_EVERY = timedelta(seconds=60)


def answered(progress: Progress, memory: AnnotationProjectMemory, project: int, waived: int = 0) -> bool:
    """Whether every item that was found is in the labelling project and has as many answers as wanted, but for so many that need none.

    Disputed items that were given one more annotator hold nothing up: perhaps there is nobody else. The backend does not tell which are finished:
    where people answer some that need no answer, this is early by as many. What lacks answers then is left out of a version, counted, and measured
    again once it has them.
    """
    source = memory.source
    if source is None or source.project != project:
        return False
    return progress.items >= max(source.items, 1) and progress.finished + _asked_again(memory) + waived >= progress.items


def _asked_again(memory: AnnotationProjectMemory) -> int:
    """Disputed items that were given one more annotator: as quality counted them or, where it is not known, the sync."""
    if memory.quality is not None:
        return memory.quality.asked_again
    return memory.source.asked_again if memory.source is not None else 0


def complete(project: Project) -> bool:
    """Whether every item is answered. Labels that come as files are all there at any time."""
    if project.by_files:
        return project.items is not None
    return (
        project.backend is not None
        and isinstance(project.progress, Progress)
        and answered(project.progress, project.memory, project.backend.id, waived(project.spec, project.memory))
    )


def label(project: Project, now: datetime) -> Plan:
    """Say how far people are."""
    shown = told(project, now, project.memory.source)
    live = _live(project, project.memory.source)
    wake = None
    if shown is not None and isinstance(live, Progress) and shown.at and not _same(shown, live):
        wake = shown.at + TELL_EVERY
    if project.items is None or shown is None or not shown.items:
        return say("LabelingComplete", False, Reason.SettingUp, "there are no items to annotate yet", wake_at=wake)
    if project.by_files:
        return _label_files(shown)
    unneeded = waived(project.spec, project.memory)
    waiting = max(0, min(_asked_again(project.memory), shown.items - shown.finished - unneeded))
    numbers = f"{shown.finished} of {shown.items} items finished, {shown.annotations} answers" + (f", {shown.skipped} skips" if shown.skipped else "")
    numbers += f"; {unneeded} need none" if unneeded else ""
    numbers += f"; {waiting} wait for one more annotator" if waiting else ""
    if shown.finished + unneeded + waiting >= shown.items >= project.items.items:
        return say("LabelingComplete", True, Reason.AllItemsAnnotated, numbers, wake_at=wake)
    return say("LabelingComplete", False, Reason.Annotating, numbers, wake_at=wake)


def _label_files(shown: LabellingProgress) -> Plan:
    whole = shown.finished >= shown.items
    numbers = f"{shown.finished} of {shown.items} items have the labels that they need, {shown.annotations} labels"
    return say("LabelingComplete", whole, Reason.AllItemsAnnotated if whole else Reason.Annotating, numbers)


def told(project: Project, now: datetime, source: SourceContent | None) -> LabellingProgress | None:
    """Progress as people shall see it now: news only when a minute has passed, or when completeness changed. `source` is what the last sync found."""
    before, live = project.memory.progress, _live(project, source)
    if not isinstance(live, Progress):
        return before
    if before is not None and before.at is not None:
        if _same(before, live):
            return before
        unneeded = waived(project.spec, project.memory) + _asked_again(project.memory)
        flipped = (before.items > 0 and before.finished + unneeded >= before.items) != (live.items > 0 and live.finished + unneeded >= live.items)
        if not flipped and now < before.at + TELL_EVERY:
            return before
    return LabellingProgress(
        items=live.items,
        annotated=live.annotated,
        finished=live.finished,
        annotations=live.annotations,
        skipped=live.skipped,
        percent=100 * min(live.finished, live.items) // live.items if live.items else 0,
        at=now,
    )


def _live(project: Project, source: SourceContent | None) -> Counted:
    """How far people are: as the backend counts, or by the labels that came with the items."""
    if not project.by_files:
        return project.progress
    if source is None or source.annotations is None:
        return None
    return Progress(items=source.items, finished=source.finished, annotated=source.annotated, annotations=source.answers)


def _same(before: LabellingProgress, live: Progress) -> bool:
    counts = (before.items, before.finished, before.annotated, before.annotations, before.skipped)
    return counts == (live.items, live.finished, live.annotated, live.annotations, live.skipped)
