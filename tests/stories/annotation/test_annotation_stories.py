"""The life of an AnnotationProject, told as stories; each is told again with a crash around every action and status write."""

from __future__ import annotations

from dataclasses import replace

from tests.stories.annotation.telling import (
    AGREEMENT,
    FIND,
    INSTALLATION,
    PROGRESS,
    START,
    TEMPLATE,
    TWICE,
    Told,
    labelled,
    make_project,
)
from treadle.annotation import annotation_project
from treadle.api import names
from treadle.connections.installation import Connections
from treadle.connections.labelling import LabellingProject, Progress
from treadle.plan import Unavailable
from treadle.workloads.config_map import ConfigMapText

JOBS = {"resources": {"shm": "1Gi", "ephemeralStorage": "20Gi"}}

SCREEN = ConfigMapText(namespace="ml", name="ui", key="config.xml")

GUIDE = ConfigMapText(namespace="ml", name="guide", key="guide.md")


def test_a_project_is_labelled_measured_released_and_trained_on() -> None:
    told = Told(
        "A project is labelled, measured, released and trained on", make_project(workforce=TWICE, quality=AGREEMENT, train=TEMPLATE, resync="10m")
    )
    told.at("0s", "applied")
    told.at("5s", "the operator restarts")
    told.synced("20s")
    told.answered("30s", 400, 2, 3)
    told.answered("50s", 400, 9, 20)
    told.answered("90s", 400, 25, 48)
    told.answered("9m", 400, 400, 800)
    told.measured("9m30s")
    told.released("10m")
    told.at("10m10s", "the sources are listed again")
    told.synced("10m20s", again=True)
    told.at("11m", "the operator restarts")
    told.check("whole_life")


def test_a_command_found_on_a_new_object_is_only_recorded() -> None:
    project = make_project(dataset={"release": {"approval": "Required"}})
    project["metadata"]["annotations"] = {names.RELEASE: names.digest("quality 0")[:12]}
    told = Told("A command comes with a copy", project)
    told.at("0s", "applied")
    told.synced("20s")
    told.answered("1h", 400, 400, 800)
    told.measured("61m")
    told.check("command_on_new_object")


def test_a_recreated_project_takes_up_its_own() -> None:
    told = labelled("Deleted and recreated", train=TEMPLATE)
    told.measured("61m")
    told.released("62m")
    again = make_project(uid="uid-2", train=TEMPLATE)
    find = replace(FIND, owner=replace(FIND.owner, uid="uid-2"))
    project = {find: LabellingProject(1, "<url>", told.setup()), PROGRESS: Progress(400, 400, 400, 800)}
    told.at("2h", "the object is deleted and made again", recreated=again, answers=project)
    told.synced("121m", again=True)
    told.measured("123m")
    told.released("124m", created=False)
    told.check("recreated")


def test_a_suspended_project_starts_nothing() -> None:
    told = Told("Suspended", make_project(suspend=True))
    told.at("0s", "applied")
    told.at("1m", "resumed", this={"spec": {"suspend": False}})
    told.synced("2m")
    told.at("3m", "suspended", this={"spec": {"suspend": True}})
    told.answered("1h", 400, 400, 800)
    told.at("2h", "resumed", this={"spec": {"suspend": False}})
    told.check("suspended")


def test_a_missing_connection_is_told() -> None:
    installation = INSTALLATION.model_copy(update={"connections": Connections(store=INSTALLATION.connections.store)})
    told = Told("The connection is missing", kind=annotation_project(installation))
    told.at("0s", "applied")
    told.at("1m", "the operator restarts")
    told.check("connection_missing")


def test_texts_travel_inside_of_their_tasks() -> None:
    told = labelled("Texts are labelled", task={"type": "TextClassification"}, media="Inline")
    told.measured("61m")
    told.released("62m")
    told.check("texts")


def test_boxes_are_released_in_the_formats_that_trainers_read() -> None:
    told = labelled(
        "Objects are labelled", task={"type": "ObjectDetection"}, workforce=TWICE, quality=AGREEMENT, dataset={"formats": ["Coco", "Yolo"]}
    )
    told.measured("61m", agreement=0.71)
    told.at("90m", "the bound is lowered", this={"spec": {"quality": {"agreement": {"minimum": "0.70"}}}})
    told.released("91m")
    told.check("boxes")


def test_a_screen_of_ones_own_and_guidelines_stand_in_config_maps() -> None:
    task = {"type": "Custom", "configuration": {"configMap": "ui", "key": "config.xml"}}
    project = make_project(task=task, guidelines={"configMap": "guide", "key": "guide.md"})
    view = '<View><Text name="t" value="$item"/><Number name="n" toName="t"/></View>'
    told = Told("A screen of one's own", project, answers={SCREEN: None, GUIDE: "Count the cans."})
    told.at("0s", "applied before its ConfigMap")
    told.at("1m", "the ConfigMap is there", answers={SCREEN: view})
    told.synced("2m")
    told.at("5m", "the API server does not tell", answers={GUIDE: Unavailable(START, "forbidden")})
    told.check("own_screen")


def test_what_is_not_supported_is_told() -> None:
    told = Told("Works without", make_project(jobs=JOBS))
    told.at("0s", "applied")
    told.check("works_without")
    told = labelled("A measure of other labels", quality={"agreement": {"metric": "MeanIou", "minimum": "0.8"}}, workforce=TWICE)
    told.measured("61m")
    told.check("measure_of_other_labels")
    told = Told("Texts by link", make_project(task={"type": "TextClassification"}, media="Backend"))
    told.at("0s", "applied")
    told.check("texts_by_link")
