"""An AnnotationProject is deleted: its labelling project goes with it only when nobody has worked there."""

from __future__ import annotations

from dataclasses import replace

from tests.stories.annotation.telling import (
    DOWN,
    FIND,
    PROGRESS,
    Told,
    make_project,
    stamp,
)
from treadle.connections.labelling import Progress


def test_an_empty_labelling_project_is_deleted_with_the_object() -> None:
    told = Told("Deleted with its empty labelling project", make_project(deletion_policy="Delete"))
    told.at("0s", "applied")
    told.synced("20s")
    told.at("1m", "deleted", this={"metadata": {"deletionTimestamp": stamp("1m")}})
    told.check("deleted_empty")


def test_a_labelling_project_with_human_work_is_never_deleted() -> None:
    told = Told("Deleted while it holds human work", make_project(deletion_policy="Delete"))
    told.at("0s", "applied")
    told.synced("20s")
    told.answered("50s", 400, 1, 1)
    told.at("1m", "deleted", this={"metadata": {"deletionTimestamp": stamp("1m")}})
    told.check("deleted_with_annotations")


def test_an_object_whose_spec_is_not_understood_any_more_goes_by_what_is_remembered() -> None:
    told = Told("Deleted with a spec of another version", make_project(deletion_policy="Delete"))
    told.at("0s", "applied")
    told.synced("20s")
    told.at("30s", "an older operator takes over, to which a field is new", this={"spec": {"backend": {"type": "Argilla"}}})
    told.at("1m", "deleted", this={"metadata": {"deletionTimestamp": stamp("1m")}})
    told.check("deleted_not_understood")


def test_a_project_of_which_a_job_cannot_be_told_all_is_deleted_like_any_other() -> None:
    limits = [{"id": f"{number:0100}", "maxItems": 100} for number in range(200)]
    labels = [{"name": f"{number} of a hundred and fifty kinds of things that look alike"} for number in range(150)]
    task = {"type": "ImageClassification", "labels": labels}
    told = Told("Deleted with too much for one Job", make_project(deletion_policy="Delete", workforce={"annotators": limits}, task=task))
    told.at("0s", "applied")
    told.synced("20s")
    told.answered("1h", 400, 400, 400)
    told.at("2h", "deleted", this={"metadata": {"deletionTimestamp": stamp("2h")}})
    told.check("deleted_with_too_much_for_a_job")


def test_an_adopted_labelling_project_stays_also_when_the_spec_is_not_understood_any_more() -> None:
    find = replace(FIND, adopt=12)
    project = make_project(deletion_policy="Delete", backend={"adopt": 12})
    told = Told("An adopted project, deleted with a spec of another version", project, answers={find: None})
    told.at("0s", "applied", answers={replace(PROGRESS, project=12): Progress()})
    told.at("30s", "an older operator takes over, to which a field is new", this={"spec": {"backend": {"type": "Argilla"}}})
    told.at("1m", "deleted", this={"metadata": {"deletionTimestamp": stamp("1m")}})
    told.check("deleted_adopted_not_understood")


def test_a_deletion_waits_ten_minutes_for_label_studio() -> None:
    told = Told("Deleted while Label Studio is down", make_project(deletion_policy="Delete"))
    told.at("0s", "applied")
    told.synced("20s")
    told.at("1m", "deleted", this={"metadata": {"deletionTimestamp": stamp("1m")}}, answers={FIND: DOWN, PROGRESS: DOWN})
    told.at("5m", "still down")
    told.at("11m", "ten minutes are over")
    told.check("deleted_while_down")


def test_a_retained_project_is_never_held() -> None:
    told = Told("Deleted, nothing to do")
    told.at("0s", "applied")
    told.at("30s", "deletionPolicy Delete", this={"spec": {"deletionPolicy": "Delete"}})
    told.at("40s", "deletionPolicy Retain", this={"spec": {"deletionPolicy": "Retain"}})
    told.check("policy_changed")
