from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from treadle.api.reasons import Reason
from treadle.engine import Access
from treadle.engine._own_cluster import OwnCluster
from treadle.engine._wire import Refused, Request, Wire
from treadle.plan import Object, Ref, Trouble, Unavailable
from treadle.workloads.add_ons import KindMissing
from treadle.workloads.config_map import ConfigMapText
from treadle.workloads.job import NO_POD_PATIENCE
from treadle.workloads.missing import StillThere
from treadle.workloads.refusal import SUSPICIOUS, PodEnded, PodRefusal, VolumeTrouble

MADE = datetime(2026, 1, 1, tzinfo=UTC)
QUESTION = PodRefusal(namespace="ml", job="a-1", uid="j", since=MADE)
SERVED = {"Job"}
REFUSED = {"Secret": Reason.Forbidden, "Pod": Reason.Unreachable}
CLOSED = PodRefusal(namespace="closed", job="b-1", uid="k", since=MADE)


class Recorded(Wire):
    """A wire whose server knows a few events, and may refuse one namespace."""

    def __init__(self, *, refuses: int | None = None) -> None:
        super().__init__(Access())
        self.sent: list[str] = []
        self.refuses = refuses

    async def send(self, request: Request) -> dict[str, Any]:
        self.sent.append(request.path)
        if self.refuses and "/closed/" in request.path:
            raise Refused(self.refuses, {"message": "no"}, request.what)
        return {
            "items": [
                {"reason": "FailedCreate", "message": "exceeded quota", "lastTimestamp": "2026-01-01T00:00:10Z"},
                {"reason": "FailedMount", "message": 'secret "a" not found', "lastTimestamp": "2026-01-01T00:00:11Z"},
                {"reason": "FailedMount", "message": 'secret "b" not found', "lastTimestamp": "2026-01-01T00:00:12Z"},
                {"reason": "Pulled", "message": "pulled", "lastTimestamp": "2026-01-01T00:00:13Z"},
            ]
        }


def lacks(kind: str) -> bool:
    return kind not in SERVED


async def confirm(ref: Ref) -> Object | None:
    """A live read: there are two Jobs, neither with our label; Secrets may not be read, and the server fails on Pods."""
    if ref.kind in REFUSED:
        raise Trouble(REFUSED[ref.kind], "no")
    owners = {"a-1": "u-a", "b-1": "u-somebody"}
    if (owner := owners.get(ref.name)) is None:
        return None
    return {"kind": "Job", "metadata": {"name": ref.name, "ownerReferences": [{"uid": owner, "controller": True}]}}


async def test_a_missing_child_is_there_only_if_it_still_belongs_to_its_owner() -> None:
    here, taken, gone = (StillThere(child=Ref("Job", "ml", name), owner="u-a") for name in ("a-1", "b-1", "c-1"))
    answers = await OwnCluster(Recorded(), lambda: MADE, lacks, confirm).answer([here, taken, gone])
    assert answers == {here: True, taken: False, gone: False}


async def test_a_child_that_may_not_be_read_silences_no_other() -> None:
    here, secret, pod = (StillThere(child=Ref(kind, "ml", "a-1"), owner="u-a") for kind in ("Job", "Secret", "Pod"))
    answers = await OwnCluster(Recorded(), lambda: MADE, lacks, confirm).answer([here, secret])
    assert answers[here] is True
    assert isinstance(answers[secret], Unavailable)
    with pytest.raises(Trouble):
        await OwnCluster(Recorded(), lambda: MADE, lacks, confirm).answer([here, pod])


async def test_what_an_add_on_brings_is_missing_until_it_is_known() -> None:
    wire = Recorded()
    job, job_set = KindMissing(kind="Job"), KindMissing(kind="JobSet")
    assert await OwnCluster(wire, lambda: MADE, lacks, confirm).answer([job, job_set]) == {job: False, job_set: True}
    assert wire.sent == []


async def test_a_job_that_was_just_made_costs_no_request() -> None:
    wire = Recorded()
    young = OwnCluster(wire, lambda: MADE + timedelta(seconds=1), lacks, confirm)
    assert await young.answer([QUESTION]) == {QUESTION: ""}
    assert wire.sent == []


