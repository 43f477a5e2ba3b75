"""The operator's rights are exactly those of the table in DESIGN section 6, however the chart is installed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from e2e.support.rights import SELDOM, granted, patched, used
from tests.unit.chart.render import CHART, EVERYTHING, MINIMAL, NAMESPACED, RELEASE_NAMESPACE, installed, of_kind, render
from treadle.plan import KINDS

Rights = Mapping[tuple[str, str], set[str]]
READ = {"get", "list", "watch"}
WRITE = {"create", "update", "patch", "delete", "deletecollection"}
RECORD = READ | {"create", "delete"}
CONVERGE = READ | {"create", "patch", "delete"}

ALWAYS: Rights = {
    ("treadle.dev", "annotationprojects"): READ | {"patch"},
    ("treadle.dev", "trainingruns"): READ | {"create", "delete"},
    ("treadle.dev", "modeldeployments"): READ,
    ("treadle.dev", "annotationprojects/status"): {"patch"},
    ("treadle.dev", "trainingruns/status"): {"patch"},
    ("treadle.dev", "modeldeployments/status"): {"patch"},
    ("treadle.dev", "annotationprojects/finalizers"): {"update"},
    ("treadle.dev", "trainingruns/finalizers"): {"update"},
    ("treadle.dev", "modeldeployments/finalizers"): {"update"},
    ("batch", "jobs"): RECORD,
    ("apps", "deployments"): CONVERGE,
    ("", "services"): CONVERGE,
    ("policy", "poddisruptionbudgets"): CONVERGE,
    ("", "pods"): READ,
    ("", "configmaps"): {"get"},
    ("", "events"): {"create", "list"},
}
SWITCHED: Mapping[str, Rights] = {
    "jobSet": {("jobset.x-k8s.io", "jobsets"): RECORD},
    "kueue": {("kueue.x-k8s.io", "workloads"): READ},
    "horizontalPodAutoscaler": {("autoscaling", "horizontalpodautoscalers"): CONVERGE},
    "httpRoute": {("gateway.networking.k8s.io", "httproutes"): CONVERGE},
    "monitoring": {("monitoring.coreos.com", "podmonitors"): CONVERGE, ("monitoring.coreos.com", "prometheusrules"): CONVERGE},
}
IN_OWN_NAMESPACE: Rights = {("coordination.k8s.io", "leases"): {"get", "create", "update"}}
FOR_PEOPLE = {"treadle-view", "treadle-edit", "treadle-admin"}
READS_METRICS = "treadle-metrics"
NAMES = ("annotationprojects", "trainingruns", "modeldeployments")


def rights(roles: Iterable[Any]) -> Rights:
    """The verbs of each resource, over all rules."""
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for role in roles:
        for rule in role["rules"]:
            assert set(rule) - {"resourceNames"} == {"apiGroups", "resources", "verbs"}, rule
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    found[group, resource] |= set(rule["verbs"])
    return found


def documented() -> Mapping[str, set[str]]:
    """The table of docs/security/index.md: what a part of a row says of no resource by name, it says of all that the row names."""
    text = (CHART.parents[1] / "docs" / "security" / "index.md").read_text()
    table = text.partition("| resource | the operator's verbs |\n|---|---|\n")[2].partition("\n\n")[0]
    known = {resource for _, resource in all_rights() if "/" not in resource}
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in table.splitlines():
        named, said = (cell.strip() for cell in row.strip("|").split("|"))
        resources = known & set(re.findall(r"[a-z]+", named))
        for part in said.split(";"):
            words = set(re.findall(r"[a-z]+", part))
            below = "".join(f"/{name}" for name in ("status", "finalizers") if f"`/{name}`" in part)
            for resource in resources & words or resources:
                found[resource + below] |= words & WRITE | words & READ
    return found


def all_rights() -> Rights:
    """With every switch on."""
    found = {**ALWAYS, **IN_OWN_NAMESPACE}
    for more in SWITCHED.values():
        found |= more
    return found


def test_the_page_for_people_has_the_same_table() -> None:
    assert documented() == {resource: verbs for (_, resource), verbs in all_rights().items()}


def switches(on: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"kinds.{name}={'true' if name in on else 'false'}" for name in SWITCHED)


@pytest.mark.parametrize("on", [(), *((name,) for name in SWITCHED), tuple(SWITCHED)], ids=lambda on: "+".join(on) or "none")
def test_the_operator_may_do_what_the_table_says_and_nothing_else(on: tuple[str, ...]) -> None:
    roles = [role for role in of_kind(render(*switches(on)), "ClusterRole") if role["metadata"]["name"] not in FOR_PEOPLE]
    expected = dict(ALWAYS)
    for name in on:
        expected |= SWITCHED[name]
    assert rights(roles) == expected


def test_what_the_loop_may_leave_unused_is_granted_and_has_a_reason() -> None:
    """`e2e/test_loop.py` holds all other rights against the audit log."""
    assert set(SELDOM) - granted(of_kind(render(), "ClusterRole")) == set()
    assert all(reason.strip() for reason in SELDOM.values())


def test_an_apply_that_makes_its_object_used_the_right_to_create() -> None:
    ref = {"apiGroup": "apps", "resource": "deployments"}
    made, changed = ({"verb": "patch", "objectRef": ref, "responseStatus": {"code": code}} for code in (201, 200))
    assert used([changed, {"verb": "get", "requestURI": "/apis"}]) == {("apps", "deployments", "patch")}
    assert used([made]) == {("apps", "deployments", "patch"), ("apps", "deployments", "create")}


def test_a_patch_that_is_no_list_of_changes_may_have_changed_everything() -> None:
    ref = {"apiGroup": "treadle.dev", "resource": "annotationprojects"}
    listed, merged = ({"verb": "patch", "objectRef": ref, "requestObject": body} for body in ([{"path": "/metadata/finalizers"}], {"spec": {}}))
    assert patched([listed]) == {("treadle.dev", "annotationprojects", "patch"): {"/metadata/finalizers"}}
    assert patched([listed, merged]) == {("treadle.dev", "annotationprojects", "patch"): {"/metadata/finalizers", ""}}


def test_every_optional_kind_has_its_switch() -> None:
    """So that a kind which the operator learns to use cannot be forgotten here."""
    optional = {(kind.group, kind.plural) for kind in KINDS.values() if kind.optional or kind.plural == "horizontalpodautoscalers"}
    assert {resource for switched in SWITCHED.values() for resource in switched} == optional
    assert {(kind.group, kind.plural) for kind in KINDS.values()} - optional <= set(ALWAYS)


def test_the_lease_is_in_the_operators_own_namespace() -> None:
    (role,) = [role for role in of_kind(installed(render()), "Role") if role["metadata"]["name"] != READS_METRICS]
    assert role["metadata"]["namespace"] == RELEASE_NAMESPACE
    assert rights([role]) == IN_OWN_NAMESPACE


def test_with_namespaces_there_is_no_right_beyond_them() -> None:
    objects = render(values=NAMESPACED)
    assert {this["kind"] for this in objects if this["kind"].startswith("Cluster")} == set()
    everything = dict(ALWAYS)
    for more in SWITCHED.values():
        everything |= more
    roles = [role for role in of_kind(installed(objects), "Role") if role["metadata"]["name"] not in FOR_PEOPLE]
    by_namespace = {role["metadata"]["namespace"]: rights([role]) for role in roles}
    assert by_namespace == {"retail-a": everything, "retail-b": everything, RELEASE_NAMESPACE: IN_OWN_NAMESPACE}


def test_with_namespaces_only_the_kinds_themselves_are_cluster_wide() -> None:
    """So that the admins of the namespaces can install it where somebody else brought the CRDs."""
    wide = {this["kind"] for this in render(values=NAMESPACED) if "namespace" not in this["metadata"]}
    assert wide == {"CustomResourceDefinition"}
    assert {this["metadata"].get("namespace") for this in render(values=MINIMAL)} == {RELEASE_NAMESPACE}


def test_somebody_else_may_bring_roles_and_account() -> None:
    assert {this["kind"] for this in installed(render(values=MINIMAL))} == {"ConfigMap", "Deployment"}


@pytest.mark.parametrize("values", [None, NAMESPACED], ids=["cluster", "namespaces"])
def test_rights_are_bound_to_the_operators_account_only(values: Any) -> None:
    objects = installed(render(values=values))
    account = {"kind": "ServiceAccount", "name": "treadle", "namespace": RELEASE_NAMESPACE}
    bindings = of_kind(objects, "RoleBinding") + of_kind(objects, "ClusterRoleBinding")
    assert all(binding["subjects"] == [account] for binding in bindings)
    bound = {(b["roleRef"]["kind"], b["roleRef"]["name"], b["metadata"].get("namespace")) for b in bindings}
    made = {(r["kind"], r["metadata"]["name"], r["metadata"].get("namespace")) for r in of_kind(objects, "Role") + of_kind(objects, "ClusterRole")}
    assert bound == {(kind, name, namespace) for kind, name, namespace in made if name not in FOR_PEOPLE | {READS_METRICS}}


def aggregated(role: Any) -> set[str]:
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    return {label.removeprefix(prefix) for label in role["metadata"]["labels"] if label.startswith(prefix)}


def test_people_get_rights_on_our_kinds_through_the_clusters_own_roles() -> None:
    roles = {role["metadata"]["labels"].get("treadle.dev/role"): role for role in of_kind(render(), "ClusterRole")}
    assert rights([roles["view"]]) == {("treadle.dev", kind): READ for kind in NAMES}
    assert rights([roles["edit"]]) == {("treadle.dev", kind): WRITE for kind in NAMES}
    assert rights([roles["admin"]]) == {("treadle.dev", f"{kind}/approve"): {"update"} for kind in NAMES}
    assert aggregated(roles["view"]) == {"view", "edit", "admin"}
    assert aggregated(roles["edit"]) == {"edit", "admin"}
    assert aggregated(roles["admin"]) == {"admin"}


def test_with_namespaces_people_get_roles_to_be_bound_there() -> None:
    roles = [role for role in of_kind(render(values=NAMESPACED), "Role") if role["metadata"]["name"] in FOR_PEOPLE]
    assert {(role["metadata"]["namespace"], role["metadata"]["name"]) for role in roles} == {
        (namespace, name) for namespace in ("retail-a", "retail-b") for name in FOR_PEOPLE
    }
    assert all(aggregated(role) == set() for role in roles)


def test_who_reads_metrics_may_do_no_more() -> None:
    """One port of one Service; a right on the URL `/metrics` would be on the API server's own."""
    (role,) = [role for role in of_kind(render(), "Role") if role["metadata"]["name"] == READS_METRICS]
    assert role["metadata"]["namespace"] == RELEASE_NAMESPACE
    assert role["metadata"]["labels"]["treadle.dev/role"] == "metrics"
    found = {("", "services"), ("", "endpoints"), ("", "pods"), ("discovery.k8s.io", "endpointslices")}
    assert rights([role]) == {**dict.fromkeys(found, READ), ("", "services/proxy"): {"get"}}
    (named,) = [rule["resourceNames"] for rule in role["rules"] if rule["resources"] == ["services/proxy"]]
    (service,) = of_kind(render(), "Service")
    assert {name.removeprefix("http:").partition(":")[0] for name in named} == {service["metadata"]["name"]}
    for without in ("rbac.people.metrics=false", "metrics.service=false", 'scope.namespaces=["retail-a"]'):
        assert READS_METRICS not in {role["metadata"]["name"] for role in of_kind(render(without), "Role")}


@pytest.mark.parametrize("role", ["view", "edit", "admin"])
def test_each_role_for_people_can_be_left_out(role: str) -> None:
    roles = of_kind(render(f"rbac.people.{role}=false"), "ClusterRole")
    assert {one["metadata"]["name"] for one in roles} == {"treadle", *FOR_PEOPLE} - {f"treadle-{role}"}


@pytest.mark.parametrize("values", [None, NAMESPACED, EVERYTHING], ids=["cluster", "namespaces", "everything"])
def test_nobody_may_write_statuses_read_secrets_or_run_commands(values: Any) -> None:
    objects = render(values=values)
    for role in (*of_kind(objects, "ClusterRole"), *of_kind(objects, "Role")):
        for (_, resource), verbs in rights([role]).items():
            assert resource not in {"secrets", "pods/exec", "pods/log", "serviceaccounts", "roles", "rolebindings", "*"}, resource
            assert not verbs & {"*", "escalate", "bind", "impersonate"}, resource
            assert not resource.endswith("/status") or role["metadata"]["name"] not in FOR_PEOPLE
