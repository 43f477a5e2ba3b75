"""When a version is written: as items are finished, on time, by command, and never twice the same."""

from __future__ import annotations

from tests.stories.annotation.telling import (
    AGREEMENT,
    TEMPLATE,
    TWICE,
    Told,
    labelled,
    make_project,
)
from treadle.api import names
from treadle.contracts import ExitCode, Failure


def test_where_nobody_agrees_on_anything_there_is_nothing_to_release() -> None:
    told = labelled("Nobody agrees on anything", workforce=TWICE)
    told.measured("61m", disputed=400, agreement=-0.2)
    told.check("nothing_agreed")


def test_how_a_label_looks_makes_no_other_version() -> None:
    told = labelled("A label gets a colour and a hotkey", train=TEMPLATE)
    told.measured("61m")
    told.released("62m")
    painted = [{"name": "0", "color": "#d44444", "hotkey": "q"}, {"name": "1"}]
    told.at("63m", "a label gets a colour and a hotkey", this={"spec": {"task": {"labels": painted}}})
    told.at("2h", "nothing more happens")
    told.check("label_painted")


def test_nothing_new_makes_no_version() -> None:
    told = labelled("Nothing new", train=TEMPLATE)
    told.measured("61m")
    told.released("62m")
    told.answered("70m", 400, 400, 801, text="somebody opens an item and submits the same answer")
    told.at("75m", "nobody changed anything for five minutes")
    told.measured("76m")
    told.answered("80m", 400, 400, 802, text="somebody corrects an answer, and corrects it back")
    told.at("85m", "nobody changed anything for five minutes")
    told.measured("86m", content=2)
    told.released("87m", created=False)
    told.check("nothing_new")


def test_versions_are_made_as_items_are_finished() -> None:
    told = Told("Versions as items are finished", make_project(dataset={"release": {"minItems": 100, "everyItems": 100}}))
    told.at("0s", "applied")
    told.synced("20s")
    told.answered("10m", 400, 99, 99)
    told.answered("11m", 400, 101, 101)
    told.measured("12m", complete=101, disputed=2)
    told.answered("13m", 400, 103, 103)
    told.measured("14m", complete=103, disputed=2, content=2)
    told.released("15m", items=101)
    told.answered("20m", 400, 180, 180)
    told.answered("25m", 400, 203, 203)
    told.measured("26m", complete=203, disputed=2, content=3)
    told.released("27m", version=2, items=201)
    told.check("every_items")


def test_items_that_came_later_are_measured_as_soon_as_they_are_answered() -> None:
    told = labelled("Items that came later", resync="2h")
    told.measured("61m")
    told.released("62m")
    told.at("2h", "the sources are listed again")
    told.synced("2h20s", items=460)
    told.answered("2h10m", 460, 460, 920)
    told.measured("2h11m", items=460, content=2)
    told.released("2h12m", version=2, items=457, of=460)
    told.answered("2h20m", 460, 460, 921, text="somebody corrects an answer")
    told.at("2h25m", "nobody changed anything for five minutes")
    told.check("items_came_later")


def test_a_human_releases_where_approval_is_required() -> None:
    told = labelled("A human releases", dataset={"release": {"approval": "Required"}})
    told.measured("61m")
    told.at("62m", "an annotation for another run", this={"metadata": {"annotations": {names.RELEASE: "0123456789ab"}}})
    value = names.digest("quality 0")[:12]
    told.at("63m", "the annotation for this run", this={"metadata": {"annotations": {names.RELEASE: value}}})
    told.released("64m")
    told.check("approval")


def test_a_missed_bound_is_released_on_command() -> None:
    told = labelled("Released on command", workforce=TWICE, quality=AGREEMENT)
    told.measured("61m", agreement=0.78, disputed=88)
    value = names.digest("quality 0")[:12]
    told.at("63m", "the annotation for this run", this={"metadata": {"annotations": {names.RELEASE: value}}})
    told.released("64m", items=312)
    told.check("released_on_command")


def test_versions_are_written_when_the_schedule_says_so() -> None:
    told = labelled("On Tuesdays at three", dataset={"release": {"schedule": "0 3 * * 2"}})
    told.measured("61m")
    told.at("2d", "the operator restarts")
    told.at("7d", "a week later")
    told.released("7d1m")
    told.check("scheduled")


def test_a_schedule_that_never_comes_is_told() -> None:
    told = Told("The thirtieth of February", make_project(dataset={"release": {"schedule": "0 3 30 2 *"}}))
    told.at("0s", "applied")
    told.check("schedule_never")


def test_a_program_prepares_each_version() -> None:
    prepare = {"image": "registry.example/acme/clean:1", "command": ["python", "clean.py"]}
    told = Told("A program prepares each version", make_project(dataset={"prepare": prepare, "release": {"minItems": 100, "everyItems": 100}}))
    told.at("0s", "applied")
    told.synced("20s")
    told.answered("1h", 400, 100, 100)
    told.measured("61m", complete=100, disputed=0)
    wrong = Failure(kind="failure", reason="PreparationInvalid", message="line 7 of items.jsonl in TREADLE_OUTPUT_DIR: pink is no label")
    told.failed("62m", "release", wrong, ExitCode.BAD_INPUT)
    told.at("63m", "the next attempt begins")
    told.released("64m", items=480, agreed=100)
    told.answered("2h", 400, 200, 200, text="a hundred more items are answered, however many the program made of the first hundred")
    told.measured("121m", complete=200, disputed=0, content=1)
    told.released("122m", version=2, items=960, agreed=200)
    told.check("prepared")
