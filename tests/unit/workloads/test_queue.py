"""What Kueue's Workload makes of a state."""

from datetime import UTC, datetime

import pytest

from tests.unit.training.things import at, said, workload
from treadle.api.reasons import Reason
from treadle.workloads.queue import eviction, queued
from treadle.workloads.states import FailureClass, Running, Starting

START = datetime(2026, 1, 1, tzinfo=UTC)
HELD = Starting(uid="u", since=START, reason=Reason.AwaitingAdmission, message="Job digits-1 waits for queue research", queued=True, suspended=True)


def test_only_what_is_held_back_is_explained() -> None:
    full = workload("digits-1", said("QuotaReserved", False, "Pending", "insufficient unused quota", "00:00:01"))
    running, free = Running(uid="u", since=START), Starting(uid="u", since=START)
    assert queued(running, [full]) is running
    assert queued(free, [full]) is free
    assert queued(HELD, [], unread=True) is HELD


def test_what_kueue_does_not_take_up_is_told() -> None:
    state = queued(HELD, [])
    assert isinstance(state, Starting)
    assert "not taken it up" in state.message


def test_since_when_it_waits_is_the_queues_own_time() -> None:
    state = queued(HELD, [workload("digits-1", said("QuotaReserved", False, "Pending", "insufficient unused quota for cpu", "00:07:00"))])
    assert isinstance(state, Starting)
    assert state.queued_since == datetime.fromisoformat(at("00:07:00"))
    assert state.reason is Reason.QuotaExceeded


def test_checks_after_the_quota_are_told() -> None:
    checks = [said("QuotaReserved", True, "QuotaReserved", "reserved", "00:01:00"), said("Admitted", False, "Checks", "waits for budget", "00:01:00")]
    state = queued(HELD, [workload("digits-1", *checks)])
    assert isinstance(state, Starting)
    assert "waits for budget" in state.message
    assert state.reason is Reason.AwaitingAdmission


def test_a_workload_that_was_deactivated_asks_for_a_human() -> None:
    gave_up = said("Evicted", True, "Deactivated", "exceeded the maximum number of re-queuing retries", "00:01:00")
    state = queued(HELD, [workload("digits-1", gave_up, active=False)])
    assert isinstance(state, Starting)
    assert state.stalled
    assert "maximum number" in state.message


@pytest.mark.parametrize(
    ("why", "whose"),
    [
        ("Preempted", FailureClass.PREEMPTED),
        ("ClusterQueueStopped", FailureClass.PREEMPTED),
        ("NodeFailures", FailureClass.INFRASTRUCTURE),
        ("PodsReadyTimeout", FailureClass.INFRASTRUCTURE),
    ],
)
def test_why_the_admission_was_taken_back_decides_whose_fault_it_is(why: str, whose: FailureClass) -> None:
    state = queued(HELD, [workload("digits-1", said("Evicted", True, why, "words", "00:01:00"))])
    assert isinstance(state, Starting)
    assert eviction(state).failure_class is whose
    assert "words" in eviction(state).message


def test_an_admission_that_vanished_without_a_word_costs_nothing() -> None:
    assert eviction(HELD).failure_class is FailureClass.PREEMPTED
