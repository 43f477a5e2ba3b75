"""The engine against a real API server: what it makes, how often it writes, and what it leaves."""

from collections.abc import Awaitable

from tests.integration.control_plane import Place
from tests.integration.engine_toy import Outside, Replica, condition, eventually, job, make_toy, replica, service
from treadle.plan import Object, Ref

Reading = Awaitable[Object | None]

COLLECTED = 75.0
"""Seconds in which the garbage collector has removed a child; it discovers new kinds every 30 s."""


async def test_each_object_gets_exactly_one_job_and_two_writes(toys: Place) -> None:
    wanted = [make_toy(f"run-{n}", toys.namespace, "job") for n in range(8)]
    kubeconfig, since = toys.operator(), toys.now()
    async with replica(kubeconfig, toys.namespace) as running:
        toys.cluster.apply(*wanted)
        for toy in wanted:
            await until(running, toy, "Running")
    jobs = toys.cluster.get("jobs", f"--namespace={toys.namespace}")["items"]
    assert sorted(each["metadata"]["name"] for each in jobs) == [f"run-{n}-1" for n in range(8)]
    assert sorted(toys.writes(since)) == sorted(
        [f"create jobs/run-{n}-1" for n in range(8)] + [f"patch trainingruns/run-{n}/status" for n in range(8)]
    )
    assert toys.refused(since) == []


async def test_a_restart_writes_nothing(toys: Place) -> None:
    outside, kubeconfig = Outside(), toys.operator()
    old = [make_toy(f"old-{n}", toys.namespace, "job", "service", "track") for n in range(5)]
    async with replica(kubeconfig, toys.namespace, outside=outside) as running:
        toys.cluster.apply(*old)
        for toy in old:
            await until(running, toy, "Running")
            await until_there(running, service(toys.namespace, toy["metadata"]["name"]))
            await until(running, toy, "Tracked")
    since = toys.now()
    async with replica(kubeconfig, toys.namespace, outside=outside) as running:
        new = make_toy("new", toys.namespace, "job")  # looked at after all the old ones
        toys.cluster.apply(new)
        await eventually("running", lambda: is_running(running.get(new)))
    assert toys.writes(since) == ["create jobs/new-1", "patch trainingruns/new/status"]
    assert outside.made == 5


async def test_deleting_an_object_removes_its_children_and_makes_none(toys: Place) -> None:
    kubeconfig = toys.operator()
    for cascade in ("background", "foreground"):
        toy = make_toy(cascade, toys.namespace, "job", "service")
        async with replica(kubeconfig, toys.namespace) as running:
            toys.cluster.apply(toy)
            await until_there(running, service(toys.namespace, toy["metadata"]["name"]))
            await until(running, toy, "Running")
            since = toys.now()
            toys.kubectl("delete", "trainingrun", cascade, f"--cascade={cascade}")
            for child in (job(toys.namespace, f"{cascade}-1"), service(toys.namespace, cascade)):
                await until_gone(running, child)
        assert toys.writes(since) == []


async def test_an_object_made_anew_waits_for_the_old_job_to_leave_and_gets_its_own(toys: Place) -> None:
    toy = make_toy("again", toys.namespace, "job")
    async with replica(toys.operator(), toys.namespace) as running:
        toys.cluster.apply(toy)
        await eventually("running", lambda: is_running(running.get(toy)))
        toys.kubectl("delete", "trainingrun", "again", "--cascade=background")
        toys.cluster.apply(toy)
        made = await running.get(toy)
        assert made is not None

        async def own() -> bool:
            found = await running.cluster.get(job(toys.namespace, "again-1"))
            return found is not None and found["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"]

        await eventually("its own Job", own, timeout=COLLECTED)
        await eventually("running", lambda: is_running(running.get(toy)))


async def until(running: Replica, toy: Object, kind: str) -> None:
    await eventually(f"{kind} of {toy['metadata']['name']}", lambda: holds(running.get(toy), kind))


async def until_there(running: Replica, ref: Ref) -> None:
    await eventually(f"{ref}", lambda: running.cluster.get(ref))


async def until_gone(running: Replica, ref: Ref) -> None:
    await eventually(f"{ref} gone", lambda: is_gone(running.cluster.get(ref)), timeout=COLLECTED)


async def is_running(reading: Reading) -> Object | None:
    return await holds(reading, "Running")


async def holds(reading: Reading, kind: str) -> Object | None:
    this = await reading
    return this if condition(this, kind).get("status") == "True" else None


async def is_gone(reading: Reading) -> bool:
    return await reading is None
