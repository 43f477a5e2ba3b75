"""Monitoring of a ModelDeployment by the Prometheus operator, where the cluster has it: its pods are read, and alerts tell when it serves badly."""

from collections.abc import Iterator
from typing import Any

from treadle.api.reasons import Reason
from treadle.connections.installation import MonitoringSettings
from treadle.contracts.serving import METRICS_PATH
from treadle.plan import Action, Apply, Delete, Object, Plan, Ref, do, say
from treadle.serving.build import child, selector_of_all
from treadle.serving.observe import Serving, counts

INTERVAL = "30s"
FAILING = 0.05
"""Share of requests answered with 5xx, above which an alert fires."""
REFUSING = 0.05
"""Share of requests refused with 429, above which an alert fires."""
UNFIT = 0.05
"""Share of requests that do not fit the model, above which an alert fires."""
LARGE_SHIFT = 0.25
"""Population stability index that is commonly called large."""


def monitor(serving: Serving) -> Plan:
    """The objects while they are wanted and the cluster knows them; gone when not wanted."""
    if serving.monitors is None:
        return Plan()
    if wanted(serving) and serving.monitors:
        return do(Apply(build_pod_monitor(serving)), Apply(build_rule(serving)))
    return do(*_removed(serving))


def tell_monitoring(serving: Serving) -> Plan:
    """MonitoringReady: said only where the platform team has switched monitoring on."""
    if serving.monitors is None or not wanted(serving):
        return Plan()
    if not serving.monitors:
        return say("MonitoringReady", False, Reason.MonitoringMissing, "the cluster has no PodMonitor, or the operator may not make any")
    return say("MonitoringReady", True, Reason.MonitoringMade, "its pods are read by Prometheus, with alerts about failures, refusals and drift")


def wanted(serving: Serving) -> bool:
    """Whether monitoring is wanted. A server of the user's tells nothing that we know of."""
    return serving.spec.monitoring.alerts and counts(serving.spec)


def build_pod_monitor(serving: Serving) -> Object:
    """A PodMonitor of all its pods, whatever their revision; their series say which it is."""
    spec = {
        "selector": {"matchLabels": selector_of_all(serving)},
        "podMetricsEndpoints": [{"port": "http", "path": METRICS_PATH, "interval": INTERVAL}],
    }
    return _labelled(serving, child(serving, "PodMonitor", serving.name, spec))


def build_rule(serving: Serving) -> Object:
    """A PrometheusRule with its alerts."""
    group = {"name": f"treadle-{serving.namespace}-{serving.name}", "rules": list(_rules(serving))}
    return _labelled(serving, child(serving, "PrometheusRule", serving.name, {"groups": [group]}))


def _rules(serving: Serving) -> Iterator[dict[str, Any]]:
    whose = f'namespace="{serving.namespace}",deployment="{serving.name}"'
    all_requests = f"sum(rate(treadle_serving_requests_total{{{whose}}}[5m]))"
    for alert, codes, limit, what, remedy in (
        ("ModelFailing", "5..", FAILING, "fail", "The pods' logs say why; `treadle.dev/pin` serves another version now."),
        ("ModelOverloaded", "429", REFUSING, "are refused for want of room", "Raise spec.replicas, or spec.autoscaling.max."),
    ):
        share = f'sum(rate(treadle_serving_requests_total{{{whose},code=~"{codes}"}}[5m])) / {all_requests}'
        words = f"{{{{ $value | humanizePercentage }}}} of the requests to {serving.namespace}/{serving.name} {what}. {remedy}"
        yield _alert(serving, alert, f"{share} > {limit}", "10m", f"Requests to {serving.name} {what}.", words)
    unfit = f"sum by (misfit) (rate(treadle_serving_unfit_requests_total{{{whose}}}[5m])) / scalar({all_requests})"
    what = f"of the requests to {serving.namespace}/{serving.name} do not fit the model: {{{{ $labels.misfit }}}}."
    remedy = "Either its callers or its signature changed: an answer with code 400 says what does not fit."
    words = f"{{{{ $value | humanizePercentage }}}} {what} {remedy}"
    yield _alert(serving, "ModelInputsUnfit", f"{unfit} > {UNFIT}", "10m", f"Requests to {serving.name} do not fit the model.", words)
    if serving.spec.monitoring.drift is not None:
        words = f"{{{{ $labels.feature }}}} of the inputs of {serving.namespace}/{serving.name} is far from the training data: see its DriftDetected."
        shift = f"max by (feature) (treadle_serving_feature_psi{{{whose}}}) > {LARGE_SHIFT}"
        yield _alert(serving, "ModelInputsDrifted", shift, "5m", f"Inputs of {serving.name} have drifted.", words)


def _alert(serving: Serving, name: str, expression: str, lasts: str, summary: str, description: str) -> dict[str, Any]:
    labels = {"severity": "warning", "namespace": serving.namespace, "deployment": serving.name}
    settings = serving.installation.monitoring or MonitoringSettings()
    page = f"{settings.runbooks.rstrip('/')}/{name.lower()}"
    annotations = {"summary": summary, "description": description, "runbook_url": page}
    return {"alert": name, "expr": expression, "for": lasts, "labels": labels, "annotations": annotations}


def _labelled(serving: Serving, made: dict[str, Any]) -> Object:
    """With the labels by which the cluster's Prometheus finds it; ours come last."""
    settings = serving.installation.monitoring
    made["metadata"]["labels"] = {**(settings.labels if settings else {}), **made["metadata"]["labels"]}
    return made


def _removed(serving: Serving) -> Iterator[Action]:
    for kind, uid in serving.monitoring_objects.items():
        yield Delete(Ref(kind, serving.namespace, serving.name), uid)


__all__ = ["build_pod_monitor", "build_rule", "monitor", "tell_monitoring"]
