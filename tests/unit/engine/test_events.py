import asyncio
import gc
import weakref
from datetime import datetime

import pytest

from tests.unit.engine.clocks import Ticks, until
from treadle.connections.installation import Owner
from treadle.connections.labelling import CloseLabellingProject, EnsureLabellingProject, Setup
from treadle.connections.registry import EnsureAlias, EnsureModelVersion, TagModelVersion
from treadle.connections.tracking import CloseTrackingRun, DescribeTrackingRun, EnsureTrackingRun, TrackingStatus
from treadle.connections.traffic import OrderTraffic, StablePods
from treadle.engine._events import DEFERENCE, MESSAGE_LIMIT, QUIET, Announcer, Said, deed, event_about, flips
from treadle.plan import Apply, Create, Delete, Effect, HoldFinalizer, Object, Ref

THIS = {
    "apiVersion": "treadle.dev/v1alpha1",
    "kind": "TrainingRun",
    "metadata": {"name": "a", "namespace": "ml", "uid": "u1", "resourceVersion": "7"},
}
JOB = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a-1", "namespace": "ml"}}


class Whole(dict[str, object]):
    """An object that can be watched while it goes."""


class Board:
    def __init__(self) -> None:
        self.told: list[str] = []

    async def emit_event(self, about: Object, *, type: str, reason: str, message: str, now: datetime) -> None:  # noqa: A002
        self.told.append(f"{type} {reason}: {message}")


def status(**conditions: tuple[str, str]) -> dict[str, object]:
    return {"conditions": [{"type": kind, "status": value, "reason": reason, "message": "words"} for kind, (value, reason) in conditions.items()]}


@pytest.mark.parametrize("garbage", [None, True, "x", [], {"conditions": True}, {"conditions": [7, None, {"type": []}, {}]}], ids=repr)
def test_garbage_in_the_status_before_is_no_condition(garbage: object) -> None:
    after = status(Running=("True", "JobRunning"))
    assert [said.reason for said in flips(garbage, after)] == ["JobRunning"]


def test_only_conditions_that_flip_are_told_and_derived_ones_never() -> None:
    before = status(Running=("False", "PodNotReady"), Ready=("False", "PodNotReady"), Tracked=("True", "Fine"))
    after = status(Running=("True", "JobRunning"), Ready=("True", "JobRunning"), Tracked=("True", "Other"))
    assert list(flips(before, after)) == [Said("Normal", "JobRunning", "Running=True: words")]


def test_a_flip_that_stalls_is_a_warning() -> None:
    after = status(Succeeded=("False", "DeadlineExceeded"), Stalled=("True", "DeadlineExceeded"))
    assert [said.type for said in flips({}, after)] == ["Warning"]


def test_a_warning_names_the_page_that_says_what_to_do_however_long_its_words_are() -> None:
    (said,) = flips({}, status(Succeeded=("False", "DeadlineExceeded"), Stalled=("True", "DeadlineExceeded")))
    assert said.message == "Succeeded=False: words (https://treadle.dev/docs/reasons#deadlineexceeded)"
    long = {"conditions": [{**each, "message": "x" * 2000} for each in status(A=("False", "Killed"), Stalled=("True", "Killed"))["conditions"]]}  # type: ignore[attr-defined]
    (said,) = flips({}, long)
    assert said.message.endswith("x (https://treadle.dev/docs/reasons#killed)")
    assert len(said.message) == MESSAGE_LIMIT
    (foreign,) = flips({}, status(A=("False", "FromTomorrow"), Stalled=("True", "FromTomorrow")))
    assert foreign.message == "A=False: words"


def test_actions_are_told_in_words_and_drift_by_its_name() -> None:
    assert deed(Create(JOB)) == Said("Normal", "Created", "created Job a-1")
    assert deed(Apply(JOB), drifted=True) == Said("Normal", "DriftCorrected", "set Job a-1 back to what it should be")
    assert deed(Delete(Ref("Job", "ml", "a-1"), "u")) == Said("Normal", "Deleted", "deleted Job a-1")
    assert deed(HoldFinalizer(Ref("TrainingRun", "ml", "a"), "u1")) is None


