"""What the engine does when it is not alone: foreign objects under its names, drift, refusals, and writers that are faster."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager

from e2e.cluster.waiting import until
from tests.integration.control_plane import Place
from tests.integration.engine_toy import LABELS, Outside, condition, eventually, job, make_toy, replica, service
from tests.integration.test_engine_life import Reading, holds, is_running
from treadle.api import names
from treadle.plan import Object


async def test_a_foreign_job_under_our_name_is_never_taken_over(toys: Place) -> None:
    toy, kubeconfig = make_toy("mine", toys.namespace, "job"), toys.operator()
    toys.kubectl("create", "job", "mine-1", "--image=registry.example/other:1")
    async with replica(kubeconfig, toys.namespace) as running:
        toys.cluster.apply(toy)
        stalled = await eventually("told", lambda: holds(running.get(toy), "Stalled"))
        assert condition(stalled, "Stalled")["reason"] == "NameConflict"
        assert "Job mine-1" in condition(stalled, "Stalled")["message"]
        foreign = await running.cluster.get(job(toys.namespace, "mine-1"))
        assert foreign is not None
        assert "ownerReferences" not in foreign["metadata"]
        toys.kubectl("delete", "job", "mine-1")
        done = await eventually("goes on once the name is free", lambda: is_running(running.get(toy)), timeout=60)
        assert condition(done, "Stalled") == {}


async def test_a_foreign_service_under_our_name_is_never_changed(toys: Place) -> None:
    toy = make_toy("mine", toys.namespace, "job", "service")
    toys.kubectl("create", "service", "clusterip", "mine", "--tcp=7:7")
    toys.kubectl("label", "service", "mine", *(f"{key}={value}" for key, value in LABELS.items()))
    async with replica(toys.operator(), toys.namespace) as running:
        toys.cluster.apply(toy)
        stalled = await eventually("told", lambda: holds(running.get(toy), "Stalled"))
        assert condition(stalled, "Stalled")["reason"] == "NameConflict"
        foreign = await running.cluster.get(service(toys.namespace, "mine"))
        assert foreign is not None
        assert foreign["spec"]["ports"][0]["port"] == 7


async def test_drift_is_corrected_and_foreign_fields_are_left_alone(toys: Place) -> None:
    toy = make_toy("kept", toys.namespace, "job", "service")
    async with replica(toys.operator(), toys.namespace) as running:
        toys.cluster.apply(toy)
        await eventually("served", lambda: port_is(running.cluster.get(service(toys.namespace, "kept")), 80))
        toys.kubectl("annotate", "service", "kept", "other.example/note=ours")
        toys.kubectl("patch", "service", "kept", "--type=json", "-p", json.dumps([{"op": "replace", "path": "/spec/ports/0/targetPort", "value": 1}]))
        corrected = await eventually("corrected", lambda: port_is(running.cluster.get(service(toys.namespace, "kept")), 8080, "targetPort"))
        assert corrected["metadata"]["annotations"]["other.example/note"] == "ours"
        await eventually("the event", lambda: tells(toys, "DriftCorrected"))


async def test_a_label_that_somebody_takes_off_is_put_back(toys: Place) -> None:
    toy = make_toy("kept", toys.namespace, "job", "service")
    async with replica(toys.operator(), toys.namespace) as running:
        toys.cluster.apply(toy)
        await eventually("served", lambda: port_is(running.cluster.get(service(toys.namespace, "kept")), 80))
        await eventually("running", lambda: is_running(running.get(toy)))
        since = toys.now()
        toys.kubectl("label", "service", "kept", f"{names.MANAGED_BY}-")
        await eventually("labelled", lambda: is_labelled(running.cluster.get(service(toys.namespace, "kept"))))
        toys.kubectl("label", "service", "kept", f"{names.MANAGED_BY}=Helm", "--overwrite")
        await eventually("labelled anew", lambda: is_labelled(running.cluster.get(service(toys.namespace, "kept"))))
        await eventually("the event", lambda: tells(toys, "DriftCorrected"))
        await asyncio.sleep(1)  # would be time for many more
    assert len(toys.writes(since)) <= 5, toys.writes(since)


async def test_a_job_that_loses_its_label_is_not_made_again(toys: Place) -> None:
    toy, since = make_toy("astray", toys.namespace, "job"), toys.now()
    async with replica(toys.operator(), toys.namespace) as running:
        toys.cluster.apply(toy)
        await eventually("running", lambda: is_running(running.get(toy)))
        made = await running.cluster.get(job(toys.namespace, "astray-1"))
        toys.kubectl("label", "job", "astray-1", f"{names.MANAGED_BY}-")
        await asyncio.sleep(1)
        assert await is_running(running.get(toy))
        assert not await tells(toys, "ChildVanished")
        found = await running.cluster.get(job(toys.namespace, "astray-1"))
    assert made is not None
    assert found is not None
    assert found["metadata"]["uid"] == made["metadata"]["uid"]
    assert toys.writes(since).count("patch trainingruns/astray/status") <= 2


async def test_a_changed_wish_is_applied_and_a_deleted_child_comes_back(toys: Place) -> None:
    toy = make_toy("kept", toys.namespace, "job", "service")
    async with replica(toys.operator(), toys.namespace) as running:
        toys.cluster.apply(toy)
        await eventually("served", lambda: port_is(running.cluster.get(service(toys.namespace, "kept")), 80))
        toys.cluster.apply(make_toy("kept", toys.namespace, "job", "service", port=90))
        await eventually("moved", lambda: port_is(running.cluster.get(service(toys.namespace, "kept")), 90))
        toys.kubectl("delete", "service", "kept")
        await eventually("back", lambda: port_is(running.cluster.get(service(toys.namespace, "kept")), 90))


async def test_a_job_that_somebody_keeps_deleting_is_made_again_ever_later(toys: Place) -> None:
    toy, since = make_toy("unloved", toys.namespace, "job"), toys.now()
    async with replica(toys.operator(), toys.namespace) as running:
        toys.cluster.apply(toy)
        await eventually("running", lambda: is_running(running.get(toy)))
        toys.kubectl("delete", "job", "unloved-1")
        told = await eventually("told", lambda: has_reason(running.get(toy), "Reconciled", "ChildVanished"))
        assert "Job unloved-1" in condition(told, "Reconciled")["message"]
        await eventually("made again", lambda: is_running(running.get(toy)))
    assert toys.writes(since).count("create jobs/unloved-1") == 2


async def test_an_object_that_is_made_anew_does_not_pay_for_the_jobs_of_the_earlier_one(toys: Place) -> None:
    toy = make_toy("again", toys.namespace, "job")
    async with replica(toys.operator(), toys.namespace) as running:
        toys.cluster.apply(toy)
        await eventually("running", lambda: is_running(running.get(toy)))
        toys.kubectl("delete", "trainingrun", "again")
        toys.kubectl("delete", "job", "again-1", "--ignore-not-found")  # as garbage collection does, only sooner
        toys.cluster.apply(toy)
        await eventually("running anew", lambda: is_running(running.get(toy)))
        assert not await tells(toys, "ChildVanished")


async def test_a_job_of_an_earlier_object_is_waited_for_until_it_is_collected(toys: Place) -> None:
    toy = make_toy("anew", toys.namespace, "job")
    async with replica(toys.operator(), toys.namespace) as running:
        toys.cluster.apply(toy)
        await eventually("running", lambda: is_running(running.get(toy)))
        toys.kubectl("patch", "job", "anew-1", "--type=merge", "-p", json.dumps({"metadata": {"finalizers": ["other.example/slow"]}}))
        toys.kubectl("delete", "trainingrun", "anew")
        toys.kubectl("delete", "job", "anew-1", "--wait=false")  # as garbage collection does, only sooner
        toys.cluster.apply(toy)
        told = await eventually("told", lambda: has_reason(running.get(toy), "Reconciled", "OldObjectLeaving"))
        assert "Job anew-1" in condition(told, "Reconciled")["message"]
        assert condition(told, "Stalled") == {}
        toys.kubectl("patch", "job", "anew-1", "--type=merge", "-p", json.dumps({"metadata": {"finalizers": None}}))
        done = await eventually("goes on once the name is free", lambda: is_running(running.get(toy)), timeout=60)
        assert condition(done, "Reconciled") == {}


async def test_writers_that_are_faster_delay_but_change_nothing(toys: Place) -> None:
    toy = make_toy("busy", toys.namespace, "job", "service", "track")
    since, outside = toys.now(), Outside()
    async with replica(toys.operator(), toys.namespace, outside=outside) as running:
        toys.cluster.apply(toy)
        for n in range(15):
            await asyncio.to_thread(toys.kubectl, "annotate", "trainingrun", "busy", "--overwrite", f"other.example/beat={n}")
        await eventually("running", lambda: is_running(running.get(toy)))
        await eventually("tracked", lambda: holds(running.get(toy), "Tracked"))
    assert toys.writes(since).count("create jobs/busy-1") == 1
    assert outside.made == 1


async def test_a_quota_is_told_and_waited_for(toys: Place) -> None:
    toy = make_toy("poor", toys.namespace, "job")
    toys.kubectl("create", "quota", "none", "--hard=count/jobs.batch=0")
    await eventually("quota counted", lambda: quota_is_counted(toys))
    async with replica(toys.operator(), toys.namespace) as running:
        toys.cluster.apply(toy)
        told = await eventually("told", lambda: has_reason(running.get(toy), "Reconciled", "QuotaExceeded"))
        assert "exceeded quota" in condition(told, "Reconciled")["message"]
        toys.kubectl("delete", "quota", "none")
        done = await eventually("goes on", lambda: is_running(running.get(toy)), timeout=60)
        assert condition(done, "Reconciled") == {}


async def test_an_outage_outside_is_told_with_its_beginning_and_ends_by_itself(toys: Place) -> None:
    toy, outside = make_toy("patient", toys.namespace, "job", "track"), Outside(down=True)
    async with replica(toys.operator(), toys.namespace, outside=outside) as running:
        toys.cluster.apply(toy)
        told = await eventually("told", lambda: has_reason(running.get(toy), "Tracked", "Unreachable"))
        assert condition(told, "Tracked")["status"] == "Unknown"
        assert condition(told, "Running")["status"] == "True"
        outside.down = False
        await eventually("tracked", lambda: holds(running.get(toy), "Tracked"))
    assert outside.made == 1


async def test_a_status_field_that_an_older_definition_does_not_keep_is_not_written_for_ever(toys: Place) -> None:
    kept = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    older = {"type": "object", "properties": {"phase": {"type": "string"}, "conditions": {"type": "array", "items": kept}}}
    toy, since = make_toy("newer", toys.namespace, "job"), toys.now()
    with defined(toys, older):
        async with replica(toys.operator(), toys.namespace) as running:
            toys.cluster.apply(toy)
            told = await eventually("running", lambda: is_running(running.get(toy)))
            assert "job" not in (told.get("status") or {})
            toys.cluster.apply(other := make_toy("other", toys.namespace, "job"))
            await eventually("the other runs", lambda: is_running(running.get(other)))
    assert toys.writes(since).count("patch trainingruns/newer/status") <= 4


@contextmanager
def defined(toys: Place, status: Object) -> Iterator[None]:
    """While the block runs, TrainingRuns have this schema of their status."""

    def define(schema: Object) -> None:
        where = "/spec/versions/0/schema/openAPIV3Schema/properties/status"
        toys.kubectl("patch", "crd", "trainingruns.treadle.dev", "--type=json", "-p", json.dumps([{"op": "replace", "path": where, "value": schema}]))
        until("the schema is served", lambda: schema_is(toys, schema), timeout=20)

    define(status)
    try:
        yield
    finally:
        define({"type": "object", "x-kubernetes-preserve-unknown-fields": True})


def schema_is(toys: Place, schema: Object) -> bool:
    """Whether the API server prunes by it already: it takes a moment."""
    probe = make_toy("probe", toys.namespace)
    toys.cluster.apply(probe)
    toys.kubectl("patch", "trainingrun", "probe", "--subresource=status", "--type=merge", "-p", json.dumps({"status": {"probe": "x"}}))
    kept = "probe" in (toys.cluster.get("trainingrun/probe", f"--namespace={toys.namespace}").get("status") or {})
    toys.kubectl("delete", "trainingrun", "probe")
    return kept == ("x-kubernetes-preserve-unknown-fields" in schema)


async def has_reason(reading: Reading, kind: str, reason: str) -> Object | None:
    this = await reading
    return this if condition(this, kind).get("reason") == reason else None


async def port_is(reading: Reading, port: int, key: str = "port") -> Object | None:
    this = await reading
    return this if this is not None and this["spec"]["ports"][0][key] == port else None


async def is_labelled(reading: Reading) -> bool:
    this = await reading
    return this is not None and (this["metadata"].get("labels") or {}).get(names.MANAGED_BY) == names.MANAGED_BY_VALUE


async def tells(toys: Place, reason: str) -> bool:
    return reason in await asyncio.to_thread(toys.kubectl, "get", "events", "--output=jsonpath={.items[*].reason}")


async def quota_is_counted(toys: Place) -> bool:
    return "count/jobs.batch" in await asyncio.to_thread(toys.kubectl, "get", "quota", "none", "--output=jsonpath={.status.used}")
