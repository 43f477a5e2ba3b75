"""When a run asks, and when it is left in peace."""

from contextlib import suppress
from typing import Any

import pytest

from tests.unit.training.things import F1_GATE, TRAINING_RUN, UID, at, make_run
from treadle.connections.tracking import PENDING_ID
from treadle.engine._memory import Memory
from treadle.engine._ports import Seen
from treadle.plan import Question, Ref, Unanswered, ref_of
from treadle.training.run import UNASKED, Run
from treadle.workloads.missing import StillThere

JUDGED = {
    "attempts": [{"number": 1, "outcome": "Succeeded"}],
    "tracking": {"id": PENDING_ID, "experimentId": PENDING_ID},
    "progress": {"attempt": 1, "percent": 100, "metrics": [{"name": "f1", "value": "0.95"}]},
    "gates": [{"name": "floor", "verdict": "Passed"}],
}
APPROVED = {"commands": [{"command": "approve", "value": "1", "handledAt": "2026-01-01T01:00:00Z"}]}


def observed(status: dict[str, Any]) -> Run:
    """What is seen of a run whose questions nobody ever answered."""
    run = make_run(uid="uid-trainingrun-digits", gates=[F1_GATE], register={"model": "digits"}, approval="Required")
    memory = Memory(["TrainingRun"])
    memory.learn([Seen({**run, "status": status, "metadata": {"resourceVersion": "1", **run["metadata"]}})])
    view = memory.view(ref_of(run))
    seen = view.look()
    assert seen is not None
    return TRAINING_RUN.observe(seen, view)


def test_a_run_that_waits_for_a_human_asks_nothing() -> None:
    run = observed(JUDGED)
    assert (run.ended_as, run.version, run.alias) == (UNASKED, UNASKED, UNASKED)


@pytest.mark.parametrize("status", [{**JUDGED, **APPROVED}, {**JUDGED, "gates": []}], ids=["approved", "not judged"])
def test_before_and_after_that_it_asks(status: dict[str, Any]) -> None:
    with pytest.raises(Unanswered):
        observed(status)


RUNNING = {"launched": 1, "runningSince": "2026-01-01T00:00:02Z"}
OWNED = {"ownerReferences": [{"uid": UID, "controller": True}], "creationTimestamp": at("00:00:00")}
JOB = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "digits-1", "namespace": "ml", "uid": "u-j", **OWNED}, "status": {"active": 1}}


def asked(status: dict[str, Any], *children: dict[str, Any]) -> set[Question[Any]]:
    """What a run without tracking asks, whose children are these."""
    run = make_run(uid=UID, tracking={"type": "None"})
    memory = Memory(["TrainingRun"])
    memory.learn(Seen({**this, "metadata": {"resourceVersion": "1", **this["metadata"]}}) for this in ({**run, "status": status}, *children))
    view = memory.view(ref_of(run))
    seen = view.look()
    assert seen is not None
    with suppress(Unanswered):
        TRAINING_RUN.observe(seen, view)
    return memory.questions()


def test_whether_its_job_is_still_there_is_asked_only_when_it_ran_and_is_out_of_sight() -> None:
    assert asked(RUNNING) == {StillThere(child=Ref("Job", "ml", "digits-1"), owner=UID)}


@pytest.mark.parametrize(
    ("status", "children"),
    [({}, ()), ({}, (JOB,)), (RUNNING, (JOB,)), ({**RUNNING, "attempts": [{"number": 1, "outcome": "Succeeded"}]}, ())],
    ids=["not launched", "starting", "running", "its end is remembered"],
)
def test_an_ordinary_life_asks_the_cluster_for_no_job(status: dict[str, Any], children: tuple[dict[str, Any], ...]) -> None:
    assert not [question for question in asked(status, *children) if isinstance(question, StillThere)]
