"""Reading is subscribing: whoever read something is woken when it changes, and nobody else."""

from typing import Any

import pytest

from tests.unit.engine.toy import FindTrack
from treadle.api import names
from treadle.api.reasons import Reason
from treadle.engine import _store
from treadle.engine._json import decode
from treadle.engine._memory import Memory
from treadle.engine._ports import Answered, Gone, Seen
from treadle.plan import Apply, Create, Delete, Ref, Trouble, Unanswered

A, B = Ref("TrainingRun", "ml", "a"), Ref("TrainingRun", "ml", "b")
QUESTION = FindTrack(connection="mlflow/default", uid="u-a")


def an(kind: str, name: str, version: int = 1, **metadata: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "namespace": "ml", "uid": f"u-{name}", "resourceVersion": str(version), **metadata}}


def owned_by(uid: str) -> dict[str, Any]:
    return {"ownerReferences": [{"uid": uid, "controller": True}]}


def test_a_reader_is_woken_by_a_change_of_what_it_read() -> None:
    memory = Memory(["TrainingRun"])
    memory.learn([Seen(an("TrainingRun", "a")), Seen(an("TrainingRun", "b"))])
    view = memory.view(A)
    view.look()
    view.get(B)
    view.owned("u-a", "Job")
    view.labelled("TrainingRun", "ml", names.PROJECT, "shelf")
    assert memory.learn([Seen(an("TrainingRun", "b", 2))]) == {A, B}
    assert memory.learn([Seen(an("Job", "a-1", **owned_by("u-a")))]) == {A}
    assert memory.learn([Seen(an("Job", "x-1", **owned_by("u-x")))]) == set()
    assert memory.learn([Gone(Ref("Job", "ml", "a-1"), None)]) == {A}
    assert A in memory.learn([Seen(an("TrainingRun", "c", labels={names.PROJECT: "shelf"}))])


def test_what_was_not_read_in_the_last_look_wakes_nobody() -> None:
    memory = Memory(["TrainingRun"])
    memory.learn([Seen(an("TrainingRun", "a"))])
    view = memory.view(A)
    view.look()
    view.get(Ref("Job", "ml", "other"))
    view.look()
    view.look()
    assert memory.learn([Seen(an("Job", "other"))]) == set()


def test_a_question_is_open_as_long_as_somebody_asks_it() -> None:
    memory = Memory(["TrainingRun"])
    memory.learn([Seen(an("TrainingRun", "a"))])
    view = memory.view(A)
    view.look()
    with pytest.raises(Unanswered):
        view.ask(QUESTION)
    assert memory.open_questions("mlflow/default") == {QUESTION}
    assert memory.open_questions("labelStudio/default") == set()
    assert memory.learn([Answered(QUESTION, "run-1")], asked=memory.mark()) == {A}
    view.look()
    assert view.ask(QUESTION) == "run-1"
    assert memory.learn([Answered(QUESTION, "run-1")], asked=memory.mark()) == set(), "the same answer is no news"
    memory.learn([Gone(A, None)])
    view.look()
    assert memory.open_questions("mlflow/default") == set(), "a finished or deleted object asks nothing"


def test_an_effect_is_not_overwritten_by_a_poll_that_asked_before_it() -> None:
    memory = Memory()
    view = memory.view(A)
    with pytest.raises(Unanswered):
        view.ask(QUESTION)
    asked = memory.mark()
    view.learn([Answered(QUESTION, "made by the effect")])
    memory.learn([Answered(QUESTION, None)], asked=asked)
    assert view.ask(QUESTION) == "made by the effect"
    memory.learn([Answered(QUESTION, "polled later")], asked=memory.mark())
    assert view.ask(QUESTION) == "polled later"


def test_what_one_key_learns_wakes_the_others_that_read_it() -> None:
    woken: list[set[Ref]] = []
    memory = Memory(["TrainingRun"], wake=woken.append)
    memory.learn([Seen(an("TrainingRun", "a"))])
    other = memory.view(B)
    other.get(A)
    memory.view(A).learn([Seen(an("TrainingRun", "a", 2))])
    assert woken == [{B}]


def test_a_create_is_done_only_when_the_existing_object_is_ours() -> None:
    memory = Memory()
    view = memory.view(A)
    wanted = an("Job", "a-1", **owned_by("u-a"))
    assert not view.done(Create(wanted))
    memory.learn([Seen({**wanted, "metadata": {**wanted["metadata"], **owned_by("u-somebody")}})])
    assert not view.done(Create(wanted)), "the executor will say NameConflict"
    memory.learn([Seen({**wanted, "metadata": {**wanted["metadata"], "resourceVersion": "2"}})])
    assert view.done(Create(wanted))


