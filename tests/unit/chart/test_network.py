"""Who may speak to whom: the operator, serving pods, trainings, what shows them, and everybody else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.chart.reach import ALL_PORTS, Pod, answers, egress_ports
from tests.unit.chart.render import NAMESPACED, RELEASE_NAMESPACE, helm, installed, of_kind, render, the
from treadle.contracts.serving import CONTROL_PORT as CONTROL
from treadle.serving.containers import OTHER_PORT

UNIT = Path(__file__).parents[1]
OURS, ELSEWHERE = "retail-a", "somewhere"


def built(golden: str, kind: str) -> Pod:
    """A pod of what the operator builds, in a tenant's namespace."""
    (this,) = [each for each in yaml.safe_load_all((UNIT / golden).read_text()) if each["kind"] == kind]
    template = this["spec"]["replicatedJobs"][0]["template"]["spec"]["template"] if kind == "JobSet" else this["spec"]["template"]
    return Pod.of(template, OURS)


TREADLE = built("serving/golden/smallest.yaml", "Deployment")
CUSTOM = built("serving/golden/custom.yaml", "Deployment")
BEHIND = Pod(OURS, CUSTOM.labels, {"behind": 8080, "http": OTHER_PORT, "control": CONTROL})
"""A user's server on 8080, and the proxy before it on another port."""
BOARD = built("training/tensorboard.yaml", "Deployment")
TRAINING = built("training/training_job.yaml", "Job")
NODE = built("training/training_job_set.yaml", "JobSet")
EVALUATION = built("training/evaluation_job.yaml", "Job")
SYNC = built("annotation/sync_job.yaml", "Job")
SERVING = (TREADLE, CUSTOM, BEHIND)
MADE = (*SERVING, BOARD, TRAINING, NODE, EVALUATION, SYNC)
NEIGHBOUR = Pod(OURS, {"app": "shop"})
STRANGER = Pod(ELSEWHERE, {"app": "shop"})


def policies() -> list[Any]:
    return [policy for policy in of_kind(installed(render(values=NAMESPACED)), "NetworkPolicy") if policy["metadata"]["namespace"] == OURS]


def operator(namespace: str = RELEASE_NAMESPACE) -> Pod:
    return Pod.of(the(render(values=NAMESPACED), "Deployment")["spec"]["template"], namespace)


def test_orders_come_from_the_operator_alone() -> None:
    for target in (TREADLE, BEHIND):
        assert answers(policies(), target, operator()) == {target.named["http"], CONTROL}
    for target in SERVING:
        for source in (*MADE, NEIGHBOUR, STRANGER, operator(ELSEWHERE), operator(OURS)):
            assert CONTROL not in answers(policies(), target, source), source.labels


def test_models_answer_everybody_on_the_port_of_their_service_and_on_no_other() -> None:
    """Also a user's server on a port of his own, and the proxy that had to give way to one; nobody passes the proxy by."""
    assert [target.named["http"] for target in SERVING] == [8080, 8000, OTHER_PORT]
    for target in SERVING:
        for source in (*MADE, NEIGHBOUR, STRANGER):
            assert answers(policies(), target, source) == {target.named["http"]}


def test_a_run_is_shown_to_its_own_namespace() -> None:
    """TensorBoard asks nobody for a password."""
    assert answers(policies(), BOARD, NEIGHBOUR) == {6006}
    assert answers(policies(), BOARD, TRAINING) == {6006}
    assert answers(policies(), BOARD, STRANGER) == set()


def test_nodes_of_a_training_reach_each_other_and_nobody_else_reaches_them() -> None:
    assert answers(policies(), NODE, NODE) == answers(policies(), NODE, TRAINING) == set(ALL_PORTS)
    for source in (*SERVING, BOARD, EVALUATION, SYNC, NEIGHBOUR, STRANGER, operator()):
        assert answers(policies(), NODE, source) == set()


def test_jobs_answer_nobody() -> None:
    for target in (EVALUATION, SYNC):
        assert {port for source in (*MADE, NEIGHBOUR, STRANGER, operator()) for port in answers(policies(), target, source)} == set()


