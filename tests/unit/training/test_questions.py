"""When a run asks, and when it is left in peace."""

from typing import Any

import pytest

from tests.unit.training.things import F1_GATE, TRAINING_RUN, make_run
from treadle.connections.tracking import PENDING_ID
from treadle.engine._memory import Memory
from treadle.engine._ports import Seen
from treadle.plan import Unanswered, ref_of
from treadle.training.run import UNASKED, Run

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
