import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.unit.engine.clocks import START, until
from treadle.api.reasons import Reason
from treadle.engine import _polls
from treadle.engine._memory import Memory
from treadle.engine._polls import Poller
from treadle.engine._ports import Answered
from treadle.plan import Effect, Question, Ref, Trouble, Unanswered, Unavailable

KEY = Ref("TrainingRun", "ml", "a")


@dataclass(frozen=True, kw_only=True)
class Height(Question[int]):
    of: str


class Outside:
    def __init__(self) -> None:
        self.batches: list[set[Question[Any]]] = []
        self.down: Exception | None = None
        self.height = 1
        self.before_answer: Callable[[], None] = lambda: None

    async def answer(self, questions: Collection[Question[Any]]) -> Mapping[Question[Any], object]:
        self.batches.append(set(questions))
        if self.down:
            raise self.down
        answers = dict.fromkeys(questions, self.height)
        self.before_answer()
        return answers

    async def carry_out(self, effect: Effect) -> Mapping[Question[Any], object]:
        raise NotImplementedError

    async def close(self) -> None: ...


def ask(memory: Memory, *of: str) -> None:
    view = memory.view(KEY)
    for each in of:
        try:
            view.ask(Height(connection="x", of=each))
        except Unanswered:
            continue


@asynccontextmanager
async def polling(memory: Memory, outside: Outside, cadence: float = 60) -> AsyncIterator[tuple[Poller, list[Ref]]]:
    woken: list[Ref] = []
    poller = Poller("x", outside, memory, wake=woken.extend, clock=lambda: START, cadence=cadence)
    task = asyncio.create_task(poller.run())
    try:
        yield poller, woken
    finally:
        task.cancel()
        await asyncio.wait({task})


def known(memory: Memory, of: str) -> object:
    question = Height(connection="x", of=of)
    return memory.answer(question) if memory.answered(question) else None


async def test_questions_that_come_together_are_asked_in_one_batch_and_wake_their_readers() -> None:
    memory, outside = Memory(), Outside()
    async with polling(memory, outside) as (poller, woken):
        await asyncio.sleep(0.01)
        for each in "abc":
            ask(memory, each)
            poller.look()
        await until(lambda: known(memory, "c") == 1)
    assert [len(batch) for batch in outside.batches] == [3]
    assert KEY in woken


async def test_a_new_question_does_not_wait_for_the_cadence_and_does_not_ask_the_others_again() -> None:
    memory, outside = Memory(), Outside()
    ask(memory, "a")
    async with polling(memory, outside) as (poller, _):
        await until(lambda: known(memory, "a") == 1)
        ask(memory, "b")
        poller.look()
        await until(lambda: known(memory, "b") == 1)
    assert [{q.of for q in batch if isinstance(q, Height)} for batch in outside.batches] == [{"a"}, {"b"}]


async def test_open_questions_are_asked_again_at_the_cadence_and_only_news_wakes() -> None:
    memory, outside = Memory(), Outside()
    ask(memory, "a")
    async with polling(memory, outside, cadence=0.01) as (_, woken):
        await until(lambda: len(outside.batches) > 4)
        assert woken == [KEY]
        outside.height = 2
        await until(lambda: known(memory, "a") == 2)
        assert woken == [KEY, KEY]


async def test_an_outage_is_an_answer_that_keeps_its_beginning_and_its_words(monkeypatch: Any) -> None:
    monkeypatch.setattr(_polls, "SECOND_TRY", 0.01)
    memory, outside = Memory(), Outside()
    ask(memory, "a")
    outside.down = Trouble(Reason.Unreachable, "connection refused, port 1")
    async with polling(memory, outside, cadence=0.01) as (_, woken):
        await until(lambda: known(memory, "a") is not None)
        outside.down = Trouble(Reason.Unreachable, "connection refused, port 2")
        asked = len(outside.batches)
        await until(lambda: len(outside.batches) > asked + 3)
        assert known(memory, "a") == Unavailable(START, "x: connection refused, port 1")
        assert woken == [KEY]
        outside.down = Trouble(Reason.Unauthorized, "wrong password", stalled=True)
        refused = Unavailable(START, "x: wrong password", Reason.Unauthorized, stalled=True)
        await until(lambda: known(memory, "a") == refused)
        outside.down = None
        await until(lambda: known(memory, "a") == 1)


async def test_one_failed_batch_is_no_outage(monkeypatch: Any) -> None:
    monkeypatch.setattr(_polls, "SECOND_TRY", 0.05)
    memory, outside = Memory(), Outside()
    ask(memory, "a")
    outside.down = Trouble(Reason.Unreachable, "a blip")
    async with polling(memory, outside) as (_, woken):
        await until(lambda: len(outside.batches) == 1)
        outside.down = None
        await until(lambda: known(memory, "a") == 1)
        assert len(woken) == 1


async def test_a_connection_with_a_bug_is_an_outage_too_and_the_poller_lives_on(monkeypatch: Any) -> None:
    monkeypatch.setattr(_polls, "SECOND_TRY", 0.01)
    memory, outside = Memory(), Outside()
    ask(memory, "a")
    outside.down = ZeroDivisionError()
    async with polling(memory, outside, cadence=0.01):
        await until(lambda: isinstance(known(memory, "a"), Unavailable))
        outside.down = None
        await until(lambda: known(memory, "a") == 1)


async def test_what_an_effect_taught_while_a_batch_was_under_way_is_not_replaced_by_the_older_answer() -> None:
    memory, outside = Memory(), Outside()
    ask(memory, "a")
    outside.before_answer = lambda: None if known(memory, "a") else _learn(memory, 7)
    async with polling(memory, outside):
        await until(lambda: len(outside.batches) == 1)
        await asyncio.sleep(0.01)
        assert known(memory, "a") == 7


def _learn(memory: Memory, height: int) -> None:
    memory.learn([Answered(Height(connection="x", of="a"), height)])


async def test_questions_that_come_all_the_time_do_not_put_off_the_known_ones() -> None:
    memory, outside = Memory(), Outside()
    ask(memory, "known")
    numbers = itertools.count()
    async with polling(memory, outside, cadence=0.01) as (poller, _):

        def ask_another() -> None:
            ask(memory, f"new-{next(numbers)}")
            poller.look()

        outside.before_answer = ask_another
        poller.look()
        question = Height(connection="x", of="known")
        await until(lambda: len(outside.batches) > 4)
        assert len([batch for batch in outside.batches if question in batch]) > 1
