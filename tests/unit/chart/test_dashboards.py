"""Every dashboard keeps the rules of Grafana's dashboard linter, and every query is PromQL over metrics and labels that exist."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from e2e.cluster import tool
from e2e.dashboards import DASHBOARDS, dashboard_files
from e2e.dashboards.panels import WIDTH
from tests.unit.chart.exported import metric_labels
from tests.unit.chart.render import EVERYTHING, of_kind, render

FILES = {name: json.loads(text) for name, text in dashboard_files().items()}
TARGET_LABELS = {"namespace", "pod", "job", "instance"}
"""What Prometheus itself puts on every series of a scraped pod."""


class Shown(NamedTuple):
    """A panel and where it is."""

    dashboard: str
    panel: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.panel['title']}"


def panels() -> Iterator[Shown]:
    for dashboard in FILES.values():
        yield from (Shown(dashboard["uid"], panel) for panel in dashboard["panels"] if panel["type"] != "row")


PANELS = list(panels())


def plain(expr: str) -> str:
    """The expression with Grafana's variables filled in."""
    return re.sub(r"\$__rate_interval|\$__range|\$__interval", "5m", re.sub(r"\$\{?(?!__)\w+\}?", ".*", expr))


@pytest.mark.parametrize("dashboard", FILES.values(), ids=FILES)
def test_a_dashboard_keeps_the_linters_rules(dashboard: dict[str, Any]) -> None:
    source, *variables = dashboard["templating"]["list"]
    assert (source["type"], source["query"], source["name"], source["label"]) == ("datasource", "prometheus", "datasource", "Data source")
    assert all(variable["datasource"]["uid"] == "${datasource}" and variable["refresh"] == 2 for variable in variables)
    assert dashboard["uid"]
    assert dashboard["description"].endswith(".")
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(numbers) == len(set(numbers))


NOT_IN_THE_SCHEMA = {".templating.list[].definition"}
"""What Grafana itself writes into its exports, and its schema does not know: a variable's query, once more for people."""


def differences(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """Where what came back of Grafana's own types is not what went in."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name, value in ours.items():
            yield from differences(value, theirs[name], f"{path}.{name}") if name in theirs else [f"{path}.{name}"]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for pair in zip(ours, theirs, strict=True):
            yield from differences(*pair, f"{path}[]")
    elif ours != theirs:
        yield path


@pytest.mark.parametrize("dashboard", FILES.values(), ids=FILES)
def test_a_dashboard_is_what_grafanas_own_types_know(dashboard: dict[str, Any]) -> None:
    """Read into the types that Grafana generates from its schema, panels and their options too, and written again: what they do not know is lost."""
    register_default_plugins()
    again = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(dashboard)))
    assert set(differences(dashboard, again)) - NOT_IN_THE_SCHEMA == set()


def test_a_field_that_grafana_does_not_know_is_found() -> None:
    register_default_plugins()
    dashboard = json.loads(json.dumps(next(iter(FILES.values()))))
    panel = next(panel for panel in dashboard["panels"] if panel["type"] != "row")
    panel["fieldConfig"]["defaults"]["units"] = "s"
    again = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(dashboard)))
    assert ".panels[].fieldConfig.defaults.units" in set(differences(dashboard, again))


@pytest.mark.parametrize("dashboard", FILES.values(), ids=FILES)
def test_no_panel_covers_another(dashboard: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= WIDTH, panel["title"]
        taken |= cells


@pytest.mark.parametrize("shown", PANELS, ids=str)
def test_a_panel_keeps_the_linters_rules(shown: Shown) -> None:
    panel = shown.panel
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["datasource"]["uid"] == "${datasource}"
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    for target in panel["targets"]:
        ranges = re.findall(r"\[([^\]]+)\]", target["expr"])
        assert all(span == "$__rate_interval" for span in ranges if "rate(" in target["expr"]), "rates follow the resolution"
        assert target["legendFormat"]


@pytest.mark.parametrize("shown", PANELS, ids=str)
def test_a_panel_asks_for_metrics_and_labels_that_exist(shown: Shown) -> None:
    known = metric_labels()
    for target in shown.panel["targets"]:
        names = set(re.findall(r"\btreadle_\w+", target["expr"]))
        assert names, "it shows something of ours"
        assert names <= set(known)
        labels = set().union(*(known[name] for name in names)) | TARGET_LABELS
        grouped = re.findall(r"\bby \(([^)]*)\)", target["expr"])
        kept = {label.strip() for part in grouped for label in part.split(",")} if grouped else labels
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= kept
        assert kept <= labels | {"le"}
        assert set(re.findall(r"[{,] *(\w+) *(?:=~|!=|=|!~)", target["expr"])) <= labels


def test_every_query_is_promql(tmp_path: Path) -> None:
    queries = [plain(target["expr"]) for shown in PANELS for target in shown.panel["targets"]]
    rules = [{"record": f"query:{number}", "expr": expr} for number, expr in enumerate(queries)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    done = subprocess.run([tool("promtool"), "check", "rules", tmp_path / "rules.yaml"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_waits_for_a_human_is_listed_and_counted_alike_and_a_run_that_failed_does_not_wait(tmp_path: Path) -> None:
    (counted, listed) = (
        target["expr"]
        for shown in PANELS
        if shown.dashboard == "treadle-fleet" and shown.panel["title"] in ("Wait for a human", "What waits, and why")
        for target in shown.panel["targets"]
    )

    def condition(kind: str, name: str, type_: str, value: int) -> dict[str, str]:
        labels = f'kind="{kind}", tenant_namespace="ml", name="{name}", type="{type_}", reason="Why"'
        return {"series": f"treadle_condition{{{labels}}}", "values": f"{value}x5"}

    series = [
        condition("TrainingRun", "failed", "Stalled", 1),
        condition("TrainingRun", "failed", "Succeeded", 0),
        condition("TrainingRun", "waits", "Stalled", 1),
        condition("ModelDeployment", "digits", "Stalled", 0),
    ]
    waits = '{kind="TrainingRun", tenant_namespace="ml", name="waits", reason="Why"}'
    asked = [
        {"expr": plain(counted), "eval_time": "3m", "exp_samples": [{"labels": '{kind="TrainingRun"}', "value": 1}]},
        {"expr": plain(listed), "eval_time": "3m", "exp_samples": [{"labels": waits, "value": 1}]},
    ]
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({"tests": [{"interval": "1m", "input_series": series, "promql_expr_test": asked}]}))
    done = subprocess.run([tool("promtool"), "test", "rules", tmp_path / "tests.yaml"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_variable_asks_for_a_label_that_exists() -> None:
    for dashboard in DASHBOARDS:
        for variable in dashboard.variables:
            (asked,) = re.findall(r"^label_values\((\w+)(?:\{.*\})?, (\w+)\)$", variable.query)
            assert asked[1] in metric_labels()[asked[0]] | TARGET_LABELS
            assert f"${variable.name}" in str(dashboard.rows), "and is used"


def test_the_chart_installs_every_dashboard() -> None:
    maps = [this for this in of_kind(render(values=EVERYTHING), "ConfigMap") if "-dashboard-" in this["metadata"]["name"]]
    assert {name: json.loads(text) for this in maps for name, text in this["data"].items()} == FILES
    assert {this["metadata"]["annotations"]["grafana_folder"] for this in maps} == {"ML"}
