"""Every panel and every choice of every dashboard shows something: a real Prometheus reads what the operator and a serving pod really export.

The figures come from the classes that export them, filled with objects as the operator left them in the stories; no cluster is needed for that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics import Counter, Gauge, Histogram, MetricWrapperBase

from e2e.cluster import tool
from e2e.dashboards import DASHBOARDS
from e2e.dashboards.reading import Reading, alert_rules
from e2e.support.waiting import until
from tests.gitops import CUSTOMIZATIONS
from tests.integration import loopback
from tests.integration.processes import free_port, server
from treadle.contracts.serving import RuntimeSpec
from treadle.engine._metrics import Metrics
from treadle.engine._sight import Sight
from treadle.plan import Ref
from treadle.runtime._metrics import RuntimeMetrics

OBJECTS = {
    "digits": ("AnnotationProject", "healthy_released_accepting_annotations"),
    "waits": ("AnnotationProject", "degraded_labeling_accepting_annotations"),
    "run": ("TrainingRun", "suspended_finishing_awaiting_approval"),
    "model": ("ModelDeployment", "healthy_rolling_out_pods_ready"),
    "stuck": ("ModelDeployment", "degraded_serving_pods_ready"),
}
MORE: dict[str, dict[str, Any]] = {
    "run": {"gpuSeconds": 7200, "progress": {"percent": 40, "remainingSeconds": 600}},
    "model": {"drift": {"detected": True}, "accuracy": {"versions": [{"version": "1", "value": "0.9", "low": "0.8", "high": "0.95", "labels": 90}]}},
}
"""Figures that the captured states lack."""
TENANT = "ml"


class Pod(ThreadingHTTPServer):
    """What one pod exports; with every scrape something happens."""

    daemon_threads = True

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        super().__init__(("127.0.0.1", 0), Scrape)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def happen(self) -> None:
        """Move every figure of this pod's own."""
        for collector in set(self.registry._collector_to_names):
            if isinstance(collector, MetricWrapperBase):
                for child in children(collector):
                    match child:
                        case Counter() | Gauge():
                            child.inc()
                        case Histogram():
                            child.observe(0.1)


class Scrape(BaseHTTPRequestHandler):
    """Answers Prometheus."""

    server: Pod

    def do_GET(self) -> None:
        self.server.happen()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(generate_latest(self.server.registry))

    def log_message(self, *words: object) -> None:
        """Say nothing."""


def children(collector: MetricWrapperBase) -> list[MetricWrapperBase]:
    """The series of a metric; one is made where it has labels and none yet."""
    if not collector._labelnames:
        return [collector]
    if not collector._metrics:
        collector.labels(*(TENANT if label == "tenant_namespace" else "x" for label in collector._labelnames))
    return list(collector._metrics.values())


def operator() -> Pod:
    """The leader's figures, with objects that it has looked at."""
    metrics, sight = Metrics(), Sight(lambda ref: None)
    metrics.registry.register(sight)
    for name, (kind, state) in OBJECTS.items():
        this: Any = yaml.safe_load((CUSTOMIZATIONS / kind / "testdata" / f"{state}.yaml").read_text())
        this["status"] |= MORE.get(name, {})
        sight.see(Ref(kind, TENANT, name), this)
    return Pod(metrics.registry)


def serving() -> Pod:
    """A serving pod's figures."""
    identity: dict[str, Any] = {"namespace": TENANT, "deployment": "model", "revision": "abc", "model_version": "1", "model_name": "model"}
    metrics = RuntimeMetrics(RuntimeSpec.model_construct(**identity))
    metrics.loaded("sklearn", 1.0)
    metrics.feedback_kept("Uncertain")
    metrics.drifted({"pixel": 0.3}, {"label": 0.2})
    return Pod(metrics.registry)


@contextmanager
def prometheus(folder: Path, **pods: Pod) -> Iterator[httpx.Client]:
    """A Prometheus that reads the pods every second, and a client for its queries."""
    targets = {
        "operator": {"namespace": "treadle-system", "pod": "treadle-0", "job": "treadle-metrics"},
        "serving": {"namespace": TENANT, "pod": "model-0", "job": "serving"},
    }
    jobs = [
        {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{pod.server_port}"], "labels": targets[name]}]} for name, pod in pods.items()
    ]
    (folder / "prometheus.yml").write_text(yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}))
    address = f"127.0.0.1:{free_port()}"
    command = [str(tool("prometheus")), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    command.append(f"--web.listen-address={address}")
    with (
        server(command, ready=f"http://{address}/-/ready", folder=folder, environment={}, deadline=60),
        loopback.Client(base_url=f"http://{address}/api/v1", timeout=10) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    pods, since = {"operator": operator(), "serving": serving()}, time.time()
    with prometheus(tmp_path_factory.mktemp("prometheus"), **pods) as client:
        yield Reading(client, since)
    for pod in pods.values():
        pod.shutdown()


def test_every_panel_shows_something_under_a_name(reading: Reading) -> None:
    def silent() -> list[str]:
        return list(reading.silent_panels(DASHBOARDS))

    until("an answer to every panel", lambda: not silent(), timeout=30, describe=silent)


def test_every_choice_offers_something(reading: Reading) -> None:
    assert list(reading.silent_choices(DASHBOARDS)) == []


def test_what_an_alert_looks_at_is_there(reading: Reading) -> None:
    """Each figure of its expression, with the labels that the expression and the texts name; that it fires when it must is `test_alerts.py`."""
    assert list(reading.silent_alerts(alert_rules())) == []
