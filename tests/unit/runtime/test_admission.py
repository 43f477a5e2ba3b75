"""The bounds of a pod: how much it takes on, and that a place is free again exactly when its work has ended."""

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest

from treadle.contracts.serving import RuntimeLimits
from treadle.runtime._admission import Admission
from treadle.runtime._errors import Refused


async def body() -> str:
    return "body"


def held(go: threading.Event) -> Callable[[Sequence[str]], Sequence[str]]:
    """Work that takes until it may go on."""

    def work(texts: Sequence[str]) -> Sequence[str]:
        assert go.wait(10)
        return texts

    return work


def same(texts: Sequence[str]) -> Sequence[str]:
    return texts


async def code_of(run: "asyncio.Future[str] | asyncio.Task[str]") -> int:
    with pytest.raises(Refused) as refused:
        await run
    return refused.value.code


async def freed(admission: Admission) -> None:
    """The place is given back by a callback, a moment after the thread has ended."""
    deadline = asyncio.get_running_loop().time() + 10
    while admission.taken and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110  (nobody tells)
        await asyncio.sleep(0.001)
    assert admission.taken == 0


async def test_what_is_above_the_bound_is_refused_at_once() -> None:
    admission, go = Admission(RuntimeLimits(concurrency=1, queue=1)), threading.Event()
    first, second = (asyncio.create_task(admission.run(body, held(go))) for _ in range(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    third = asyncio.create_task(admission.run(body, same))
    assert await code_of(third) == 429
    go.set()
    assert [await first, await second] == ["body", "body"]
    await freed(admission)


async def test_a_request_out_of_time_keeps_its_place_until_its_thread_ends() -> None:
    admission, go = Admission(RuntimeLimits(concurrency=1, queue=0, request_seconds=0.05)), threading.Event()
    late = asyncio.create_task(admission.run(body, held(go)))
    assert await code_of(late) == 504
    assert admission.taken == 1
    assert await code_of(asyncio.create_task(admission.run(body, same))) == 429
    go.set()
    await freed(admission)


async def test_a_body_that_never_comes_frees_its_place() -> None:
    admission = Admission(RuntimeLimits(request_seconds=0.05))

    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    assert await code_of(asyncio.create_task(admission.run(never, same))) == 504
    assert admission.taken == 0


async def test_work_that_fails_frees_its_place() -> None:
    admission = Admission(RuntimeLimits())

    def fail(texts: Sequence[str]) -> Sequence[str]:
        raise ValueError(*texts)

    with pytest.raises(ValueError, match="body"):
        await admission.run(body, fail)
    await freed(admission)


async def together(admission: Admission, texts: str, *, small: bool = True) -> tuple[list[str], list[int]]:
    """What requests that come at the same time are answered, and how many of them each piece of work was about."""
    sizes: list[int] = []

    def work(bodies: Sequence[str]) -> Sequence[str | Exception]:
        sizes.append(len(bodies))
        return [ValueError(body) if body == "x" else body.upper() for body in bodies]

    async def asked(text: str) -> str:
        async def read() -> str:
            return text

        try:
            return await admission.run(read, work, small=small)
        except ValueError:
            return "refused"

    return list(await asyncio.gather(*(asked(text) for text in texts))), sizes


async def test_small_requests_that_come_at_the_same_time_are_worked_on_together_and_each_gets_its_own_answer() -> None:
    admission = Admission(RuntimeLimits(concurrency=1))
    assert await together(admission, "abxd") == (["A", "B", "refused", "D"], [4])
    assert admission.taken == 0


async def test_large_requests_are_worked_on_alone() -> None:
    assert await together(Admission(RuntimeLimits(concurrency=1)), "abcd", small=False) == (["A", "B", "C", "D"], [1, 1, 1, 1])


async def test_several_threads_share_what_waits() -> None:
    assert (await together(Admission(RuntimeLimits(concurrency=2)), "abcd"))[1] == [2, 2]


async def test_what_takes_a_moment_is_worked_on_without_a_thread_and_what_takes_longer_is_not() -> None:
    now = 0.0
    threads: list[bool] = []
    admission = Admission(RuntimeLimits(), clock=lambda: now)

    def work(bodies: Sequence[str]) -> Sequence[str]:
        nonlocal now
        now += seconds
        threads.append(threading.current_thread() is not threading.main_thread())
        return bodies

    seconds = 0.0001
    for _ in range(200):
        await admission.run(body, work, small=True)
    assert (threads[0], threads[-1]) == (True, False), "at first nobody knows how long it takes"
    seconds = 0.01
    for _ in range(3):
        await admission.run(body, work, small=True)
    assert threads[-3:] == [False, True, True]
    await freed(admission)


async def test_a_request_that_gives_up_before_its_work_began_frees_its_place() -> None:
    admission, go = Admission(RuntimeLimits(concurrency=1, queue=1, request_seconds=5)), threading.Event()
    first, second = (asyncio.create_task(admission.run(body, held(go))) for _ in range(2))
    await asyncio.sleep(0.01)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert admission.taken == 1
    go.set()
    assert await first == "body"
    await freed(admission)
