"""Items come in, from stores or with their labels as files: what fails, and how it is said."""

from __future__ import annotations

from typing import Any

from tests.stories.annotation.telling import (
    AGREEMENT,
    DOWN,
    FIND,
    PROGRESS,
    TWICE,
    Told,
    blob,
    make_project,
    stamp,
)
from treadle.api.reasons import Reason
from treadle.connections.labelling import LabellingProject, Progress
from treadle.contracts import ExitCode, Failure

FILES: dict[str, Any] = {
    "source": None,
    "sources": [{"name": "old", "uri": "s3://raw/digits/", "labels": {"format": "Jsonl", "uri": "s3://raw/labels.jsonl"}}],
    "backend": {"type": "Files"},
}


def test_labels_that_come_as_files_are_measured_and_released_without_a_labelling_backend() -> None:
    told = Told("Labels come as files", make_project(**FILES, workforce=TWICE, quality=AGREEMENT, resync="10m"))
    told.at("0s", "applied")
    told.at("5s", "the operator restarts")
    told.listed("20s", finished=390, answers=790)
    told.measured("40s", complete=390, disputed=3)
    told.released("60s", items=387)
    told.at("10m10s", "the sources are listed again")
    told.listed("10m20s", finished=390, answers=790, text="nothing is new")
    told.at("20m10s", "the sources are listed again")
    told.listed("20m20s", content=1, text="somebody wrote more labels")
    told.measured("20m40s", content=1)
    told.released("21m", version=2)
    told.check("by_files")


def test_bad_labels_in_files_wait_for_better_ones() -> None:
    told = Told("Labels in files are not good enough", make_project(**FILES, workforce=TWICE, quality=AGREEMENT, resync="10m", removed="Keep"))
    told.at("0s", "applied")
    told.listed("20s")
    told.measured("40s", agreement=0.7)
    told.check("by_files_missed")


def test_a_sync_that_fails_is_tried_again_after_longer_and_longer_pauses() -> None:
    told = Told("A sync that fails is tried again")
    told.at("0s", "applied")
    down = Failure.of(Reason.Unreachable, "http://s3.example:7070 does not answer")
    told.failed("20s", "sync", down)
    told.at("30s", "ten seconds later")
    told.failed("40s", "sync", down)
    told.at("1m", "twenty seconds later")
    told.synced("70s")
    told.check("sync_retried")


def test_a_sync_that_keeps_failing_is_not_hurried_by_the_next_interval() -> None:
    told = Told("A sync that keeps failing is not hurried by the next interval", make_project(resync="1m"))
    told.at("0s", "applied")
    down = Failure.of(Reason.Unreachable, "http://s3.example:7070 does not answer")
    told.failed("20s", "sync", down)
    told.at("30s", "ten seconds later")
    told.failed("50s", "sync", down)
    told.at("1m1s", "the next interval begins within the pause")
    told.at("1m10s", "the pause is over")
    told.synced("1m20s")
    told.synced("1m40s", again=True)
    told.at("2m1s", "the next interval begins")
    told.check("sync_not_hurried")


def test_what_cannot_be_read_is_named_with_why_and_with_where_the_rest_is_told() -> None:
    told = Told("Some objects cannot be read", make_project(resync="10m"))
    told.at("0s", "applied")
    example = "s3://raw/digits/7.png: http://s3.example:7070 does not give it (InvalidObjectState)"
    told.synced("20s", unreadable=3, examples=(example, "s3://raw/digits/8.txt: not an image"), unreadable_list=blob("unreadable", 3))
    told.at("10m1s", "the next interval begins")
    told.synced("10m20s", again=True, unreadable=1, duplicates=2, passed_over=4, examples=(example,), unreadable_list=blob("unreadable", 1))
    told.at("20m1s", "the next interval begins")
    told.synced("20m20s", again=True, unreadable=1, broken_notes=2, unreadable_list=blob("unreadable", 1))
    told.check("unreadable")


def test_a_failure_that_will_not_mend_itself_stalls() -> None:
    told = Told("A bucket is missing")
    told.at("0s", "applied")
    told.failed("20s", "sync", Failure.of(Reason.BucketNotFound, "there is no bucket raw"), ExitCode.BAD_INPUT)
    told.at("30s", "ten seconds later")
    told.check("bucket_missing")


def test_a_store_that_label_studio_may_not_reach_is_told_with_what_to_do() -> None:
    told = Told("Label Studio may not reach the object store")
    told.at("0s", "applied")
    why = "Label Studio at http://label-studio.example:8080 may not reach the object store: URL resolves to a reserved network address"
    told.failed("20s", "sync", Failure.of(Reason.AddressBlocked, why), ExitCode.BAD_INPUT)
    told.check("address_blocked")


def test_a_job_without_its_secret_is_given_up_and_made_again() -> None:
    told = Told("A Job lacks its Secret")
    told.at("0s", "applied")
    job = told.job("sync")
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job, "uid": f"uid-job-{job}", "controller": True}
    waiting = {"reason": "CreateContainerConfigError", "message": 'secret "treadle-label-studio" not found'}
    status = {"phase": "Pending", "containerStatuses": [{"name": "treadle", "state": {"waiting": waiting}}]}
    metadata = {"name": f"{job}-x", "namespace": "ml", "ownerReferences": [owner], "creationTimestamp": stamp("1s")}
    told.at("5s", "its pod cannot start", objects=[{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status}])
    told.at("10m1s", "ten minutes later")
    told.at("10m11s", "after a pause")
    told.check("secret_missing")


def test_nothing_is_launched_while_label_studio_is_down() -> None:
    told = Told("Label Studio is down", answers={FIND: DOWN})
    told.at("0s", "applied")
    told.at("5m", "it is back", answers={FIND: None})
    told.synced("6m")
    told.answered("7m", 400, 100, 100)
    told.at("8m", "it is down again", answers={FIND: DOWN, PROGRESS: DOWN})
    told.at("20m", "it is back", answers={FIND: LabellingProject(1, "<url>", "changed by somebody"), PROGRESS: Progress(400, 100, 100, 100)})
    told.check("label_studio_down")


def test_a_twin_of_the_labelling_project_that_comes_up_late_is_closed() -> None:
    told = Told("A twin of its labelling project comes up late")
    told.at("0s", "applied")
    told.synced("20s")
    twins = LabellingProject(1, "<url>", told.setup(), twins=(2,))
    told.at("30s", "a call that was given up is carried out all the same", answers={FIND: twins})
    told.check("late_twin")


def test_what_is_wanted_again_after_something_else_was_is_done_anew() -> None:
    told = Told("A change of spec is taken back", make_project())
    told.at("0s", "applied")
    told.synced("20s")
    told.at("1m", "gold items are mixed in", this={"spec": {"quality": {"gold": {"uri": "s3://raw/gold/", "percent": 5, "minimumAccuracy": "0.9"}}}})
    told.synced("90s", gold=20)
    told.at("2m", "and are not wanted any more", this={"spec": {"quality": None}})
    told.synced("150s", again=True)
    told.at("3m", "nothing more happens")
    told.check("taken_back")
