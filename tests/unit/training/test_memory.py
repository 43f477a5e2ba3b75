"""Only what `TrainingRunMemory` names is read back from status."""

from dataclasses import replace
from typing import Any

from tests.stories.story import Story
from tests.unit.training.things import F1_GATE, STATE, TRAINING_RUN, complete, finished, logged, make_run, pod
from treadle.api import TrainingRunMemory, TrainingRunStatus
from treadle.api.training_status import Attempt, Ending, GateVerdict
from treadle.plan import Kind, Object, World
from treadle.training.gates import LARGEST
from treadle.training.run import Run
from treadle.training.track import ENDING_LIMIT, remembered

GARBAGE = {
    "attempt": 99,
    "job": "nonsense",
    "node": "x",
    "phase": "Succeeded",
    "metric": "f1=1",
    "modelVersion": "m/9",
    "startedAt": "2001-01-01T00:00:00Z",
}


def forgetful(kind: Kind[Run]) -> Kind[Run]:
    """The kind, shown garbage in every field of status that is not memory, whenever it looks."""

    def observe(this: Object, world: World) -> Run:
        if not this.get("status"):
            return kind.observe(this, world)
        status: dict[str, Any] = {**this["status"], **GARBAGE, "conditions": [{"type": "Succeeded", "status": "True"}]}
        return kind.observe({**this, "status": status}, world)

    return replace(kind, observe=observe)


def life(kind: Kind[Run]) -> dict[str, list[str]]:
    story = Story("A life", kind, make_run(gates=[F1_GATE], register={"model": "digits"}))
    story.at("0s", "applied")
    story.at("3s", "its pod runs", objects=[pod("digits-1", started="00:00:02")])
    over = [pod("digits-1", ended=finished("00:00:02", "00:09:00"))]
    story.at("9m", "its Job succeeds", objects=over, digits_1=complete("00:09:00"), answers={STATE: logged("model", f1=0.93)})
    story.at("10m", "the operator restarts")
    return story.tell()


def test_garbage_in_what_is_not_memory_changes_no_plan() -> None:
    assert life(forgetful(TRAINING_RUN)) == life(TRAINING_RUN)


def test_what_is_left_in_the_tracking_server_is_short_and_reads_back() -> None:
    gates = tuple(GateVerdict(name=f"gate-{n}", verdict="Passed", message="m" * 1000) for n in range(20))
    attempts = tuple(Attempt(number=n, outcome="Infrastructure", message="m" * 1000) for n in range(1, 20))
    memory = TrainingRunMemory(result=Ending(outcome="Failed", reason="ExitedWithError", message="m" * 1000), attempts=attempts, gates=gates)
    text = remembered(memory)
    assert len(text) <= ENDING_LIMIT
    back = TrainingRunMemory.model_validate_json(text)
    assert back.result is not None
    assert back.result.outcome == "Failed"
    assert [attempt.number for attempt in back.attempts] == [19]


def test_status_holds_all_of_memory() -> None:
    assert TrainingRunMemory.model_fields.keys() <= TrainingRunStatus.model_fields.keys()


def test_the_largest_number_of_mlflow_is_an_infinity() -> None:
    assert LARGEST <= 1.7976931348623157e308
