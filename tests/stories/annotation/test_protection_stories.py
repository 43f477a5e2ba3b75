"""What somebody does to the labelling project by hand, told as stories: noticed, said, repaired where that loses nothing."""

from __future__ import annotations

from dataclasses import replace

from tests.stories.annotation.telling import FIND, PROGRESS, START, Told, blob, make_project
from treadle.api import names
from treadle.connections.labelling import LabellingProject, Progress
from treadle.plan import Unavailable

KEPT = {"snapshot": blob("snapshot", "first")}


def begun(title: str) -> Told:
    """A project on which people work, whose sources were listed a second time since."""
    told = Told(title, make_project(resync="10m"))
    told.at("0s", "applied")
    told.synced("20s", snapshot=blob("snapshot", "nothing"))
    told.answered("5m", 400, 100, 100)
    told.at("10m", "the sources are listed again")
    told.synced("10m20s", again=True, **KEPT)
    return told


def test_a_deleted_labelling_project_is_made_again_with_its_answers() -> None:
    told = begun("An annotator deletes the labelling project")
    told.at("15m", "an annotator deletes the labelling project", answers={FIND: None, PROGRESS: None})
    another = LabellingProject(2, "<url>", told.setup())
    told.at("15m10s", "it was made again, under another number", answers={FIND: another, replace(PROGRESS, project=2): Progress()})
    told.synced("15m30s", again=True, restored=100, snapshot=blob("snapshot", "first"))
    told.at("15m40s", "the answers are there", answers={replace(PROGRESS, project=2): Progress(400, 100, 100, 100)})
    told.at("8d", "a week later nobody needs to be told any more")
    told.check("project_deleted")


def test_a_labelling_project_whose_description_was_emptied_is_taken_up_again() -> None:
    told = begun("An annotator empties the description of the labelling project")
    told.at("15m", "it cannot be found by its description any more", answers={FIND: None})
    told.at("15m10s", "it has the line again", answers={FIND: LabellingProject(1, "<url>", told.setup())})
    told.check("tag_removed")


def test_a_set_up_that_was_edited_by_hand_is_set_back() -> None:
    told = begun("An annotator removes a label in the browser")
    told.at("12m", "an annotator removes a label", answers={FIND: LabellingProject(1, "<url>", "edited01")})
    told.at("13m", "and once more", answers={FIND: LabellingProject(1, "<url>", "edited01")})
    told.at("14m", "Label Studio is down", answers={FIND: Unavailable(START, "no answer")})
    told.at("15m", "and is back", answers={FIND: LabellingProject(1, "<url>", told.setup())})
    told.check("setup_edited")


def test_a_change_of_spec_is_no_edit_by_hand() -> None:
    told = begun("A label is added in spec")
    labels = [{"name": "0"}, {"name": "1"}, {"name": "2"}]
    told.at("12m", "a label is added", this={"spec": {"task": {"labels": labels}}})
    told.check("label_added")


def test_deleted_tasks_come_back_with_their_answers() -> None:
    told = begun("An annotator deletes tasks")
    told.at("20m", "the sources are listed again")
    told.synced("20m20s", again=True, lost_tasks=12, restored=14, **KEPT)
    told.check("tasks_deleted")


def test_answers_that_were_taken_back_come_back_on_command() -> None:
    told = begun("Answers are taken back, and brought back on command")
    told.at("20m", "the sources are listed again")
    told.synced("20m20s", again=True, withdrawn=3, snapshot=blob("snapshot", "second"))
    told.at("21m", "a command that names nothing", this={"metadata": {"annotations": {names.RESTORE: "0123456789"}}})
    snapshot = blob("snapshot", "first").sha256[:12]
    told.at("22m", "somebody brings them back", this={"metadata": {"annotations": {names.RESTORE: snapshot}}})
    told.synced("22m20s", again=True, restored=3, snapshot=blob("snapshot", "third"))
    told.synced("22m50s", again=True, snapshot=blob("snapshot", "third"))
    told.at("30m", "the sources are listed again")
    told.check("answers_restored")
