"""Replicas that stop, die or freeze, and an API server that goes away: one replica acts at any time, and nothing is missed."""

import asyncio
import signal
import time
from pathlib import Path

from tests.integration.control_plane import Place
from tests.integration.engine_process import OperatorProcess, operator_process
from tests.integration.engine_toy import eventually, make_toy, replica, service
from tests.integration.test_engine_conflicts import port_is
from tests.integration.test_engine_life import is_gone, is_running
from treadle.engine import Access, KubernetesCluster, Wire
from treadle.plan import ref_of as ref


async def test_the_second_replica_waits_and_takes_over_at_once_when_the_first_is_told_to_stop(toys: Place, tmp_path: Path) -> None:
    first, second, since = toys.operator("a"), toys.operator("b"), toys.now()
    reader = KubernetesCluster(Wire(Access(str(toys.cluster.kubeconfig))))
    before, after = make_toy("before", toys.namespace, "job"), make_toy("after", toys.namespace, "job")
    with operator_process(first, toys.namespace, "a", tmp_path / "a") as a, operator_process(second, toys.namespace, "b", tmp_path / "b") as b:
        leader, other = await asyncio.to_thread(who_leads, a, b)
        toys.cluster.apply(before)
        await eventually("running", lambda: is_running(reader.get(ref(before))))
        leader.signal(signal.SIGTERM)
        stopped = time.monotonic()
        await asyncio.to_thread(other.wait_for, "leading:")
        assert time.monotonic() - stopped < 6  # a lease that was not released costs ten
        toys.cluster.apply(after)
        await eventually("running", lambda: is_running(reader.get(ref(after))))
    await reader.close()
    one, two = ("a", "b") if leader is a else ("b", "a")
    assert toys.writes(since, one) == ["create jobs/before-1", "patch trainingruns/before/status"]
    assert toys.writes(since, two) == ["create jobs/after-1", "patch trainingruns/after/status"]


async def test_a_killed_leader_is_replaced_when_its_lease_runs_out(toys: Place, tmp_path: Path) -> None:
    toy, reader = make_toy("late", toys.namespace, "job"), KubernetesCluster(Wire(Access(str(toys.cluster.kubeconfig))))
    with (
        operator_process(toys.operator("a"), toys.namespace, "a", tmp_path / "a") as a,
        operator_process(toys.operator("b"), toys.namespace, "b", tmp_path / "b") as b,
    ):
        leader, other = await asyncio.to_thread(who_leads, a, b)
        leader.signal(signal.SIGKILL)
        toys.cluster.apply(toy)
        await asyncio.to_thread(other.wait_for, "leading:")
        await eventually("running", lambda: is_running(reader.get(ref(toy))))
    await reader.close()


async def test_a_leader_that_was_frozen_writes_nothing_when_it_wakes_up_deposed(toys: Place, tmp_path: Path) -> None:
    reader = KubernetesCluster(Wire(Access(str(toys.cluster.kubeconfig))))
    toy = make_toy("kept", toys.namespace, "job", "service")
    with (
        operator_process(toys.operator("a"), toys.namespace, "a", tmp_path / "a") as a,
        operator_process(toys.operator("b"), toys.namespace, "b", tmp_path / "b") as b,
    ):
        leader, other = await asyncio.to_thread(who_leads, a, b)
        toys.cluster.apply(toy)
        await eventually("served", lambda: port_is(reader.get(service(toys.namespace, "kept")), 80))
        await eventually("nothing left to write", lambda: is_running(reader.get(ref(toy))))
        leader.signal(signal.SIGSTOP)
        await asyncio.to_thread(other.wait_for, "leading:")
        since, frozen = toys.now(), "a" if leader is a else "b"
        toys.kubectl("delete", "service", "kept")  # what the frozen one would make again
        leader.signal(signal.SIGCONT)
        await asyncio.to_thread(leader.wait_for, "not leading any more")
        await eventually("back", lambda: port_is(reader.get(service(toys.namespace, "kept")), 80))
        assert toys.writes(since, frozen) == []
    await reader.close()


async def test_what_was_deleted_while_nobody_watched_is_noticed(toys: Place, tmp_path: Path) -> None:
    """The watch is too old to go on (410) and kopf never tells of the deletion; our own LIST does."""
    reader = KubernetesCluster(Wire(Access(str(toys.cluster.kubeconfig))))
    toy, gone = make_toy("kept", toys.namespace, "job", "service"), make_toy("gone", toys.namespace, "job")
    with operator_process(toys.operator(), toys.namespace, "a", tmp_path / "a") as operator:
        toys.cluster.apply(toy, gone)
        await eventually("served", lambda: port_is(reader.get(service(toys.namespace, "kept")), 80))
        await eventually("running", lambda: is_running(reader.get(ref(gone))))
        operator.signal(signal.SIGSTOP)
        toys.kubectl("delete", "service", "kept")
        toys.kubectl("delete", "trainingrun", "gone", "--cascade=orphan")
        toys.cluster.restart_api_server(kill=True)  # its watch cache begins anew: what came before is 410
        toys.cluster.apply(make_toy("other", toys.namespace, "job"))
        since = toys.now()
        operator.signal(signal.SIGCONT)
        await eventually("back", lambda: port_is(reader.get(service(toys.namespace, "kept")), 80), timeout=60)
        assert await is_gone(reader.get(ref(gone)))
        assert not [write for write in toys.writes(since) if "gone" in write]
    await reader.close()


async def test_an_api_server_that_goes_away_and_comes_back_is_only_a_delay(toys: Place) -> None:
    toy = make_toy("after", toys.namespace, "job", "service", "track")
    async with replica(toys.operator(), toys.namespace) as running:
        toys.cluster.apply(make_toy("before", toys.namespace, "job"))
        await eventually("running", lambda: is_running(running.cluster.get(ref(make_toy("before", toys.namespace)))))
        await asyncio.to_thread(toys.cluster.restart_api_server, kill=True)
        await asyncio.to_thread(toys.cluster.apply, toy)
        await eventually("running", lambda: is_running(running.get(toy)), timeout=60)
        assert not running.task.done()


def who_leads(a: OperatorProcess, b: OperatorProcess) -> tuple[OperatorProcess, OperatorProcess]:
    """The leader and the other; returns once there is a leader."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for leader, other in ((a, b), (b, a)):
            if "leading:" in leader.log.read_text():
                return leader, other
        time.sleep(0.05)
    raise AssertionError(f"nobody leads:\n{a.log.read_text()}\n{b.log.read_text()}")
