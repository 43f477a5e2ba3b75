"""A status is read back whatever stands in it, and written within its bounds."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.unit.api.examples import status_of
from treadle.api import (
    AnnotationProjectMemory,
    AnnotationProjectStatus,
    Model,
    ModelDeploymentMemory,
    ModelDeploymentStatus,
    TrainingRunMemory,
    TrainingRunStatus,
    read_status,
)
from treadle.api.kinds import KINDS, ApiKind
from treadle.api.status import HandledCommand
from treadle.api.training_status import Attempt, Ending

MEMORIES: list[type[Model]] = [AnnotationProjectMemory, TrainingRunMemory, ModelDeploymentMemory]
NOW = datetime(2026, 5, 17, 12, tzinfo=UTC)

garbage = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False) | some.text(max_size=20),
    lambda children: some.lists(children, max_size=4) | some.dictionaries(some.text(max_size=8), children, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.kind))
def test_what_a_status_says_is_read_back_whole(kind: ApiKind) -> None:
    status = status_of(kind)
    assert read_status({"status": status}, kind.status).model_dump(mode="json", by_alias=True, exclude_none=True) == status


@pytest.mark.parametrize("memory", MEMORIES)
@settings(deadline=None, max_examples=50)
@given(status=garbage)
def test_no_status_is_too_broken_to_be_read(memory: type[Model], status: Any) -> None:
    read_status({"status": status}, memory)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.kind))
@settings(deadline=None, max_examples=50)
@given(data=some.data())
def test_garbage_in_one_place_costs_that_place_only(kind: ApiKind, data: some.DataObject) -> None:
    status = status_of(kind)
    field = data.draw(some.sampled_from(sorted(status)))
    read = read_status({"status": status | {field: data.draw(garbage)}}, kind.status)
    told = read.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert {name: value for name, value in told.items() if name != field and name in status} == {n: v for n, v in status.items() if n != field}


@settings(deadline=None, max_examples=50)
@given(data=some.data())
def test_garbage_deep_inside_never_raises(data: some.DataObject) -> None:
    kind = data.draw(some.sampled_from(KINDS))
    status = status_of(kind)
    place: Any = status
    while isinstance(place, dict | list) and place:
        step = data.draw(some.sampled_from(sorted(place)) if isinstance(place, dict) else some.integers(0, len(place) - 1))
        if not isinstance(place[step], dict | list) or data.draw(some.booleans()):
            place[step] = data.draw(garbage)
            break
        place = place[step]
    read = read_status({"status": status}, kind.status)
    read.model_dump(mode="json", by_alias=True, exclude_none=True)


def test_a_broken_entry_costs_the_entry() -> None:
    status = {
        "attempts": [{"number": 1, "outcome": "Application"}, {"number": "x", "outcome": "Application"}, 7, {"number": 3, "outcome": "Preempted"}]
    }
    assert [attempt.number for attempt in read_status({"status": status}, TrainingRunMemory).attempts] == [1, 3]


def test_fields_of_a_newer_operator_are_passed_over() -> None:
    status = {"result": {"outcome": "Succeeded", "reason": "JobSucceeded", "colour": "green"}, "mood": "fine"}
    assert read_status({"status": status}, TrainingRunMemory).result == Ending(outcome="Succeeded", reason="JobSucceeded")


@pytest.mark.parametrize("this", [{}, {"status": None}, {"status": []}, {"status": "x"}])
def test_no_status_at_all_is_an_empty_memory(this: dict[str, Any]) -> None:
    assert read_status(this, TrainingRunMemory) == TrainingRunMemory()


def test_lists_keep_their_last_entries_and_messages_their_beginning() -> None:
    attempts = tuple(Attempt(number=n, outcome="Preempted", message="x" * 5000) for n in range(1, 31))
    memory = TrainingRunMemory(attempts=attempts)
    assert [attempt.number for attempt in memory.attempts] == list(range(11, 31))
    assert {len(attempt.message) for attempt in memory.attempts} == {1024}


def test_a_moment_is_written_in_whole_seconds_of_utc() -> None:
    handled = HandledCommand(command="cancel", value="1", handled_at=NOW.replace(microsecond=5))
    assert handled.model_dump(mode="json", by_alias=True)["handledAt"] == "2026-05-17T12:00:00Z"


@pytest.mark.parametrize(
    ("status", "memory"),
    [(AnnotationProjectStatus, AnnotationProjectMemory), (TrainingRunStatus, TrainingRunMemory), (ModelDeploymentStatus, ModelDeploymentMemory)],
)
def test_what_is_remembered_is_part_of_what_is_said(status: type[Model], memory: type[Model]) -> None:
    assert issubclass(status, memory)
    assert all(not field.is_required() for field in status.model_fields.values())
