"""What an object is called, and where the API server keeps its kind."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Ref(NamedTuple):
    """The name of one object. Kinds are unique in Treadle's world, so the group is not part of it."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Resource(NamedTuple):
    """Where a kind lives in the Kubernetes API.

    `optional` kinds may be missing from a cluster (a CRD that was not installed); `record` kinds are made once and never changed.
    """

    group: str
    version: str
    plural: str
    optional: bool = False

    @property
    def api_version(self) -> str:
        """As written in an object, e.g. `batch/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


KINDS: Mapping[str, Resource] = {
    "AnnotationProject": Resource("treadle.dev", "v1alpha1", "annotationprojects"),
    "TrainingRun": Resource("treadle.dev", "v1alpha1", "trainingruns"),
    "ModelDeployment": Resource("treadle.dev", "v1alpha1", "modeldeployments"),
    "Job": Resource("batch", "v1", "jobs"),
    "JobSet": Resource("jobset.x-k8s.io", "v1alpha2", "jobsets", optional=True),
    "Pod": Resource("", "v1", "pods"),
    "Deployment": Resource("apps", "v1", "deployments"),
    "Service": Resource("", "v1", "services"),
    "PodDisruptionBudget": Resource("policy", "v1", "poddisruptionbudgets"),
    "HorizontalPodAutoscaler": Resource("autoscaling", "v2", "horizontalpodautoscalers"),
    "HTTPRoute": Resource("gateway.networking.k8s.io", "v1", "httproutes", optional=True),
    "PodMonitor": Resource("monitoring.coreos.com", "v1", "podmonitors", optional=True),
    "PrometheusRule": Resource("monitoring.coreos.com", "v1", "prometheusrules", optional=True),
    "Workload": Resource("kueue.x-k8s.io", "v1beta2", "workloads", optional=True),
}
"""Every kind that Treadle reads or writes."""


def ref_of(this: Mapping[str, Any]) -> Ref:
    """The name of an object as the API server or a builder wrote it.

    Raises:
        KeyError: if the object lacks its kind, namespace or name.
    """
    return Ref(this["kind"], this["metadata"]["namespace"], this["metadata"]["name"])
