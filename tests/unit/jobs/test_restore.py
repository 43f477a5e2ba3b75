"""What is lost of earlier answers, and what is none of our business."""

from typing import Any

from treadle.contracts.quality import RawAnnotation
from treadle.contracts.sync import Item
from treadle.jobs._label_studio import LabellingTask
from treadle.jobs._labelling_tasks import mark_of
from treadle.jobs._restore import Present, as_annotation, lost_of

ITEM = Item(key="s3://raw/a.png", source="raw", uri="s3://raw/a.png", sha256="1" * 64, size=1)
KEY = mark_of(ITEM).task_key


def answer(who: str = "u1", *, task: int = 1, annotation: int = 1, **more: Any) -> RawAnnotation:
    return RawAnnotation(key=ITEM.key, uri=ITEM.uri, sha256=more.pop("sha256", ITEM.sha256), task=task, annotation=annotation, annotator=who, **more)


def present(*tasks: int, annotations: tuple[int, ...] = (), answered: tuple[str, ...] = ()) -> Present:
    return Present({KEY: [LabellingTask(id=task, data={}) for task in tasks]}, {KEY: set(answered)}, set(tasks), set(annotations))


def test_answers_of_a_deleted_task_are_lost() -> None:
    lost = lost_of([answer(), answer("u2", annotation=2)], [ITEM], present(), same_project=True)
    assert [each.annotator for each in lost.by_key[KEY]] == ["u1", "u2"]
    assert (lost.tasks, lost.withdrawn) == (1, 0)


def test_answers_that_are_gone_from_a_task_that_is_there_were_taken_back() -> None:
    lost = lost_of([answer()], [ITEM], present(1), same_project=True)
    assert (lost.by_key, lost.tasks, lost.withdrawn) == ({}, 0, 1)
    assert KEY in lost_of([answer()], [ITEM], present(1), same_project=False).by_key, "but come back on command"


def test_what_is_there_or_was_answered_again_is_not_lost() -> None:
    assert lost_of([answer()], [ITEM], present(1, annotations=(1,)), same_project=True).by_key == {}
    assert lost_of([answer()], [ITEM], present(2, answered=("u1",)), same_project=True).by_key == {}


def test_answers_to_what_is_gone_or_has_other_content_stay_in_the_snapshot() -> None:
    assert lost_of([answer(sha256="2" * 64)], [ITEM], present(), same_project=False).by_key == {}
    assert lost_of([answer()], [], present(), same_project=False).by_key == {}


def test_the_latest_of_several_answers_of_one_person_comes_back() -> None:
    twice = [answer(annotation=2, updated_at="2", skipped=True), answer(updated_at="1")]
    (kept,) = lost_of(twice, [ITEM], present(), same_project=True).by_key[KEY]
    assert kept.skipped


def test_answers_come_back_in_the_names_of_those_who_gave_them() -> None:
    assert as_annotation(answer("u7"), {7})["completed_by"] == 7
    assert "completed_by" not in as_annotation(answer("u7"), {8}), "the backend refuses people whom it does not know"
    assert "completed_by" not in as_annotation(answer("a9"), {9})
