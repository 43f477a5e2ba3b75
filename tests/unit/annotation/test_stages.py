"""Where a stage stands: what was done needs no Job, what failed gets another try, and only one Job is under way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from treadle.annotation import stages
from treadle.annotation.project import Attempt, Stage
from treadle.annotation.stages import Done, Due, Ended, Idle, Pausing, Working, pause, remembered, step, tidy
from treadle.api.annotation_status import StageRecord
from treadle.api.reasons import Reason
from treadle.contracts import Blob, StoreConnection
from treadle.contracts.labels import LabelClass, LabelSchema
from treadle.contracts.sync import Source, SyncResult, SyncSpec
from treadle.plan import Delete, Ref
from treadle.workloads.states import Failed, FailureClass, Running, Starting, Succeeded

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SAID = SyncResult(items=1, added=1, listing=Blob(uri="s3://datasets/items/a.jsonl", sha256="a" * 64), digest="b" * 64)


def wanted(slot: int = 1) -> SyncSpec:
    schema = LabelSchema(task="ImageClassification", labels=(LabelClass(name="0"),))
    return SyncSpec(labels=schema, sources=(Source(uri="s3://raw/"),), destination="s3://datasets/", store=StoreConnection(), slot=slot)


def digest(slot: int = 1) -> str:
    return wanted(slot).fingerprint(stages.DIGEST_LENGTH)


def minutes(ago: float) -> datetime:
    return NOW - timedelta(minutes=ago)


def attempt(state: str = "succeeded", *, slot: int = 1, number: int = 1, made: float = 5) -> Attempt[SyncResult]:
    uid = f"uid-{slot}-{number}"
    states: dict[str, Any] = {
        "starting": Starting(uid=uid, since=minutes(made)),
        "running": Running(uid=uid, since=minutes(made)),
        "succeeded": Succeeded(uid=uid, result=SAID, finished_at=minutes(made - 1)),
        "failed": Failed(
            uid=uid, failure_class=FailureClass.INFRASTRUCTURE, reason=Reason.Unreachable, message="down", finished_at=minutes(made - 1)
        ),
        "hopeless": Starting(uid=uid, since=minutes(made), reason=Reason.SecretMissing, message="no secret", stalled=True, gives_up_at=minutes(1)),
    }
    ref = Ref("Job", "ml", f"digits-sync-{digest(slot)}-{number}")
    return Attempt(ref=ref, uid=uid, digest=digest(slot), number=number, made_at=minutes(made), made_for={}, state=states[state])


def failure(uid: str, at: datetime) -> Failed:
    return Failed(uid=uid, failure_class=FailureClass.INFRASTRUCTURE, reason=Reason.Unreachable, message="down", finished_at=at)


def record(result: Any = "Succeeded", *, slot: int = 1, number: int = 1, made: float = 5, finished: float = 4) -> StageRecord:
    return StageRecord(digest=digest(slot), attempt=number, result=result, reason="Unreachable", made_at=minutes(made), finished_at=minutes(finished))


def stage(*attempts: Attempt[SyncResult], remembered_as: StageRecord | None = None) -> Stage[SyncResult]:
    return Stage(name="sync", record=remembered_as, attempts=attempts)


def test_a_stage_never_tried_is_due() -> None:
    assert step(stage(), wanted(), NOW) == Due(1)


def test_a_stage_of_which_nothing_is_wanted_is_idle() -> None:
    assert step(stage(), None, NOW) == Idle()
    assert step(stage(attempt(), remembered_as=record()), None, NOW) == Idle()


def test_done_work_needs_no_job_whether_its_job_is_there_or_not() -> None:
    assert step(stage(attempt(), remembered_as=record()), wanted(), NOW) == Done()
    assert step(stage(remembered_as=record()), wanted(), NOW) == Done()


def test_other_inputs_are_due_from_the_first_attempt_on() -> None:
    assert step(stage(remembered_as=record("Failed", number=7)), wanted(2), NOW) == Due(1)


def test_a_failure_is_tried_again_after_a_pause_under_the_next_number() -> None:
    failed = record("Failed", number=3, finished=0.5)
    assert step(stage(remembered_as=failed), wanted(), NOW) == Pausing(failed, minutes(0.5) + pause(3))
    assert step(stage(remembered_as=failed), wanted(), minutes(0.5) + pause(3)) == Due(4)


def test_pauses_grow_up_to_ten_minutes() -> None:
    assert [pause(n).total_seconds() for n in (1, 2, 3, 7, 8, 1000)] == [10, 20, 40, 600, 600, 600]


@pytest.mark.parametrize("state", ["starting", "running"])
def test_one_job_at_a_time(state: str) -> None:
    """Also when the inputs changed meanwhile, and when nothing is wanted any more."""
    under_way = attempt(state, slot=1)
    for spec in (wanted(1), wanted(2), None):
        assert isinstance(step(stage(under_way, remembered_as=record(slot=0, made=50)), spec, NOW), Working)


def test_what_ended_for_older_inputs_is_remembered_too() -> None:
    """Else a sync that takes longer than the resync interval would never count."""
    late = attempt("succeeded", slot=1, made=5)
    standing = step(stage(late, remembered_as=record(slot=0, made=50)), wanted(2), NOW)
    assert isinstance(standing, Ended)
    assert standing.attempt == late


def test_history_is_not_remembered_again() -> None:
    old, last = attempt("failed", slot=0, made=60), attempt("succeeded", slot=1, made=5)
    assert step(stage(old, last, remembered_as=record(slot=1, made=5)), wanted(1), NOW) == Done()


def test_a_job_of_the_wanted_name_counts_whatever_the_clocks_say() -> None:
    skewed = attempt("succeeded", number=2, made=5)
    standing = step(stage(skewed, remembered_as=record("Failed", number=1, made=5)), wanted(), NOW)
    assert isinstance(standing, Ended)


def test_a_pod_that_cannot_start_is_given_up_remembered_and_then_deleted() -> None:
    hopeless = attempt("hopeless", made=12)
    standing = step(stage(hopeless), wanted(), NOW)
    assert isinstance(standing, Ended)
    assert tidy(stage(hopeless)).actions == ()
    written = remembered(standing, NOW)
    assert (written.result, written.reason, written.finished_at) == ("Failed", "SecretMissing", NOW)
    assert tidy(stage(hopeless, remembered_as=written)).actions == (Delete(hopeless.ref, hopeless.uid),)


def test_only_the_last_finished_jobs_are_kept_and_none_that_runs_is_deleted() -> None:
    jobs = [attempt("failed", number=n, made=60 - n) for n in range(1, 5)]
    running = attempt("running", number=5, made=1)
    deleted = tidy(stage(*jobs, running, remembered_as=record("Failed", number=4, made=56))).actions
    assert {action.uid for action in deleted if isinstance(action, Delete)} == {jobs[0].uid, jobs[1].uid}


def test_what_is_remembered_names_the_job_and_why_it_failed() -> None:
    standing = step(stage(attempt("failed", number=2), remembered_as=record("Failed", number=1, made=20)), wanted(), NOW)
    assert isinstance(standing, Ended)
    written = remembered(standing, NOW)
    assert (written.digest, written.attempt, written.result) == (digest(), 2, "Failed")
    assert (written.reason, written.message, written.job) == ("Unreachable", "down", f"digits-sync-{digest()}-2")


def test_attempts_of_the_same_second_do_not_take_turns() -> None:
    both = (attempt("failed", slot=1), attempt("failed", slot=2))
    after_first = Stage(name="sync", record=record("Failed", slot=1), attempts=both)
    ended = step(after_first, wanted(2), NOW)
    assert isinstance(ended, Ended)
    assert ended.attempt.digest == digest(2)
    after_second = Stage(name="sync", record=record("Failed", slot=2), attempts=both)
    assert not isinstance(step(after_second, wanted(2), NOW), Ended)
