"""One more annotator is asked about disputed items. That changes tasks, like what people do; afterwards it is told apart."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from treadle.jobs._label_studio import LabellingTask, LabelStudio


class Newest:
    """Remembers when the tasks that pass by last changed."""

    def __init__(self) -> None:
        self.at: datetime | None = None

    def of(self, tasks: Iterable[LabellingTask]) -> Iterator[LabellingTask]:
        """The same tasks."""
        for task in tasks:
            if task.updated_at is not None:
                self.at = max(self.at or task.updated_at, task.updated_at)
            yield task


def ask(backend: LabelStudio, wanted: Mapping[int, int], seen: datetime | None) -> datetime | None:
    """Let so many people answer each of these tasks. When that was, by the backend's clock, if nobody changed anything since `seen`; else None."""
    ours: dict[int, datetime] = {}
    for task, answers in wanted.items():
        if (changed := backend.want_answers(task, answers)) is not None:
            ours[task] = changed
    return max(ours.values()) if ours and seen is not None and _only_ours(backend.newest_tasks(), ours, seen) else None


def _only_ours(newest: Iterable[LabellingTask], ours: Mapping[int, datetime], seen: datetime) -> bool:
    """Whether every change since `seen` is one of ours; tasks come in the order of their changes, the last one first."""
    for task in newest:
        if task.updated_at is None:
            return False
        if task.updated_at <= seen:
            return True
        if task.id not in ours or task.updated_at > ours[task.id]:
            return False
    return True
