"""What quality changes itself is told apart from what people do meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from treadle.jobs._asking import Newest, ask
from treadle.jobs._label_studio import LabellingTask, LabelStudio

START = datetime(2026, 11, 30, tzinfo=UTC)


def at(second: int) -> datetime:
    return START + timedelta(seconds=second)


class Backend:
    """Tasks 1 to 4, which change one after the other; asking happens from second 100 on."""

    def __init__(self, meanwhile: dict[int, int]) -> None:
        self.changed = {task: at(task) for task in (1, 2, 3, 4)}
        self.meanwhile = meanwhile

    def want_answers(self, task: int, answers: int) -> datetime | None:
        if task not in self.changed:
            return None
        self.changed[task] = at(100 + task)
        return self.changed[task]

    def newest_tasks(self) -> list[LabellingTask]:
        changed = self.changed | {task: at(second) for task, second in self.meanwhile.items()}
        tasks = [LabellingTask(id=task, data={}, updated_at=when) for task, when in changed.items()]
        return sorted(tasks, key=lambda task: task.updated_at or START, reverse=True)


@pytest.mark.parametrize(
    ("meanwhile", "settled"),
    [
        ({}, at(103)),
        ({4: 50}, None),
        ({4: 200}, None),
        ({3: 200}, None),
    ],
)
def test_asking_settles_what_is_known_unless_somebody_changed_something(meanwhile: dict[int, int], settled: datetime | None) -> None:
    backend: Any = Backend(meanwhile)
    assert ask(cast("LabelStudio", backend), {1: 3, 3: 3}, at(4)) == settled


def test_who_asks_nobody_settles_nothing() -> None:
    backend: Any = Backend({})
    assert ask(cast("LabelStudio", backend), {}, at(4)) is None
    assert ask(cast("LabelStudio", backend), {9: 3}, at(4)) is None
    assert ask(cast("LabelStudio", backend), {1: 3}, None) is None


def test_the_last_change_of_all_tasks_is_remembered_as_they_pass() -> None:
    newest = Newest()
    tasks = Backend({}).newest_tasks()
    assert list(newest.of(tasks)) == tasks
    assert newest.at == at(4)
