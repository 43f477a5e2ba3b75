"""Settling: the status says what the plan says, derived conditions follow, and nothing is written without news."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.unit.engine.toy import TOY, ToyStatus, make_toy
from treadle.api.reasons import Reason
from treadle.engine._status import interrupted, settle
from treadle.plan import Condition, Plan, say

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUNNING = Plan.all(say("Running", True, Reason.JobRunning, "its Job runs"), status=ToyStatus(job="toy-1"))


def toy(status: dict[str, Any] | None = None, generation: int = 1) -> dict[str, Any]:
    return {**make_toy(generation=generation), "status": status or {}}


def conditions(status: dict[str, Any] | None) -> dict[str, tuple[str, str]]:
    assert status is not None
    return {c["type"]: (c["status"], c["reason"]) for c in status["conditions"]}


def test_no_news_yet_writes_nothing() -> None:
    assert settle(toy(), say("Running", False, Reason.PodNotReady, "starting"), TOY, NOW) is None


def test_saying_the_same_again_writes_nothing_and_keeps_transition_times() -> None:
    first = settle(toy(), RUNNING, TOY, NOW)
    assert first is not None
    assert settle(toy(first), RUNNING, TOY, NOW + timedelta(hours=1)) is None
    later = settle(toy(first, generation=2), RUNNING, TOY, NOW + timedelta(hours=1))
    assert later is not None
    assert later["observedGeneration"] == 2
    assert {c["lastTransitionTime"] for c in later["conditions"]} == {"2026-01-01T00:00:00Z"}


def test_ready_repeats_the_first_of_its_conditions_that_is_not_true() -> None:
    status = settle(toy(), Plan.all(RUNNING, say("Succeeded", None, Reason.Unreachable, "nobody knows"), status=RUNNING.status), TOY, NOW)
    assert conditions(status)["Ready"] == ("Unknown", "Unreachable")
    assert status is not None
    assert status["phase"] == "Running"


def test_while_its_own_condition_is_not_said_ready_tells_what_is_waited_for_or_how_far_things_are() -> None:
    status = settle(toy(), RUNNING, TOY, NOW)
    assert conditions(status) == {"Ready": ("False", "JobRunning"), "Reconciling": ("True", "JobRunning"), "Running": ("True", "JobRunning")}
    waiting = Plan.all(
        say("Running", False, Reason.Unschedulable, "no node has room"), say("Tracked", True, Reason.Progressing, ""), status=ToyStatus()
    )
    assert conditions(settle(toy(), waiting, TOY, NOW))["Ready"] == ("False", "Unschedulable")
    assert conditions(settle(toy(), Plan(status=ToyStatus()), TOY, NOW))["Ready"] == ("False", "Progressing")


def test_a_failure_is_stalled_and_no_longer_reconciling() -> None:
    plan = Plan.all(say("Succeeded", False, Reason.JobFailed, "exit code 1", stalled=True), status=ToyStatus(result="Failed"))
    status = settle(toy(), plan, TOY, NOW)
    assert conditions(status) == {"Ready": ("False", "JobFailed"), "Stalled": ("True", "JobFailed"), "Succeeded": ("False", "JobFailed")}


def test_trouble_is_told_even_before_there_is_news_and_taken_back_afterwards() -> None:
    trouble = Condition("Reconciled", False, Reason.Unreachable, "MLflow does not answer")
    status = settle(toy(), Plan(), TOY, NOW, trouble)
    assert conditions(status)["Reconciled"] == ("False", "Unreachable")
    after = settle(toy(status), Plan(), TOY, NOW)
    assert "Reconciled" not in conditions(after)


def test_a_long_message_is_cut() -> None:
    status = settle(toy(), Plan.all(say("Running", True, Reason.JobRunning, "x" * 5000), status=ToyStatus()), TOY, NOW)
    assert status is not None
    assert max(len(c["message"]) for c in status["conditions"]) == 1024


def test_whoever_must_act_is_told_where_the_remedy_is() -> None:
    long = say("Succeeded", False, Reason.JobFailed, "x" * 5000, stalled=True)
    for plan in (Plan.all(long, status=ToyStatus()), Plan.all(say("Succeeded", False, Reason.JobFailed, "no", stalled=True), status=ToyStatus())):
        status = settle(toy(), plan, TOY, NOW)
        assert status is not None
        (stalled,) = [c["message"] for c in status["conditions"] if c["type"] == "Stalled"]
        assert stalled.endswith(f" ({Reason.JobFailed.page})")
        assert len(stalled) <= 1024
        assert [c["type"] for c in status["conditions"] if "http" in c["message"]] == ["Stalled"], "once is enough"
        assert settle(toy(status), plan, TOY, NOW) is None, "and it is no news when it is said again"


def test_garbage_in_the_old_status_does_not_matter() -> None:
    garbage = {"conditions": ["nonsense", {"type": 3}], "phase": 7}
    assert settle(toy(garbage), RUNNING, TOY, NOW) is not None
    assert settle(toy(garbage), Plan(), TOY, NOW) is None


NOT_UNDERSTOOD = Condition("Reconciled", False, Reason.SpecNotUnderstood, "spec.gpu: not a number", stalled=True)


def test_where_nothing_can_be_planned_the_trouble_is_told_beside_what_was_said_before() -> None:
    before = settle(toy(), RUNNING, TOY, NOW)
    status = interrupted(toy(before, generation=2), TOY, NOW, NOT_UNDERSTOOD)
    assert status is not None
    assert conditions(status) == {
        "Ready": ("False", "JobRunning"),
        "Reconciled": ("False", "SpecNotUnderstood"),
        "Running": ("True", "JobRunning"),
        "Stalled": ("True", "SpecNotUnderstood"),
    }
    assert (status["observedGeneration"], status["phase"], status["job"]) == (2, "Running", "toy-1")
    assert interrupted(toy(status, generation=2), TOY, NOW + timedelta(hours=1), NOT_UNDERSTOOD) is None
    after = settle(toy(status, generation=3), RUNNING, TOY, NOW)
    assert set(conditions(after)) == {"Ready", "Reconciling", "Running"}, "it is taken back once it is over"


def test_an_object_that_was_never_understood_is_not_ready() -> None:
    status = interrupted(toy({"conditions": "garbage"}), TOY, NOW, Condition("Reconciled", False, Reason.Unreachable, "nobody answers"))
    assert conditions(status)["Ready"] == ("False", "Unreachable")
    assert conditions(status)["Reconciling"] == ("True", "Unreachable")
