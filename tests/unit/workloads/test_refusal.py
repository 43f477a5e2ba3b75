from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from treadle.api.reasons import Reason
from treadle.engine._memory import Memory
from treadle.engine._ports import Answered
from treadle.plan import Ref, Unavailable
from treadle.workloads.job import NO_POD_PATIENCE, judged
from treadle.workloads.refusal import PodRefusal, explained
from treadle.workloads.states import Running, Starting, State

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JOB = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a-1", "namespace": "ml", "uid": "j"}}
PODLESS = Starting(uid="j", since=NOW, podless=True)
QUESTION = PodRefusal(namespace="ml", job="a-1", uid="j", since=NOW)


def told(state: State[Any], answer: object) -> State[Any]:
    memory = Memory()
    view = memory.view(Ref("TrainingRun", "ml", "a"))
    memory.learn([Answered(QUESTION, answer)])
    return explained(state, JOB, view)


def test_a_job_without_pods_is_told_in_the_servers_words_once_patience_is_over() -> None:
    state = told(PODLESS, 'serviceaccount "irsa" not found')
    assert judged(state, NOW) == state
    late = judged(state, NOW + NO_POD_PATIENCE + timedelta(seconds=1))
    assert isinstance(late, Starting)
    assert (late.reason, late.stalled) == (Reason.PodsRejected, True)
    assert 'serviceaccount "irsa" not found' in late.message


def test_without_words_the_message_says_where_to_look() -> None:
    for answer in ("", Unavailable(NOW, "down")):
        late = judged(told(PODLESS, answer), NOW + NO_POD_PATIENCE)
        assert isinstance(late, Starting)
        assert "the events of the Job say why" in late.message


def test_a_job_with_pods_asks_nothing() -> None:
    view = Memory().view(Ref("TrainingRun", "ml", "a"))
    for state in (replace(PODLESS, podless=False), Running(uid="j", since=NOW)):
        assert explained(state, JOB, view) == state