def test_pods_that_treadle_did_not_make_are_left_alone() -> None:
    assert answers(policies(), NEIGHBOUR, STRANGER) == set(ALL_PORTS)


def test_every_watched_namespace_has_the_same_policies() -> None:
    by_namespace = {
        namespace: {
            policy["metadata"]["name"]: policy["spec"]
            for policy in of_kind(installed(render(values=NAMESPACED)), "NetworkPolicy")
            if policy["metadata"]["namespace"] == namespace
        }
        for namespace in ("retail-a", "retail-b")
    }
    assert by_namespace["retail-a"] == by_namespace["retail-b"]
    assert set(by_namespace["retail-a"]) == {"treadle-workloads", "treadle-serving", "treadle-training"}
    assert helm("--set", "networkPolicy.workloads=true").returncode != 0, "a chart cannot know every namespace"


def test_pods_of_tenants_never_reach_the_clouds_metadata() -> None:
    rules = [rule for policy in policies() for rule in policy["spec"].get("egress", ())]
    blocks = [to["ipBlock"] for rule in rules for to in rule["to"] if "ipBlock" in to]
    assert {block["cidr"] for block in blocks} == {"0.0.0.0/0", "::/0"}
    assert all({"169.254.0.0/16", "fd00:ec2::/32"} & set(block["except"]) for block in blocks)


LABELS = {"a": {"url": "http://labels.corp:7777"}}


def the_operators(*sets: str) -> Any:
    return the(installed(render(*sets)), "NetworkPolicy")


def test_the_operator_reaches_only_what_it_must() -> None:
    policy = the_operators()["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert all(rule["ports"] for rule in (*policy["ingress"], *policy["egress"]))
    assert egress_ports(the_operators(), to="peers") == {("TCP", CONTROL)}, "of serving pods it asks nothing but on their control port"
    assert of_kind(render("networkPolicy.enabled=false"), "NetworkPolicy") == []


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://mlflow.ml.svc:5001", 5001),
        ("http://mlflow.ml.svc:5001/base/path", 5001),
        ("https://mlflow.corp", 443),
        ("http://mlflow.corp/", 80),
        ("HTTPS://mlflow.corp", 443),
        ("http://[fd00::5]:5001", 5001),
        ("https://[fd00::5001]", 443),
        ("http://mlflow.corp:", 80),
    ],
)
def test_the_operator_reaches_the_systems_that_are_configured(url: str, port: int) -> None:
    named = [f"connections.{system}={json.dumps(urls)}" for system, urls in (("mlflow", {"a": {"url": url}}), ("labelStudio", LABELS))]
    policy = the_operators("networkPolicy.egressPorts=[6443]", *named)
    assert egress_ports(policy) == {("UDP", 53), ("TCP", 53), ("TCP", 6443), ("TCP", port), ("TCP", 7777)}


def test_a_port_is_opened_once_however_many_need_it() -> None:
    systems = {f"{name}{number}": {"url": f"http://{name}:8000"} for number in range(2) for name in ("a", "b")}
    rules = the_operators(f"connections.labelStudio={json.dumps(systems)}", f"connections.mlflow={json.dumps(systems)}")["spec"]["egress"]
    assert [port["port"] for port in rules[1]["ports"]] == [443, 6443, 80, 5000, 8080, 8000]


def test_stores_are_no_business_of_the_operator() -> None:
    """Their bytes move in pods of tenants."""
    assert egress_ports(the_operators('connections.store={"default": {"endpoint": "http://s3.storage.svc:7070"}}')) == egress_ports(the_operators())


def test_who_may_read_metrics_can_be_limited() -> None:
    everybody = of_kind(installed(render(values=NAMESPACED)), "NetworkPolicy")
    (rule,) = next(policy for policy in everybody if policy["metadata"]["namespace"] == RELEASE_NAMESPACE)["spec"]["ingress"]
    monitoring, test = rule["from"]
    assert monitoring == {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    assert test["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "test", "helm test asks too"
