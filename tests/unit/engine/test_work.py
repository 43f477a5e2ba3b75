"""The workers: what goes wrong costs a backoff, and what is over costs nothing any more."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from pydantic import BaseModel

from tests.unit.engine.clocks import Ticks, until
from treadle.api.reasons import Reason
from treadle.engine._lease import Deposed
from treadle.engine._memory import Memory
from treadle.engine._metrics import Metrics
from treadle.engine._ports import Answered, ConnectionTrouble, Fact, Gone, Seen
from treadle.engine._queue import LAST_BACKOFF, Queue
from treadle.engine._sight import Sight
from treadle.engine._work import OUTSIDE_BACKOFF, Workers
from treadle.plan import Action, Kind, Object, Plan, Question, Ref, Trouble, Unavailable, World, say

KEY = Ref("TrainingRun", "ml", "a")


@dataclass(frozen=True, kw_only=True)
class Outcome(Question[str]):
    pass


class Status(BaseModel):
    outcome: str


class Writer:
    """An executor that writes statuses into memory, or fails as it is told."""

    def __init__(self) -> None:
        self.version = 1
        self.error: Exception | None = None

    async def carry_out(self, action: Action, this: Object) -> Iterable[Fact]:
        raise NotImplementedError

    async def write_status(self, this: Object, status: Mapping[str, Any]) -> Iterable[Fact]:
        if self.error:
            raise self.error
        self.version += 1
        return [Seen(an_object(self.version, status))]


def an_object(version: int, status: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {"name": KEY.name, "namespace": KEY.namespace, "uid": "u", "resourceVersion": str(version)}
    return {"apiVersion": "treadle.dev/v1alpha1", "kind": KEY.kind, "metadata": metadata, "spec": {}, "status": status}


def observe(this: Object, world: World) -> str | Unavailable:
    if known := (this.get("status") or {}).get("outcome"):
        return str(known)
    question: Question[str] = Outcome(connection="x")
    return world.ask(question)


def plan(outcome: str | Unavailable, now: datetime) -> Plan:
    return Plan.all(say("Done", True, Reason.Progressing, "done"), status=Status(outcome=str(outcome)))


@dataclass
class Setting:
    memory: Memory
    queue: Queue[Ref]
    writer: Writer
    metrics: Metrics
    ticks: Ticks

    def count(self, result: str) -> float:
        return self.metrics.registry.get_sample_value("treadle_reconciles_total", {"kind": KEY.kind, "result": result}) or 0.0


@asynccontextmanager
async def working() -> AsyncIterator[Setting]:
    ticks = Ticks()
    queue: Queue[Ref] = Queue(clock=ticks, chance=lambda: 0.0)

    def wake(keys: set[Ref]) -> None:
        for key in keys:
            queue.add(key)

    setting = Setting(Memory([KEY.kind], wake), queue, Writer(), Metrics(), ticks)
    kind = Kind(name=KEY.kind, observe=observe, plan=plan, ready=("Done",), phases=())
    workers = Workers(
        {KEY.kind: kind},
        queue=queue,
        memory=setting.memory,
        executor=setting.writer,
        clock=ticks.date,
        metrics=setting.metrics,
        looked=lambda: None,
        sight=Sight(setting.memory.get),
    )
    task = asyncio.create_task(workers.run(2))
    setting.memory.learn([Seen(an_object(1, {}))])
    try:
        yield setting
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_a_key_waits_for_its_answer_and_a_finished_object_asks_nothing_any_more() -> None:
    async with working() as setting:
        setting.queue.add(KEY)
        await until(lambda: setting.memory.open_questions("x") == {Outcome(connection="x")})
        assert setting.writer.version == 1
        setting.memory.learn([Answered(Outcome(connection="x"), "good")])
        setting.queue.add(KEY)
        await until(lambda: setting.writer.version == 2)
        await until(lambda: setting.memory.open_questions("x") == set())


async def test_trouble_and_bugs_cost_a_backoff_and_bugs_are_counted() -> None:
    async with working() as setting:
        setting.memory.subscribe(KEY, Outcome(connection="x"))
        setting.memory.learn([Answered(Outcome(connection="x"), "good")])
        setting.writer.error = Trouble(Reason.Unreachable, "down")
        setting.queue.add(KEY)
        await until(lambda: setting.count("trouble") == 1)
        setting.queue.succeeded(KEY)
        setting.writer.error = ZeroDivisionError()
        setting.queue.add(KEY)
        await until(lambda: setting.count("bug") == 1)
        assert setting.metrics.registry.get_sample_value("treadle_bugs_total", {"where": "reconcile"}) == 1
        setting.queue.succeeded(KEY)
        setting.writer.error = None
        setting.queue.add(KEY)
        await until(lambda: setting.count("done") == 1)


async def test_what_failed_outside_is_tried_again_soon_however_often_it_failed() -> None:
    async with working() as setting:
        setting.memory.subscribe(KEY, Outcome(connection="x"))
        setting.memory.learn([Answered(Outcome(connection="x"), "good")])
        for _ in range(10):
            setting.queue.failed(KEY)
        setting.writer.error = ConnectionTrouble(Reason.Unreachable, "reads well, writes nothing")
        setting.ticks.seconds += LAST_BACKOFF
        setting.queue.add(KEY)
        await until(lambda: setting.count("trouble") == 1)
        setting.writer.error = None
        setting.ticks.seconds += OUTSIDE_BACKOFF
        setting.queue.add(Ref("TrainingRun", "ml", "other"))  # makes a waiting worker look at the clock
        await until(lambda: setting.writer.version == 2)


async def test_who_is_deposed_in_the_middle_loses_nothing() -> None:
    async with working() as setting:
        setting.memory.subscribe(KEY, Outcome(connection="x"))
        setting.memory.learn([Answered(Outcome(connection="x"), "good")])
        setting.writer.error = Deposed()
        setting.queue.add(KEY)
        await until(lambda: setting.count("deposed") >= 1)
        setting.writer.error = None
        setting.ticks.seconds += 1
        setting.queue.add(Ref("TrainingRun", "ml", "other"))  # makes a waiting worker look at the clock
        await until(lambda: setting.writer.version == 2)


async def test_an_object_that_is_gone_is_forgotten_with_its_questions() -> None:
    async with working() as setting:
        setting.queue.add(KEY)
        await until(lambda: setting.memory.open_questions("x") != set())
        setting.memory.learn([Gone(KEY, "u")])
        setting.queue.add(KEY)
        await until(lambda: setting.memory.open_questions("x") == set())


@pytest.mark.parametrize("turns", range(8))
async def test_a_worker_gives_its_key_back_whenever_it_is_stopped(turns: int) -> None:
    async with working() as setting:
        setting.queue.add(KEY)
        for _ in range(turns):
            await asyncio.sleep(0)
    setting.queue.add(KEY)
    async with asyncio.timeout(1):
        assert await setting.queue.get() == KEY
