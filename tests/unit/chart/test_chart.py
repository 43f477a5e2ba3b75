"""The chart: what it installs, and what it refuses."""

from __future__ import annotations

import base64
import copy
import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from e2e.cluster import tool
from tests.pod_security import violations
from tests.unit.chart.render import CHART, EVERYTHING, NAMESPACED, RELEASE_NAMESPACE, helm, of_kind, render, the
from treadle.connections.installation import Connections, Installation, parse_installation
from treadle.main import connections_of

KEEP = {"helm.sh/resource-policy": "keep"}
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
TEMPLATES = "".join(path.read_text() for path in sorted((CHART / "templates").rglob("*.*")))
FREE = {
    "nodeSelector",
    "tolerations",
    "affinity",
    "podAnnotations",
    "resources",
    "connections",
    "images",
    "imagePolicy",
    "people",
    "labels",
    "annotations",
}
"""Values that are passed on whole."""


def paths(values: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every single value."""
    for name, value in values.items():
        if isinstance(value, dict) and value and name not in FREE:
            yield from paths(value, (*above, name))
        else:
            yield (*above, name)


def configured(objects: Any) -> Installation:
    """What the operator is told."""
    return parse_installation(the(objects, "ConfigMap")["data"]["installation.yaml"])


@pytest.mark.parametrize("path", list(paths(VALUES)), ids=".".join)
def test_every_value_is_used(path: tuple[str, ...]) -> None:
    assert re.search(rf"\.Values\.{'.'.join(path)}\b", TEMPLATES), f"{'.'.join(path)} is in values.yaml and nowhere else"


def test_no_template_uses_a_value_that_does_not_exist() -> None:
    known = {path[:length] for path in paths(VALUES) for length in range(1, len(path) + 1)}
    used = {tuple(found.split(".")) for found in re.findall(r"\.Values\.([A-Za-z.]+)", TEMPLATES)}
    assert {path for path in used if path not in known and not FREE & set(path)} == set()


def test_the_schema_knows_every_value_and_no_other() -> None:
    def named(schema: dict[str, Any], values: dict[str, Any], above: str = "") -> None:
        assert schema["additionalProperties"] is False, above
        assert set(schema["properties"]) - {"global"} == set(values), above
        for name, value in values.items():
            if isinstance(value, dict) and value and name not in FREE:
                named(schema["properties"][name], value, f"{above}{name}.")

    named(SCHEMA, VALUES)


def test_the_schema_knows_the_fields_of_every_connection() -> None:
    products = SCHEMA["properties"]["connections"]["properties"]
    fields = {field.alias or name: field for name, field in Connections.model_fields.items()}
    assert set(products) == set(fields) == set(VALUES["connections"])
    for product, field in fields.items():
        settings = field.annotation.__args__[1]  # type: ignore[union-attr]
        said = products[product]["additionalProperties"]
        assert set(said["properties"]) == {f.alias or name for name, f in settings.model_fields.items()}, product
        assert set(said.get("required", ())) == {f.alias or name for name, f in settings.model_fields.items() if f.is_required()}, product


@pytest.mark.parametrize(
    "wrong",
    [
        "replica=2",
        "image.tags=x",
        "scope.namespace=x",
        "crds.enable=true",
        "kinds.jobset=true",
        "networkPolicy.on=false",
        "connections.mlFlow=x",
        "rbac.people.viewer=true",
    ],
)
def test_a_misspelled_value_is_refused_by_name(wrong: str) -> None:
    done = helm("--set", wrong)
    assert done.returncode != 0
    assert wrong.split("=")[0].split(".")[-1] in done.stderr


@pytest.mark.parametrize("wrong", ["replicas=0", 'installation="Upper"', 'image.digest="latest"', 'image.pullPolicy="Sometimes"'])
def test_a_value_out_of_bounds_is_refused(wrong: str) -> None:
    assert helm("--set-json", wrong).returncode != 0


@pytest.mark.parametrize("values", [None, NAMESPACED, EVERYTHING], ids=["default", "namespaces", "everything"])
def test_the_operators_pod_is_restricted(values: Any) -> None:
    objects = render(values=values)
    for template in (the(objects, "Deployment")["spec"]["template"], the(objects, "Pod")):
        assert violations(template) == []
        (container,) = template["spec"]["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_operator_gets_a_short_lived_token_by_projection_only() -> None:
    objects = render()
    assert all(account["automountServiceAccountToken"] is False for account in of_kind(objects, "ServiceAccount"))
    volumes = {volume["name"]: volume for volume in the(objects, "Deployment")["spec"]["template"]["spec"]["volumes"]}
    assert volumes["token"]["projected"]["sources"][0]["serviceAccountToken"]["expirationSeconds"] <= 3607
    assert [name for name, volume in volumes.items() if "secret" in volume] == ["control"]


def test_the_operators_tokens_are_mounted_where_a_secret_is_named() -> None:
    volumes = the(render('tokensSecret="mine"'), "Deployment")["spec"]["template"]["spec"]["volumes"]
    assert {volume["name"]: volume["secret"]["secretName"] for volume in volumes if "secret" in volume} == {
        "control": "treadle-control",
        "tokens": "mine",
    }


def test_the_control_key_is_made_once_or_the_platform_teams_own() -> None:
    made = the(render(), "Secret")
    assert made["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert base64.b64decode(made["data"]["private.pem"]).startswith(b"-----BEGIN PRIVATE KEY-----")
    own = render('control.existingSecret="ours"')
    assert of_kind(own, "Secret") == []
    volumes = the(own, "Deployment")["spec"]["template"]["spec"]["volumes"]
    assert [volume["secret"]["secretName"] for volume in volumes if "secret" in volume] == ["ours"]


@pytest.mark.parametrize(("replicas", "budgets"), [(1, 0), (2, 1), (3, 1)])
def test_there_is_a_disruption_budget_only_where_a_replica_can_be_spared(replicas: int, budgets: int) -> None:
    objects = render(f"replicas={replicas}")
    assert len(of_kind(objects, "PodDisruptionBudget")) == budgets
    assert the(objects, "Deployment")["spec"]["replicas"] == replicas


def committed() -> dict[str, Any]:
    loaded = [yaml.load(path.read_text(), yaml.CSafeLoader) for path in sorted((CHART.parents[1] / "crds").glob("*.yaml"))]
    return {crd["metadata"]["name"]: crd for crd in loaded}


@pytest.mark.parametrize("keep", [True, False])
def test_the_crds_are_the_committed_ones_and_are_kept(keep: bool) -> None:
    expected = copy.deepcopy(committed())
    for crd in expected.values():
        if keep:
            crd["metadata"]["annotations"] = {**crd["metadata"].get("annotations", {}), **KEEP}
    rendered = {crd["metadata"]["name"]: crd for crd in of_kind(render(f"crds.keep={json.dumps(keep)}"), "CustomResourceDefinition")}
    assert rendered == expected


def test_the_crds_can_be_left_to_somebody_else() -> None:
    assert of_kind(render("crds.enabled=false"), "CustomResourceDefinition") == []


def test_the_operator_understands_what_the_chart_tells_it() -> None:
    told = configured(render())
    assert told.namespaces == ()
    assert told.service_accounts == ()
    assert not told.allows_account("default", "retail-a")


def test_all_that_an_administrator_configures_reaches_the_operator() -> None:
    told = configured(render(values=NAMESPACED))
    assert told.namespaces == ("retail-a", "retail-b")
    assert told.allows_account("trainer-a", "retail-a")
    assert not told.allows_account("default", "retail-a")
    assert told.connections.store["default"].region == "us-east-1"
    assert set(connections_of(told)) == {"mlflow/default"}


def test_another_configuration_restarts_the_operator() -> None:
    def configuration(*sets: str) -> str:
        annotations = the(render(*sets), "Deployment")["spec"]["template"]["metadata"]["annotations"]
        return str(annotations["treadle.dev/configuration"])

    changes = ('serviceAccounts=["trainer"]', 'scope.namespaces=["a"]', 'images.jobs="x"', 'installation="other"', 'connections.store={"a": {}}')
    policy = "imagePolicy.requireDigest=true"
    assert len({configuration(), *map(configuration, (*changes, policy))}) == 2 + len(changes)


def test_everything_lies_in_the_release_namespace_and_carries_the_charts_labels() -> None:
    for this in render():
        if this["kind"] == "CustomResourceDefinition":
            continue
        assert this["metadata"].get("namespace") == (None if this["kind"].startswith("Cluster") else RELEASE_NAMESPACE), this["kind"]
        assert this["metadata"]["labels"]["app.kubernetes.io/instance"] == "treadle", this["kind"]


def test_prices_make_a_rule_that_records_costs() -> None:
    assert not of_kind(render(), "PrometheusRule")
    rules = the(render('metrics.gpuHourPrices={"NVIDIA-A100": "2.50", "nvidia.com/gpu": "1"}'), "PrometheusRule")["spec"]["groups"][0]["rules"]
    assert [rule["record"] for rule in rules] == ["treadle:gpu_cost:total"] * 2
    assert 'treadle_gpu_seconds_total{product="NVIDIA-A100"}) / 3600 * 2.50' in rules[0]["expr"]


def test_several_replicas_spread_over_nodes_unless_told_otherwise() -> None:
    def spread(*sets: str) -> Any:
        return the(render(*sets), "Deployment")["spec"]["template"]["spec"].get("topologySpreadConstraints")

    assert spread() is None
    assert [each["topologyKey"] for each in spread("replicas=2")] == ["kubernetes.io/hostname"]
    own = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    assert spread("replicas=2", f"topologySpreadConstraints=[{json.dumps(own)}]") == [own]


def test_all_that_can_be_said_about_the_pod_reaches_it() -> None:
    deployment = the(render(values=EVERYTHING), "Deployment")
    template = deployment["spec"]["template"]
    pod, container = template["spec"], template["spec"]["containers"][0]
    assert container["image"] == f"registry.example/treadle/operator@sha256:{'0123456789abcdef' * 4}"
    assert {"--log-format=json", "--log-level=debug", "--workers=64"} <= set(container["args"])
    assert {"name": "HTTPS_PROXY", "value": "http://proxy.corp:3128"} in container["env"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert pod["serviceAccountName"] == "operator"
    assert pod["hostUsers"] is False
    assert pod["priorityClassName"] == "system-cluster-critical"
    assert (template["metadata"]["labels"]["acme/tier"], template["metadata"]["annotations"]["acme/team"]) == ("system", "ml")
    assert deployment["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()


def test_more_objects_are_installed_as_they_are_or_as_templates() -> None:
    names = {this["metadata"]["name"] for this in of_kind(render(values=EVERYTHING), "ConfigMap")}
    assert {"more", "treadle-more"} <= names


def test_the_kinds_of_the_prometheus_operator_wait_for_it_where_that_is_asked() -> None:
    wanted = ("metrics.serviceMonitor.enabled=true", "metrics.alerts.enabled=true", 'metrics.gpuHourPrices={"A": "1"}')

    def made(mode: str, *more: str) -> tuple[int, list[str]]:
        sets = [word for each in (*wanted, f'metrics.renderMode="{mode}"') for word in ("--set-json", each)]
        done = helm(*sets, *more)
        return done.returncode, sorted(re.findall(r"^kind: (ServiceMonitor|PrometheusRule)$", done.stdout, re.MULTILINE))

    everything = (0, ["PrometheusRule", "PrometheusRule", "ServiceMonitor"])
    present = "--api-versions=monitoring.coreos.com/v1"
    assert made("alwaysRender") == everything
    assert made("skipIfMissing") == (0, [])
    assert made("skipIfMissing", present) == everything
    assert made("failIfMissing")[0] != 0
    assert made("failIfMissing", present) == everything


def test_the_notes_warn_of_what_is_not_safe() -> None:
    safe, unsafe = notes(), notes("crds.keep=false,networkPolicy.enabled=false")
    assert "WARNING" not in safe
    assert "helm test treadle --namespace treadle-system" in safe
    assert unsafe.count("WARNING") == 2


def notes(sets: str = "installation=x") -> str:
    """What Helm tells people after an installation."""
    command = [str(tool("helm")), "install", "treadle", str(CHART), "--dry-run=client", f"--namespace={RELEASE_NAMESPACE}", "--set", sets]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.partition("NOTES:")[2]
