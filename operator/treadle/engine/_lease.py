"""Leadership: one replica acts, the others know everything and wait. A Lease says who; a clock that also counts sleep says for how long."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from treadle.engine._wire import Refused, Request
from treadle.plan import Trouble

log = logging.getLogger(__name__)

Result = TypeVar("Result")

DURATION = 10.0
"""Seconds after which another replica may take a lease that was not renewed."""
RENEW_DEADLINE = 6.0
"""Seconds after its last renewal in which a leader may begin anything; what it has begun ends within `DURATION`."""
RETRY = 2.0
"""Seconds between two renewals, and before a renewal that failed is tried again."""
LOOK = 0.5
"""Seconds between two looks of a replica that waits: a lease that is given back, or ran out, is not idle for longer."""
GLANCE = 0.2
"""Seconds between two looks at the lease while work that it guards goes on; our clock may leap when the machine was asleep."""


class Deposed(Exception):  # noqa: N818
    """We do not lead, or cannot be sure to: nothing may be sent."""


class Sender(Protocol):
    """Sends requests to the API server; see `Wire`."""

    async def send(self, request: Request) -> dict[str, Any]:
        """See `Wire.send`."""


@dataclass(frozen=True)
class LeaseName:
    """Which Lease, and under which name we hold it (unique per process)."""

    namespace: str
    name: str
    holder: str


def boot_time() -> float:
    """Seconds since the machine started, those in which it slept included: a leader that was asleep must not believe it still leads."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lease:
    """One replica's side of the election.

    Args:
        sender: reaches the API server.
        lease: which Lease.
        clock: the time that stands in the Lease, for people only.
        ticks: seconds; by default `boot_time`. Other machines' clocks are never compared with ours.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        sender: Sender,
        lease: LeaseName,
        *,
        clock: Callable[[], datetime],
        ticks: Callable[[], float] = boot_time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._sender = sender
        self._lease = lease
        self._clock = clock
        self._ticks = ticks
        self._sleep = sleep
        self._renewed: float | None = None
        self._held: dict[str, Any] | None = None  # the Lease as we wrote it last
        self._seen: tuple[str, float] = ("", 0.0)  # the resourceVersion we last saw and when we saw it first

    @property
    def leading(self) -> bool:
        """Whether we may begin something now."""
        return self._renewed is not None and self._ticks() < self._renewed + RENEW_DEADLINE

    def fence(self) -> float:
        """Seconds in which whatever is begun now must end.

        Raises:
            Deposed: when nothing may be begun.
        """
        if self._renewed is None or not self.leading:
            raise Deposed
        return self._renewed + DURATION - self._ticks()

    async def guard(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do the work as long as we lead, however long it takes; it is cancelled when the lease runs out.

        Raises:
            Deposed: when we do not lead, or not any more.
        """
        try:
            self.fence()
        except Deposed:
            work.close()
            raise
        task = asyncio.ensure_future(work)
        try:
            while True:
                done, _ = await asyncio.wait({task}, timeout=GLANCE)
                if done:
                    return task.result()
                self.fence()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})

    async def run(self) -> None:
        """Take the lease when it is free and renew it, until cancelled; then give it back."""
        try:
            while True:
                pause = RETRY
                try:
                    async with asyncio.timeout(RENEW_DEADLINE - RETRY):  # not wait_for, which in Python 3.11 can swallow a cancellation
                        await self._take_or_renew()
                    pause = LOOK if self._renewed is None else RETRY
                except (Trouble, TimeoutError) as error:
                    log.warning("the lease %s could not be read or renewed: %s", self._lease.name, error)
                await self._sleep(pause)
        finally:
            await self._release()

    async def _take_or_renew(self) -> None:
        started = self._ticks()
        held, self._held = self._held, None  # who does not hear what became of a renewal reads the lease before the next one
        if held is not None and await self._write("PUT", self._path, held | {"spec": self._spec(held["spec"], taken=False)}, started):
            return
        lease = await self._read()
        if lease is None:
            body = {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": self._lease.name, "namespace": self._lease.namespace},
            }
            await self._take("POST", self._collection, body | {"spec": self._spec({}, taken=True)}, started)
            return
        spec = lease.get("spec") or {}
        ours = spec.get("holderIdentity") == self._lease.holder
        if not ours and not self._free(lease, spec):
            self._renewed = None
            return
        await self._take("PUT", self._path, lease | {"spec": self._spec(spec, taken=not ours)}, started)

    def _free(self, lease: dict[str, Any], spec: dict[str, Any]) -> bool:
        version = str(lease["metadata"]["resourceVersion"])
        if self._seen[0] != version:
            self._seen = (version, self._ticks())
        return not spec.get("holderIdentity") or self._ticks() > self._seen[1] + float(spec.get("leaseDurationSeconds") or DURATION)

    def _spec(self, before: dict[str, Any], *, taken: bool) -> dict[str, Any]:
        now = self._clock().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {
            "holderIdentity": self._lease.holder,
            "leaseDurationSeconds": int(DURATION),
            "acquireTime": now if taken else before.get("acquireTime", now),
            "renewTime": now,
            "leaseTransitions": int(before.get("leaseTransitions") or 0) + (1 if taken and before else 0),
        }

    async def _read(self) -> dict[str, Any] | None:
        try:
            return await self._sender.send(Request("GET", self._path, "read the lease"))
        except Refused as refused:
            if refused.status == 404:
                return None
            raise refused.trouble from refused

    async def _take(self, method: str, path: str, body: dict[str, Any], started: float) -> None:
        if not await self._write(method, path, body, started):
            self._renewed = None  # somebody was faster

    async def _write(self, method: str, path: str, body: dict[str, Any], started: float) -> bool:
        """Whether the lease was as we saw it last, and is ours now."""
        try:
            self._held = await self._sender.send(Request(method, path, "write the lease", body))
        except Refused as refused:
            if refused.status != 409:
                raise refused.trouble from refused
            return False
        if self._renewed is None:
            log.info("%s leads", self._lease.holder)
        self._renewed = started
        return True

    async def _release(self) -> None:
        """Let the next replica take over at once. What is still under way is harmless by its preconditions."""
        if self._renewed is None:
            return
        self._renewed = self._held = None
        try:
            async with asyncio.timeout(RETRY):
                lease = await self._read()
                if lease is not None and (lease.get("spec") or {}).get("holderIdentity") == self._lease.holder:
                    body = lease | {"spec": {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}}
                    await self._sender.send(Request("PUT", self._path, "release the lease", body))
        except (Trouble, Refused, TimeoutError) as error:
            log.warning("the lease was not released, the next replica waits %.0f s: %s", DURATION, error)

    @property
    def _collection(self) -> str:
        return f"/apis/coordination.k8s.io/v1/namespaces/{self._lease.namespace}/leases"

    @property
    def _path(self) -> str:
        return f"{self._collection}/{self._lease.name}"
