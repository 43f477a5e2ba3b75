"""Commands that people give: each names its target as status tells it, and none is sent for nothing."""

from typing import Any

import pytest

from tests.unit.cli.test_status_tree import condition, make
from treadle.cli._orders import abort, approve, cancel, pin, promote, release, restore, suspend, undo, unpin
from treadle.cli._place import CommandError

WAITING = make(
    "TrainingRun",
    "digits-v1",
    status={"attempt": 2, "attempts": [{"number": 1}, {"number": 2}], "conditions": [condition("Approved", "False", "AwaitingApproval")]},
)
OVER = make("TrainingRun", "digits-v1", status={"attempt": 1, "result": {"outcome": "Failed"}, "phase": "Failed"})
ROLLING = make("ModelDeployment", "digits", status={"stable": {"version": "6"}, "canary": {"version": "7", "stage": "Judging"}})


def annotations(patch: Any) -> Any:
    return patch["metadata"]["annotations"]


def test_what_waits_for_approval_is_approved_by_its_attempt() -> None:
    order = approve(WAITING)
    assert annotations(order.patch) == {"treadle.dev/approve": "2"}
    assert order.told == "attempt 2 is approved"


def test_nothing_is_approved_that_does_not_wait_for_it() -> None:
    with pytest.raises(CommandError, match=r"TrainingRun digits-v1 does not wait for approval \(Failed\)"):
        approve(OVER)


def test_a_run_is_cancelled_by_its_current_attempt_while_it_lives() -> None:
    assert annotations(cancel(WAITING).patch) == {"treadle.dev/cancel": "2"}
    with pytest.raises(CommandError, match="is over: Failed"):
        cancel(OVER)
    with pytest.raises(CommandError, match="has no attempt yet"):
        cancel(make("TrainingRun", "new", status={}))


def test_the_version_that_is_proving_itself_is_promoted_or_given_up() -> None:
    assert annotations(promote(ROLLING, None).patch) == {"treadle.dev/promote": "7"}
    assert annotations(abort(ROLLING).patch) == {"treadle.dev/abort": "7"}


def test_a_version_that_waits_outside_can_be_promoted_by_its_number() -> None:
    serving = make("ModelDeployment", "digits", status={"stable": {"version": "6"}, "phase": "Serving"})
    assert annotations(promote(serving, "8").patch) == {"treadle.dev/promote": "8"}
    with pytest.raises(CommandError, match="name the one that shall take over"):
        promote(serving, None)
    with pytest.raises(CommandError, match=r"no version of ModelDeployment digits is proving itself \(Serving\)"):
        abort(serving)


def test_a_version_on_its_way_out_is_not_given_up_again() -> None:
    leaving = make("ModelDeployment", "digits", status={"canary": {"version": "7", "stage": "Leaving"}})
    with pytest.raises(CommandError, match="is proving itself"):
        abort(leaving)


def test_a_model_named_by_uri_goes_by_its_revision() -> None:
    by_uri = make("ModelDeployment", "digits", status={"canary": {"revision": "ab12", "stage": "Judging"}})
    assert annotations(abort(by_uri).patch) == {"treadle.dev/abort": "ab12"}


def test_undo_pins_what_served_before_and_unpin_ends_it() -> None:
    serving = make(
        "ModelDeployment", "digits", status={"stable": {"version": "7"}, "previous": [{"version": "5"}, {"version": "6"}, {"version": "7"}]}
    )
    assert annotations(undo(serving).patch) == {"treadle.dev/pin": "6"} == annotations(pin(serving, "6").patch)
    pinned = make("ModelDeployment", "digits", annotations={"treadle.dev/pin": "6"})
    assert annotations(unpin(pinned).patch) == {"treadle.dev/pin": None}
    with pytest.raises(CommandError, match="is not pinned"):
        unpin(serving)
    with pytest.raises(CommandError, match="kubectl treadle pin digits VERSION"):
        undo(ROLLING)


def test_what_a_quality_run_measured_is_released_by_its_digest() -> None:
    measured = make("AnnotationProject", "digits", status={"quality": {"digest": "0123456789abcdef" * 4}})
    assert annotations(release(measured).patch) == {"treadle.dev/release": "0123456789ab"}
    with pytest.raises(CommandError, match="was measured yet"):
        release(make("AnnotationProject", "digits", status={"phase": "Annotating"}))


def test_answers_are_restored_from_the_snapshot_before_the_last_incident_or_from_one_that_is_named() -> None:
    incidents = [{"what": "TasksDeleted", "snapshot": {"sha256": "a" * 64}}, {"what": "AnswersTakenBack", "snapshot": {"sha256": "b" * 64}}]
    project = make("AnnotationProject", "digits", status={"incidents": incidents})
    assert annotations(restore(project, None).patch) == {"treadle.dev/restore": "b" * 64}
    assert annotations(restore(project, "a" * 12).patch) == {"treadle.dev/restore": "a" * 12}
    with pytest.raises(CommandError, match="known to be lost"):
        restore(make("AnnotationProject", "digits"), None)


def test_suspending_changes_one_field_and_resuming_takes_it_away() -> None:
    assert suspend(ROLLING).patch == {"spec": {"suspend": True}}
    assert suspend(ROLLING, resume=True).patch == {"spec": {"suspend": None}}
    with pytest.raises(CommandError, match="is over"):
        suspend(OVER)