def test_every_effect_is_told_in_words_that_name_no_class() -> None:
    owner = Owner("demo", "ml", "digits", "u1")
    effects = [
        EnsureTrackingRun(connection="c", experiment="digits", run_name="digits-1", owner=owner, spec_hash="h"),
        DescribeTrackingRun(connection="c", owner_uid="u1", experiment_id="1", run_id="r"),
        CloseTrackingRun(connection="c", owner_uid="u1", experiment_id="1", run_id="r", status=TrackingStatus.KILLED),
        EnsureModelVersion(connection="c", model="digits", run_id="r", source="models:/m-1", owner=owner),
        EnsureAlias(connection="c", model="digits", alias="candidate", version="2", expected=None),
        TagModelVersion(connection="c", model="digits", version="2", tags=(("rollout", "RolledBack"),)),
        EnsureLabellingProject(connection="c", owner=owner, setup=Setup(title="digits", configuration="<View/>")),
        CloseLabellingProject(connection="c", owner=owner, project=7),
        OrderTraffic(
            connection="c",
            pods=StablePods(namespace="ml", deployment="digits", revision="abc123"),
            addresses=("10.0.0.1",),
            sequence=1,
            expires=4e9,
            canary="http://digits-canary",
            weight=10,
            shadow=0,
        ),
    ]
    assert {type(effect) for effect in effects} == {kind for kind in Effect.__subclasses__() if kind.__module__.startswith("treadle.")}
    for effect in effects:
        said = deed(effect)
        assert said is not None
        assert said.type == "Normal"
        assert said.reason.isalpha()
        assert type(effect).__name__ not in f"{said.reason} {said.message}"


async def test_the_same_words_are_said_once_in_a_while() -> None:
    ticks, board = Ticks(), Board()
    announcer = Announcer(board, ticks.date)
    sending = asyncio.create_task(announcer.run())
    for _ in range(5):
        announcer.announce(THIS, Said("Normal", "Created", "created Job a-1"))
    announcer.announce(THIS, Said("Normal", "Created", "created Job a-2"))
    ticks.seconds = QUIET
    announcer.announce(THIS, Said("Normal", "Created", "created Job a-1"))
    await until(lambda: len(board.told) == 3)
    sending.cancel()
    assert board.told == ["Normal Created: created Job a-1", "Normal Created: created Job a-2", "Normal Created: created Job a-1"]


async def test_telling_gives_way_to_work_but_not_for_ever() -> None:
    ticks, board, work = Ticks(), Board(), [True]
    announcer = Announcer(board, ticks.date, busy=lambda: bool(work), ticks=ticks, sleep=ticks.sleep)
    announcer.announce(THIS, Said("Normal", "Created", "created Job a-1"))
    sending = asyncio.create_task(announcer.run())
    await until(lambda: len(board.told) == 1)
    assert ticks.seconds >= DEFERENCE
    work.clear()
    waited = ticks.seconds
    announcer.announce(THIS, Said("Normal", "Created", "created Job a-2"))
    await until(lambda: len(board.told) == 2)
    assert ticks.seconds == waited
    sending.cancel()


def test_an_event_that_waits_does_not_keep_its_object_in_memory() -> None:
    this = Whole(THIS)
    alive = weakref.ref(this)
    announcer = Announcer(Board(), Ticks().date)
    announcer.announce(this, Said("Normal", "Created", "created Job a-1"))
    del this
    gc.collect()
    assert alive() is None


def test_an_event_names_the_object_and_stays_within_the_limits() -> None:
    event = event_about(THIS, type="Normal", reason="Created", message="x" * 5000, now=Ticks().date())
    assert event["involvedObject"]["uid"] == "u1"
    assert len(event["message"]) == 1024
    assert len(event["metadata"]["name"]) <= 63
