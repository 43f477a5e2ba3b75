"""How long, and with how much, a canary may keep a stable pod waiting."""

import asyncio

import pytest

from treadle.contracts.serving import RuntimeLimits
from treadle.runtime import _canary
from treadle.runtime._canary import CanaryClient, Letter, Lost
from treadle.runtime._patience import LEAST_SECONDS, Patience


def test_knowing_nothing_it_waits_for_half_of_the_time_that_a_request_has() -> None:
    assert Patience(30.0).seconds == 15.0


def test_it_waits_for_longer_where_the_stable_version_takes_longer_but_always_leaves_it_half() -> None:
    patience = Patience(600.0)
    waited = []
    for took in (0.01, 20.0, 200.0):
        patience.took(took)
        waited.append(patience.seconds)
    assert waited == [LEAST_SECONDS, 80.0, 300.0]


def test_a_single_long_answer_is_forgotten() -> None:
    patience = Patience(600.0)
    patience.took(20.0)
    for _ in range(500):
        patience.took(0.01)
    assert patience.seconds == LEAST_SECONDS


async def test_bodies_under_way_to_a_canary_are_bounded_and_a_single_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_canary, "HELD_BYTES", 1000)
    large, begun = bytes(1001), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    canary = CanaryClient(RuntimeLimits(request_seconds=1.0))
    assert canary.holds(large)
    sending = asyncio.create_task(canary.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", Letter("/", {}, large)))
    await begun.wait()
    assert not canary.holds(b"x")
    assert await sending == Lost(waited=0.5)
    assert canary.holds(large)
    await canary.close()
    server.close()


async def test_half_of_the_places_of_a_pod_are_the_canarys() -> None:
    canary = CanaryClient(RuntimeLimits(concurrency=2, queue=8))
    assert [canary.enter() for _ in range(7)] == [True] * 5 + [False] * 2
    canary.leave()
    assert canary.enter()
    await canary.close()
