import asyncio

import pytest

from tests.unit.engine.clocks import Ticks
from treadle.engine._queue import FAIRNESS, LAST_BACKOFF, Queue


def make_queue() -> tuple[Queue[str], Ticks]:
    clock = Ticks()
    return Queue(clock=clock, chance=lambda: 0.0), clock


async def take(queue: Queue[str]) -> str | None:
    try:
        return await asyncio.wait_for(queue.get(), 0.02)
    except TimeoutError:
        return None


async def test_a_key_added_twice_is_handed_out_once() -> None:
    queue, _ = make_queue()
    queue.add("a")
    queue.add("a")
    assert await take(queue) == "a"
    queue.done("a")
    assert await take(queue) is None


async def test_keys_come_in_the_order_they_became_due() -> None:
    queue, _ = make_queue()
    for key in "cab":
        queue.add(key)
    assert [await take(queue) for _ in "cab"] == ["c", "a", "b"]


async def test_what_is_only_reviewed_gives_way_to_what_changed() -> None:
    queue, _ = make_queue()
    queue.review("abc")
    assert await take(queue) == "a"
    queue.add("c")
    queue.add("x")
    assert [await take(queue) for _ in range(4)] == ["c", "x", "b", None]


async def test_what_is_new_comes_before_what_is_known() -> None:
    queue, _ = make_queue()
    queue.add("known")
    queue.done(await queue.get())
    for key in ("known", "new", "newer"):
        queue.add(key)
    assert [await take(queue) for _ in range(3)] == ["new", "newer", "known"]


async def test_new_keys_without_end_do_not_keep_a_known_one_waiting_for_ever() -> None:
    queue, _ = make_queue()
    queue.add("known")
    queue.done(await queue.get())
    queue.add("known")
    taken: list[str | None] = []
    for number in range(FAIRNESS):
        queue.add(f"new-{number}")
        taken.append(await take(queue))
    assert taken.count("known") == 1


async def test_a_key_that_was_forgotten_is_new_again() -> None:
    queue, _ = make_queue()
    queue.add("a")
    queue.add("b")
    for key in [await queue.get() for _ in "ab"]:
        queue.done(key)
    queue.forget("b")
    queue.add("a")
    queue.add("b")
    assert [await take(queue) for _ in "ab"] == ["b", "a"]


async def test_a_review_hands_out_nothing_twice() -> None:
    queue, _ = make_queue()
    queue.add("a")
    assert await take(queue) == "a"
    queue.add("b")
    queue.review("ab")
    assert len(queue) == 1
    assert [await take(queue) for _ in range(2)] == ["b", None]


async def test_a_review_wakes_a_waiting_worker() -> None:
    queue, _ = make_queue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.review("a")
    assert await asyncio.wait_for(waiting, 1) == "a"


async def test_a_key_changed_while_a_worker_has_it_comes_again_only_after_the_worker_is_done() -> None:
    queue, _ = make_queue()
    queue.add("a")
    assert await take(queue) == "a"
    queue.add("a")
    assert await take(queue) is None
    queue.done("a")
    assert await take(queue) == "a"


async def test_a_waiting_worker_is_woken() -> None:
    queue, _ = make_queue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    assert await asyncio.wait_for(waiting, 1) == "a"


async def test_two_waiting_workers_get_a_key_each() -> None:
    queue, _ = make_queue()
    waiting = [asyncio.create_task(queue.get()) for _ in range(2)]
    await asyncio.sleep(0)
    queue.add("a")
    queue.add("b")
    assert sorted(await asyncio.wait_for(asyncio.gather(*waiting), 1)) == ["a", "b"]


async def test_a_timer_makes_its_key_due_and_the_last_timer_set_counts() -> None:
    queue, clock = make_queue()
    queue.add_after("a", 5)
    queue.add_after("a", 60)
    clock.seconds = 10
    assert await take(queue) is None
    clock.seconds = 60
    assert await take(queue) == "a"


async def test_a_timer_can_be_taken_away() -> None:
    queue, clock = make_queue()
    queue.add_after("a", 5)
    queue.add_after("a", None)
    clock.seconds = 10
    assert await take(queue) is None


async def test_a_timer_in_the_past_rings_at_once() -> None:
    queue, _ = make_queue()
    queue.add_after("a", -3)
    assert await take(queue) == "a"


async def test_failures_back_off_longer_and_longer_up_to_a_limit_and_success_forgets_them() -> None:
    queue, _ = make_queue()
    backoffs = [queue.failed("a") for _ in range(12)]
    assert backoffs[:5] == [1, 2, 4, 8, 16]
    assert backoffs[-1] == LAST_BACKOFF
    queue.succeeded("a")
    assert queue.failed("a") == 1


async def test_a_backoff_can_be_shorter_at_most() -> None:
    queue, _ = make_queue()
    assert [queue.failed("a", at_most=3) for _ in range(4)] == [1, 2, 3, 3]


async def test_a_failed_key_rests_and_a_change_wakes_it_sooner_but_not_at_once() -> None:
    queue, clock = make_queue()
    queue.add("a")
    assert await take(queue) == "a"
    for _ in range(6):
        queue.failed("a")
    queue.done("a")
    queue.add("a")
    assert await take(queue) is None
    clock.seconds = 1.0
    assert await take(queue) == "a"


async def test_backoffs_are_spread() -> None:
    chances = iter([0.0, 1.0])
    queue: Queue[str] = Queue(clock=Ticks(), chance=lambda: next(chances))
    assert queue.failed("a") != pytest.approx(queue.failed("b"))


async def test_many_timers_of_one_key_do_not_pile_up() -> None:
    queue, _ = make_queue()
    for n in range(10_000):
        queue.add_after("a", 86_400 + n)
    assert len(queue._timers) < 200
