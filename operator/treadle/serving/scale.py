"""How many pods a revision gets, who decides it, and how many may be missing at once."""

from typing import Any

from treadle.plan import Apply, Delete, Object, Plan, Ref, do
from treadle.serving.build import child, selector_of_all
from treadle.serving.fleet import AUTOSCALER, Fleet
from treadle.serving.observe import Serving
from treadle.workloads.quantity import canonical

DEFAULT_CPU_PERCENT = 70


def size(serving: Serving) -> int:
    """Full size: what spec says, or what the autoscaler made of it."""
    scaling = serving.spec.autoscaling
    if scaling is None:
        return serving.spec.replicas
    least = scaling.min or 1
    fleet = serving.fleet(serving.memory.stable)
    live = fleet.replicas if fleet and fleet.replicas else serving.spec.replicas
    return min(max(live, least), scaling.max)


def least(serving: Serving) -> int:
    """With fewer ready pods it does not serve at full size; an autoscaler that adds pods does not make it less ready."""
    scaling = serving.spec.autoscaling
    return serving.spec.replicas if scaling is None else min(size(serving), scaling.min or 1)


def handed_over(serving: Serving, fleet: Fleet | None) -> bool:
    """Whether an autoscaler owns the number of replicas of this Deployment.

    It does once it changed the number that we applied. Before that, leaving the number out would reset it to 1.
    """
    if serving.spec.autoscaling is None or fleet is None or not fleet.replicas:
        return False
    return fleet.applied == AUTOSCALER or (bool(fleet.applied) and fleet.applied != str(fleet.replicas))


def scale(serving: Serving) -> Plan:
    """The autoscaler of the stable Deployment and the disruption budget, where they are wanted; gone where not."""
    return Plan.all(_autoscaler(serving), _budget(serving))


def _autoscaler(serving: Serving) -> Plan:
    if serving.spec.autoscaling is None:
        return _remove(serving, "HorizontalPodAutoscaler", serving.autoscaler)
    return do(Apply(build_autoscaler(serving))) if serving.fleet(serving.memory.stable) else Plan()


def _budget(serving: Serving) -> Plan:
    if serving.memory.stable is None or max(size(serving), (serving.spec.autoscaling.min or 1) if serving.spec.autoscaling else 0) < 2:
        return _remove(serving, "PodDisruptionBudget", serving.budget)
    return do(Apply(build_budget(serving)))


def _remove(serving: Serving, kind: str, uid: str) -> Plan:
    return do(Delete(Ref(kind, serving.namespace, serving.name), uid)) if uid else Plan()


def build_autoscaler(serving: Serving) -> Object:
    """A HorizontalPodAutoscaler of the stable Deployment."""
    scaling, fleet = serving.spec.autoscaling, serving.fleet(serving.memory.stable)
    assert scaling is not None
    assert fleet is not None
    percent = scaling.cpu_percent or (None if scaling.metrics else DEFAULT_CPU_PERCENT)
    metrics: list[dict[str, Any]] = []
    if percent:
        metrics.append({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}})
    for metric in scaling.metrics:
        target = {"type": "AverageValue", "averageValue": canonical(metric.average)}
        metrics.append({"type": "Pods", "pods": {"metric": {"name": metric.name}, "target": target}})
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": fleet.name},
        "minReplicas": scaling.min or 1,
        "maxReplicas": scaling.max,
        "metrics": metrics,
    }
    return child(serving, "HorizontalPodAutoscaler", serving.name, spec)


def build_budget(serving: Serving) -> Object:
    """A PodDisruptionBudget: a drain takes one pod at a time."""
    return child(serving, "PodDisruptionBudget", serving.name, {"maxUnavailable": 1, "selector": {"matchLabels": selector_of_all(serving)}})