async def test_a_job_that_stays_without_pods_is_looked_into_before_it_is_judged() -> None:
    wire = Recorded()
    old = OwnCluster(wire, lambda: MADE + SUSPICIOUS, lacks, confirm)
    assert await old.answer([QUESTION]) == {QUESTION: "exceeded quota"}
    assert wire.sent == ["/api/v1/namespaces/ml/events"]
    assert SUSPICIOUS < NO_POD_PATIENCE


async def test_the_latest_word_about_the_volumes_of_a_pod_is_told() -> None:
    question = VolumeTrouble(namespace="ml", pod="a-1-x", uid="p", since=MADE)
    assert await OwnCluster(Recorded(), lambda: MADE + SUSPICIOUS, lacks, confirm).answer([question]) == {question: 'secret "b" not found'}


EVENTS = {
    "Preempted": [("a-1-abcde", "Preempted by pod 7 on node node1"), ("b-1-1-abcde", "Preempted by pod 8")],
    "Killing": [
        ("c-1-abcde", "Stopping container main"),
        ("d-1-abcde", "Stopping container istio-proxy"),
        ("e-1-node-0-1-abcde", "Stopping container main"),
    ],
}
ENDED = {"a-1": "Preempted", "b-1": "", "c-1": "Killing", "d-1": "", "e-1-node-0": "Killing", "f-1": ""}


class Told(Recorded):
    """A wire whose server has these events about pods."""

    async def send(self, request: Request) -> dict[str, Any]:
        reason = (request.query or {})["fieldSelector"].rpartition("=")[2]
        return {"items": [{"involvedObject": {"name": name}, "message": message} for name, message in EVENTS[reason]]}


@pytest.mark.parametrize(("job", "who"), ENDED.items())
async def test_who_ended_a_pod_that_is_gone_is_read_from_events(job: str, who: str) -> None:
    question = PodEnded(namespace="ml", job=job, container="main", ranked="node" in job, since=MADE)
    assert await OwnCluster(Told(), lambda: MADE, lacks, confirm).answer([question]) == {question: who}


async def test_a_namespace_that_may_not_be_read_silences_no_other() -> None:
    cluster = OwnCluster(Recorded(refuses=403), lambda: MADE + SUSPICIOUS, lacks, confirm)
    answers = await cluster.answer([CLOSED, QUESTION])
    assert answers[QUESTION] == "exceeded quota"
    assert isinstance(answers[CLOSED], Unavailable)
    assert (await cluster.answer([CLOSED]))[CLOSED] == answers[CLOSED], "the same refusal is no news"


async def test_a_server_that_fails_is_an_outage_for_all() -> None:
    with pytest.raises(Trouble):
        await OwnCluster(Recorded(refuses=503), lambda: MADE + SUSPICIOUS, lacks, confirm).answer([CLOSED, QUESTION])


class Shelf(Recorded):
    """A wire whose server has one ConfigMap."""

    async def send(self, request: Request) -> dict[str, Any]:
        self.sent.append(request.path)
        if not request.path.endswith("/configmaps/guide"):
            raise Refused(self.refuses or 404, {"message": "no"}, request.what)
        return {"kind": "ConfigMap", "data": {"guide.md": "Count the cans."}}


async def test_the_text_of_a_config_map_is_told_or_that_there_is_none() -> None:
    guide, key, other = (ConfigMapText(namespace="ml", name=name, key=key) for name, key in (("guide", "guide.md"), ("guide", "x"), ("none", "x")))
    answers = await OwnCluster(Shelf(), lambda: MADE, lacks, confirm).answer([guide, key, other])
    assert answers == {guide: "Count the cans.", key: None, other: None}


async def test_a_config_map_that_may_not_be_read_is_told_and_a_busy_server_is_asked_again() -> None:
    question = ConfigMapText(namespace="ml", name="none", key="x")
    answers = await OwnCluster(Shelf(refuses=403), lambda: MADE, lacks, confirm).answer([question])
    assert isinstance(answers[question], Unavailable)
    with pytest.raises(Trouble):
        await OwnCluster(Shelf(refuses=503), lambda: MADE, lacks, confirm).answer([question])