def test_a_delete_is_done_when_the_object_is_going_or_is_another_one() -> None:
    memory = Memory()
    view = memory.view(A)
    delete = Delete(Ref("Job", "ml", "a-1"), "u-a-1")
    assert view.done(delete)
    memory.learn([Seen(an("Job", "a-1"))])
    assert not view.done(delete)
    memory.learn([Seen(an("Job", "a-1", 2, deletionTimestamp="2026-01-01T00:00:00Z"))])
    assert view.done(delete)


def test_an_apply_is_done_only_when_every_wanted_field_is_still_there() -> None:
    from treadle.engine._objects import stamped

    memory = Memory()
    view = memory.view(A)
    wanted = {"apiVersion": "v1", **an("Service", "a"), "spec": {"ports": [{"name": "http", "port": 80}], "selector": {}}}
    live = {**stamped(wanted), "spec": {"ports": [{"name": "http", "port": 80, "protocol": "TCP"}], "clusterIP": "10.0.0.1"}}
    memory.learn([Seen(live)])
    assert view.done(Apply(wanted)), "defaults of the server and fields of others do not matter"
    drifted = {**live, "metadata": {**live["metadata"], "resourceVersion": "2"}, "spec": {"ports": [{"name": "http", "port": 81}]}}
    memory.learn([Seen(drifted)])
    assert not view.done(Apply(wanted)), "the hash alone does not show drift"


def test_what_an_effect_taught_and_nobody_asks_is_not_kept() -> None:
    memory = Memory(["TrainingRun"])
    memory.learn([Seen(an("TrainingRun", "a"))])
    other = FindTrack(connection="mlflow/default", uid="u-other")
    view = memory.view(A)
    view.look()
    view.learn([Answered(QUESTION, "run-1"), Answered(other, "run-2")])
    view.look()
    assert view.ask(QUESTION) == "run-1"
    view.rest()
    assert memory.answered(QUESTION)
    assert not memory.answered(other)
    view.look()
    view.rest()
    assert not memory.answered(QUESTION)
    assert memory.questions() == memory.open_questions("mlflow/default") == set()


def test_what_changed_last_comes_first() -> None:
    memory = Memory(["TrainingRun"])
    memory.learn([Seen(an("TrainingRun", "a", 3)), Seen(an("TrainingRun", "b", 12)), Seen(an("Job", "c", 20))])
    assert memory.latest(["TrainingRun"]) == [B, A]


def test_a_question_to_a_connection_that_is_not_configured_is_trouble_that_names_it() -> None:
    view = Memory(["TrainingRun"], connections={"mlflow/other"}).view(A)
    with pytest.raises(Trouble, match="connection mlflow/default is not configured") as trouble:
        view.ask(QUESTION)
    assert (trouble.value.condition.reason, trouble.value.condition.stalled) == (Reason.ConnectionNotFound, True)


def test_a_look_costs_the_same_however_many_objects_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in objects unpacked, for a look at one object and for a change of one of its children."""
    unpacked: list[bytes] = []
    monkeypatch.setattr(_store, "decode", lambda text: unpacked.append(text) or decode(text))

    def unpacked_with(others: int) -> int:
        memory = Memory(["TrainingRun"])
        run, label = Ref("TrainingRun", "ml", "one"), {names.PROJECT: "shelf"}
        for n in range(others):
            memory.learn([Seen(an("TrainingRun", f"done-{n}", labels={names.PROJECT: f"other-{n}"}))])
            memory.learn([Seen(an("Job", f"done-{n}-1", **owned_by(f"u-done-{n}")))])
        memory.learn([Seen(an("TrainingRun", "one", labels=label)), Seen(an("Job", "one-1", **owned_by("u-one")))])
        view = memory.view(run)
        view.labelled("TrainingRun", "ml", names.PROJECT, "shelf")  # the first question for a label makes its index
        unpacked.clear()
        for version in (2, 3):
            view.look()
            view.owned("u-one", "Job")
            view.labelled("TrainingRun", "ml", names.PROJECT, "shelf")
            view.rest()
            assert run in memory.learn([Seen(an("Job", "one-1", version, **owned_by("u-one")))])
            assert run in memory.learn([Seen(an("TrainingRun", "one", version, labels=label))])
        return len(unpacked)

    assert unpacked_with(0) == unpacked_with(300)
