import asyncio
from datetime import datetime
from typing import Any

import pytest

from tests.unit.engine.clocks import START, Ticks, until
from treadle.api.reasons import Reason
from treadle.engine._lease import DURATION, LOOK, RENEW_DEADLINE, Deposed, Lease, LeaseName
from treadle.engine._wire import Refused, Request
from treadle.plan import Trouble


class Coordination:
    """One Lease as an API server keeps it: resourceVersions, 404, 409, and outages."""

    def __init__(self) -> None:
        self.stored: dict[str, Any] | None = None
        self.version = 0
        self.down = False
        self.asked: list[str] = []

    async def send(self, request: Request) -> dict[str, Any]:
        self.asked.append(request.method)
        if self.down:
            raise Trouble(Reason.Unreachable, "down")
        if request.method == "GET":
            if self.stored is None:
                raise Refused(404, {}, request.what)
            return self.stored
        taken = request.body["metadata"].get("resourceVersion")
        if (request.method == "POST") != (self.stored is None) or (self.stored and taken != self.stored["metadata"]["resourceVersion"]):
            raise Refused(409, {}, request.what)
        self.version += 1
        self.stored = request.body | {"metadata": request.body["metadata"] | {"resourceVersion": str(self.version)}}
        return self.stored


def candidate(server: Coordination, ticks: Ticks, holder: str) -> Lease:
    return Lease(server, LeaseName("ns", "treadle", holder), clock=ticks.date, ticks=ticks, sleep=ticks.sleep)


async def test_the_first_takes_a_lease_that_nobody_made_yet() -> None:
    server, ticks = Coordination(), Ticks()
    first, second = candidate(server, ticks, "a"), candidate(server, ticks, "b")
    await first._take_or_renew()
    await second._take_or_renew()
    assert (first.leading, second.leading) == (True, False)


async def test_a_leader_that_cannot_renew_stops_before_anybody_else_may_begin() -> None:
    server, ticks = Coordination(), Ticks()
    first, second = candidate(server, ticks, "a"), candidate(server, ticks, "b")
    await first._take_or_renew()
    for second_passed in range(1, 30):
        ticks.seconds = second_passed
        await second._take_or_renew()
        assert not (first.leading and second.leading)
        if second_passed <= DURATION:
            assert not second.leading
    assert second.leading
    with pytest.raises(Deposed):
        first.fence()


async def test_what_is_begun_in_time_must_end_before_the_lease_does() -> None:
    server, ticks = Coordination(), Ticks()
    lease = candidate(server, ticks, "a")
    await lease._take_or_renew()
    ticks.seconds = RENEW_DEADLINE - 0.5
    assert lease.fence() == pytest.approx(DURATION - RENEW_DEADLINE + 0.5)
    ticks.seconds = RENEW_DEADLINE
    with pytest.raises(Deposed):
        lease.fence()


async def test_renewing_goes_on_leading() -> None:
    server, ticks = Coordination(), Ticks()
    lease = candidate(server, ticks, "a")
    for _ in range(10):
        await lease._take_or_renew()
        ticks.seconds += 4
        assert lease.leading
    assert server.stored is not None
    assert server.stored["spec"]["leaseTransitions"] == 0


async def test_a_renewal_is_one_call_and_reads_only_what_somebody_changed() -> None:
    server, ticks = Coordination(), Ticks()
    lease = candidate(server, ticks, "a")
    for _ in range(3):
        await lease._take_or_renew()
    assert server.asked == ["GET", "POST", "PUT", "PUT"]
    assert server.stored is not None
    server.stored = server.stored | {"metadata": {"resourceVersion": "77", "annotations": {"other": "touched"}}}
    await lease._take_or_renew()
    assert server.asked[4:] == ["PUT", "GET", "PUT"]
    assert lease.leading


async def test_who_loses_the_race_for_a_free_lease_does_not_lead() -> None:
    server, ticks = Coordination(), Ticks()
    first, second = candidate(server, ticks, "a"), candidate(server, ticks, "b")
    await asyncio.gather(first._take_or_renew(), second._take_or_renew())
    assert first.leading != second.leading


async def test_a_lease_that_is_given_back_is_free_at_once() -> None:
    server, ticks = Coordination(), Ticks()
    first, second = candidate(server, ticks, "a"), candidate(server, ticks, "b")
    running = asyncio.create_task(first.run())
    await until(lambda: first.leading)
    running.cancel()
    await asyncio.wait({running}, timeout=1)
    assert not first.leading
    await second._take_or_renew()
    assert second.leading


async def test_who_waits_looks_often_and_takes_over_as_soon_as_the_lease_is_free() -> None:
    server, ticks = Coordination(), Ticks()
    first, second = candidate(server, ticks, "a"), candidate(server, ticks, "b")
    await first._take_or_renew()
    running = asyncio.create_task(second.run())
    await until(lambda: second.leading)
    running.cancel()
    await asyncio.wait({running}, timeout=1)
    assert server.stored is not None
    taken = datetime.fromisoformat(server.stored["spec"]["acquireTime"])
    assert DURATION < (taken - START).total_seconds() <= DURATION + 2 * LOOK


async def test_an_outage_is_survived() -> None:
    server, ticks = Coordination(), Ticks()
    lease = candidate(server, ticks, "a")
    server.down = True
    running = asyncio.create_task(lease.run())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not lease.leading
    server.down = False
    await until(lambda: lease.leading)
    running.cancel()
    await asyncio.wait({running}, timeout=1)


async def test_guarded_work_is_cancelled_when_the_lease_runs_out() -> None:
    server, ticks = Coordination(), Ticks()
    lease = candidate(server, ticks, "a")
    await lease._take_or_renew()
    ended = asyncio.Event()

    async def long_work() -> None:
        try:
            ticks.seconds = DURATION
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(Deposed):
        await asyncio.wait_for(lease.guard(long_work()), DURATION + 5)
    assert ended.is_set()


async def test_guarded_work_is_not_even_begun_without_the_lease() -> None:
    lease = candidate(Coordination(), Ticks(), "a")

    async def work() -> None:
        raise AssertionError("begun")

    with pytest.raises(Deposed):
        await lease.guard(work())
