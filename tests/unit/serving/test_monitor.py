"""What the Prometheus operator gets of a ModelDeployment: rules that promtool accepts and that fire where they must."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.cluster.tools import tool
from tests.unit.serving.test_build import observed
from treadle.connections.installation import MonitoringSettings
from treadle.serving.monitor import build_pod_monitor, build_rule
from treadle.serving.observe import Serving

IDENTITY = 'namespace="ml",deployment="digits",revision="abc123",model_version="1"'


def watched(**spec: Any) -> Serving:
    serving = observed(**spec)
    labels = MonitoringSettings(labels={"release": "prometheus", "treadle.dev/deployment": "another"})
    return replace(serving, installation=serving.installation.model_copy(update={"monitoring": labels}))


def requests(**per_minute: int) -> list[dict[str, str]]:
    """So many answers per minute, by status code."""
    return [
        {"series": f'treadle_serving_requests_total{{{IDENTITY},code="{code[1:]}"}}', "values": f"0+{number}x60"}
        for code, number in per_minute.items()
    ]


def unfit(misfit: str, per_minute: int) -> dict[str, str]:
    """So many refused requests per minute."""
    return {"series": f'treadle_serving_unfit_requests_total{{{IDENTITY},misfit="{misfit}"}}', "values": f"0+{per_minute}x60"}


@pytest.mark.parametrize(
    ("series", "firing"),
    [
        (requests(c200=100, c500=1, c429=1), []),
        (requests(c200=100, c500=8), ["ModelFailing"]),
        (requests(c200=100, c429=30), ["ModelOverloaded"]),
        ([*requests(c200=100, c400=10), unfit("Type", 10)], ["ModelInputsUnfit"]),
        ([*requests(c200=100, c400=6), unfit("Type", 3), unfit("Missing", 3)], []),
        ([{"series": f'treadle_serving_feature_psi{{{IDENTITY},feature="size"}}', "values": "0.4x60"}], ["ModelInputsDrifted"]),
        ([{"series": f'treadle_serving_feature_psi{{{IDENTITY},feature="size"}}', "values": "0.2x60"}], []),
    ],
)
def test_alerts_fire_where_they_must_and_nowhere_else(tmp_path: Path, series: list[dict[str, str]], firing: list[str]) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(build_rule(watched(monitoring={"drift": {}}))["spec"]))
    samples = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in firing]
    expression = 'count by (alertname) (ALERTS{alertstate="firing", namespace="ml", deployment="digits", severity="warning"})'
    case = {"interval": "1m", "input_series": series, "promql_expr_test": [{"expr": expression, "eval_time": "40m", "exp_samples": samples}]}
    (tmp_path / "case.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": [case]}))
    done = subprocess.run([tool("promtool"), "test", "rules", tmp_path / "case.yaml"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_monitor_finds_the_pods_and_prometheus_finds_the_monitor() -> None:
    serving = watched()
    monitor = build_pod_monitor(serving)
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["metadata"]["labels"]["treadle.dev/deployment"] == "digits", "the admin's labels do not take the place of ours"
    assert monitor["spec"]["selector"]["matchLabels"] == {"treadle.dev/deployment": "digits", "app.kubernetes.io/component": "runtime"}
    assert monitor["spec"]["podMetricsEndpoints"] == [{"port": "http", "path": "/metrics", "interval": "30s"}]


def test_without_drift_there_is_no_alert_about_it() -> None:
    names = [rule["alert"] for rule in build_rule(watched())["spec"]["groups"][0]["rules"]]
    assert names == ["ModelFailing", "ModelOverloaded", "ModelInputsUnfit"]
