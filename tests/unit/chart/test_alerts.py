"""Every alert fires where it must and is silent where it must, as Prometheus itself evaluates it, and has a runbook and metrics that exist."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from e2e.cluster import tool
from tests.unit.chart.exported import metric_labels
from tests.unit.chart.render import CHART, EVERYTHING, of_kind, render
from tests.unit.serving.test_build import observed
from treadle.connections.installation import MonitoringSettings, parse_installation
from treadle.serving.monitor import build_rule

RUNBOOKS = CHART.parents[1] / "docs" / "runbooks"
RULES = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())["groups"]
ALERTS = {rule["alert"]: rule for group in RULES for rule in group["rules"]}


def of_a_deployment(settings: MonitoringSettings) -> list[dict[str, Any]]:
    """The alerts that ModelDeployment `digits` brings where drift is watched."""
    serving = observed(monitoring={"drift": {}})
    told = replace(serving, installation=serving.installation.model_copy(update={"monitoring": settings}))
    return list(build_rule(told)["spec"]["groups"][0]["rules"])


EVERY = ALERTS | {rule["alert"]: rule for rule in of_a_deployment(MonitoringSettings())}
"""With those that a ModelDeployment brings."""
POD = 'namespace="treadle-system", pod="treadle-0", job="treadle-metrics"'
OTHER = POD.replace("treadle-0", "treadle-1")


class Case(NamedTuple):
    """Series, one sample a minute as promtool writes them, and whether the alert fires after half an hour."""

    alert: str
    text: str
    series: dict[str, str]
    fires: bool


def requests(code: str, per_minute: int) -> tuple[str, str]:
    return f'treadle_api_requests_total{{{POD}, method="GET", code="{code}"}}', f"0+{per_minute}x40"


def looks(seconds: str, per_minute: int) -> tuple[str, str]:
    return f'treadle_reconcile_seconds_bucket{{{POD}, kind="TrainingRun", le="{seconds}"}}', f"0+{per_minute}x40"


def polls(result: str, per_minute: int) -> tuple[str, str]:
    return f'treadle_poll_seconds_count{{{POD}, connection="mlflow/default", result="{result}"}}', f"0+{per_minute}x40"


def gauge(name: str, value: str, pod: str = POD) -> tuple[str, str]:
    return f"{name}{{{pod}}}", value


OBJECT = 'tenant_namespace="ml", name="digits"'


def condition(type_: str, values: str, kind: str = "ModelDeployment") -> tuple[str, str]:
    return f'treadle_condition{{{OBJECT}, kind="{kind}", type="{type_}", reason="Whatever"}}', values


LEADS = gauge("treadle_leader", "1x40")
CASES = (
    Case("TreadleNotLeading", "nobody leads", dict([gauge("treadle_leader", "0x40"), gauge("treadle_leader", "0x40", OTHER)]), True),
    Case("TreadleNotLeading", "one of two leads", dict([gauge("treadle_leader", "0x40"), gauge("treadle_leader", "1x40", OTHER)]), False),
    Case("TreadleNotLeading", "the lead moves within a minute", dict([gauge("treadle_leader", "1x27 0 1x12")]), False),
    Case("TreadleAbsent", "nothing is read", {"up{}": "1x40"}, True),
    Case("TreadleAbsent", "it is read", dict([LEADS]), False),
    Case("TreadleBugs", "the first one ever", {f'treadle_bugs_total{{{POD}, where="reconcile"}}': "_x25 1x15"}, True),
    Case("TreadleBugs", "another one", {f'treadle_bugs_total{{{POD}, where="reconcile"}}': "3x25 4x15"}, True),
    Case("TreadleBugs", "those of long ago", {f'treadle_bugs_total{{{POD}, where="reconcile"}}': "3x40"}, False),
    Case("TreadleApiErrors", "one in ten fails", dict([requests("200", 90), requests("503", 10)]), True),
    Case("TreadleApiErrors", "rights are missing", dict([requests("200", 90), requests("403", 10)]), True),
    Case("TreadleApiErrors", "conflicts are no errors", dict([requests("200", 90), requests("409", 10)]), False),
    Case("TreadleQueueStuck", "it never catches up", dict([LEADS, gauge("treadle_queue_depth", "400x40")]), True),
    Case("TreadleQueueStuck", "a wave of objects", dict([LEADS, gauge("treadle_queue_depth", "0x20 400x5 0x20")]), False),
    Case("TreadleQueueStuck", "who does not lead", dict([gauge("treadle_leader", "0x40"), gauge("treadle_queue_depth", "400x40")]), False),
    Case("TreadleSyncLost", "a kind is not read", dict([gauge("treadle_synced", "1x10 0x30")]), True),
    Case("TreadleSyncLost", "everything is read", dict([gauge("treadle_synced", "0x10 1x30")]), False),
    Case("TreadleReconcileSlow", "looks take a minute", dict([looks("10", 50), looks("60", 100), looks("+Inf", 100)]), True),
    Case("TreadleReconcileSlow", "looks take no time", dict([looks("10", 100), looks("60", 100), looks("+Inf", 100)]), False),
    Case("TreadleConnectionDown", "it never answers", dict([polls("outage", 6)]), True),
    Case("TreadleObjectStalled", "a deployment", dict([condition("Stalled", "1x40")]), True),
    Case("TreadleObjectStalled", "a run that waits", dict([condition("Stalled", "1x40", "TrainingRun")]), True),
    Case(
        "TreadleObjectStalled",
        "a run that failed",
        dict([condition("Stalled", "1x40", "TrainingRun"), condition("Succeeded", "0x40", "TrainingRun")]),
        False,
    ),
    Case("TreadleObjectStalled", "for ten minutes", dict([condition("Stalled", "1x10 _x30")]), False),
    Case("TreadleDriftDetected", "drift", {f"treadle_deployment_drift{{{OBJECT}}}": "0x20 1x20"}, True),
    Case("TreadleDriftDetected", "none", {f"treadle_deployment_drift{{{OBJECT}}}": "0x40"}, False),
    Case("TreadleObjectsLeftOut", "too many projects", {'treadle_objects_left_out{kind="AnnotationProject"}': "5x40"}, True),
    Case("TreadleObjectsLeftOut", "runs of long ago", {'treadle_objects_left_out{kind="TrainingRun"}': "5000x40"}, False),
    Case("TreadleConnectionDown", "it answers mostly", dict([polls("outage", 1), polls("answered", 6)]), False),
)


def test_every_alert_fires_where_it_must_and_nowhere_else(tmp_path: Path) -> None:
    (rule,) = [rule for rule in of_kind(render(values=EVERYTHING), "PrometheusRule") if rule["metadata"]["name"] == "treadle"]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rule["spec"]))
    check = subprocess.run([tool("promtool"), "check", "rules", tmp_path / "rules.yaml"], capture_output=True, text=True, check=False, timeout=60)
    assert check.returncode == 0, check.stderr
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": [told(case) for case in CASES]}))
    done = subprocess.run([tool("promtool"), "test", "rules", tmp_path / "tests.yaml"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def told(case: Case) -> dict[str, Any]:
    """A case as promtool reads it."""
    expected = [{"labels": "{}", "value": 1}] if case.fires else []
    firing = f'count(ALERTS{{alertname="{case.alert}", alertstate="firing"}})'
    return {
        "name": f"{case.alert}: {case.text}",
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in case.series.items()],
        "promql_expr_test": [{"expr": firing, "eval_time": "32m", "exp_samples": expected}],
    }


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_cases_that_fire_and_do_not(alert: str) -> None:
    assert {case.fires for case in CASES if case.alert == alert} == {True, False}


@pytest.mark.parametrize("alert", EVERY)
def test_an_alert_leads_to_a_page_that_says_what_to_do(alert: str) -> None:
    text = (RUNBOOKS / f"{alert.lower()}.md").read_text()
    rule, summary = EVERY[alert], EVERY[alert]["annotations"]["summary"].replace("digits", "NAME")
    assert text.startswith(f"# {alert}\n\n{summary} Severity: {rule['labels']['severity']}.\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["What it means", "What is at stake", "What to look at", "What to do"]
    assert f"| [{alert}]({alert.lower()}.md) | {rule['labels']['severity']} | {summary} |" in (RUNBOOKS / "index.md").read_text()


def test_there_is_no_page_for_an_alert_that_does_not_exist() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == {alert.lower() for alert in EVERY} | {"index"}


@pytest.mark.parametrize("alert", EVERY)
def test_a_page_is_in_the_table_of_contents(alert: str) -> None:
    assert f"          - runbooks/{alert.lower()}.md\n" in (CHART.parents[1] / "mkdocs.yml").read_text()


def test_alerts_of_deployments_name_their_pages_at_the_place_that_the_chart_says() -> None:
    (written,) = [this for this in of_kind(render(values=EVERYTHING), "ConfigMap") if "installation.yaml" in this.get("data", {})]
    settings = parse_installation(written["data"]["installation.yaml"]).monitoring
    assert settings is not None
    for rule in of_a_deployment(settings):
        assert rule["annotations"]["runbook_url"] == f"https://wiki.corp/treadle/{rule['alert'].lower()}"


def test_every_rendered_alert_names_its_page() -> None:
    (rule,) = [rule for rule in of_kind(render(values=EVERYTHING), "PrometheusRule") if rule["metadata"]["name"] == "treadle"]
    for each in (each for group in rule["spec"]["groups"] for each in group["rules"]):
        assert each["annotations"]["runbook_url"] == f"https://wiki.corp/treadle/{each['alert'].lower()}"


@pytest.mark.parametrize("alert", EVERY)
def test_an_alert_asks_for_metrics_that_exist(alert: str) -> None:
    assert set(re.findall(r"treadle_\w+", EVERY[alert]["expr"])) <= set(metric_labels())
