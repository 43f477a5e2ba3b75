"""Builders: one Deployment per revision, and one Service that turns to the stable one."""

from collections.abc import Mapping
from math import floor
from typing import Any

from treadle.api import ModelDeploymentSpec, names
from treadle.contracts.serving import PORT, RuntimeLimits, RuntimeSpec
from treadle.contracts.smoke import KnownAnswer
from treadle.plan import KINDS, Object
from treadle.serving.containers import (
    custom_container,
    fetch_container,
    models_mount,
    models_volume,
    proxy_container,
    proxy_port,
    resources_of,
    runtime_container,
)
from treadle.serving.drift.windows import seconds_of
from treadle.serving.feedback import containers_of, destination_of, settings_of, volumes_of
from treadle.serving.fleet import APPLIED_REPLICAS, AUTOSCALER
from treadle.serving.observe import CANARY, Serving
from treadle.serving.store import Access, smoke_within
from treadle.serving.target import Target
from treadle.workloads.pod import Placement, pod_template
from treadle.workloads.quantity import canonical

COMPONENT = "runtime"
SERVICE_PORT = 80
PROGRESS_DEADLINE_SECONDS = 600
BEFORE_OTHERS = {"concurrency": 192, "request_bytes": 64 << 20, "request_seconds": 600.0}
"""What our runtime takes on before a server of the user's, which has bounds of its own."""
SLACK_SECONDS = 10
"""Of a pod's grace period, beyond what the runtime itself takes to leave."""


def deployment_name(name: str, revision: str) -> str:
    """The Deployment of a revision."""
    return names.derived_name(name, revision)


def child(serving: Serving, kind: str, name: str, spec: Mapping[str, Any], *, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An object of ours, owned by the ModelDeployment."""
    own = {names.MANAGED_BY: names.MANAGED_BY_VALUE, names.DEPLOYMENT: serving.name, names.COMPONENT: COMPONENT}
    return {
        "apiVersion": KINDS[kind].api_version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": serving.namespace,
            "labels": {**own, **(labels or {})},
            "ownerReferences": [names.controller_reference(serving.this)],
        },
        "spec": dict(spec),
    }


def selector(serving: Serving, revision: str) -> dict[str, str]:
    """The labels that only the pods of one revision carry."""
    return {names.DEPLOYMENT: serving.name, names.REVISION: revision}


def selector_of_all(serving: Serving) -> dict[str, str]:
    """The labels that the pods of all its revisions carry."""
    return {names.DEPLOYMENT: serving.name, names.COMPONENT: COMPONENT}


def canary_service_name(name: str) -> str:
    """The Service of the version that is proving itself."""
    return names.derived_name(name, CANARY)


def build_service(serving: Serving, name: str, revision: str) -> Object:
    """A Service that turns to the pods of one revision."""
    port = {"name": "http", "port": SERVICE_PORT, "targetPort": "http", "protocol": "TCP"}
    return child(serving, "Service", name, {"selector": selector(serving, revision), "ports": [port]})


def build_deployment(serving: Serving, target: Target, revision: str, access: Access, *, replicas: int | None) -> Object:
    """The Deployment of a revision. `replicas` None: an autoscaler owns the number."""
    labels = {names.REVISION: revision, names.MODEL_VERSION: target.label}
    in_place = serving.spec.rollout.strategy == "Replace"
    spec: dict[str, Any] = {
        "selector": {"matchLabels": selector(serving, revision)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0 if in_place else 1, "maxUnavailable": 1 if in_place else 0}},
        "progressDeadlineSeconds": PROGRESS_DEADLINE_SECONDS,
        "revisionHistoryLimit": 2,
        "template": build_pod_template(serving, target, revision, access),
    }
    if replicas is not None:
        spec["replicas"] = replicas
    made = child(serving, "Deployment", deployment_name(serving.name, revision), spec, labels=labels)
    applied = AUTOSCALER if replicas is None else str(replicas)
    made["metadata"]["annotations"] = {names.RESOLVED: target.to_annotation(), APPLIED_REPLICAS: applied}
    return made


def build_pod_template(serving: Serving, target: Target, revision: str, access: Access) -> dict[str, Any]:
    """A pod that fetches the model from the store and serves it; it needs neither registry nor operator to start again."""
    asked = ModelDeploymentSpec.model_validate({"model": {"uri": "s3://asked"}, **target.asked})
    limits = RuntimeLimits(concurrency=max(1, floor(_cores(resources_of(asked.resources).cpu))))
    kept, destination = settings_of(serving.spec), destination_of(serving.spec, serving.namespace, serving.installation)
    drift = serving.spec.monitoring.drift
    custom, proxied, images = asked.runtime.type == "Custom", bool(asked.runtime.proxy), serving.installation.images
    smoke = None if custom else smoke_within(target, serving.namespace, serving.installation)
    if proxied:
        limits = limits.model_copy(update=BEFORE_OTHERS)
    runtime = RuntimeSpec(
        namespace=serving.namespace,
        deployment=serving.name,
        revision=revision,
        model_name=serving.name,
        model_version=target.label,
        control_key=serving.installation.control.public_key,
        port=proxy_port(asked) if proxied else PORT,
        behind_port=(asked.runtime.port or PORT) if proxied else 0,
        limits=limits,
        sensitive=asked.sensitive,
        explain=serving.spec.explain is not None and serving.spec.explain.enabled and not asked.sensitive,
        allow_pickle=asked.runtime.allow_pickle,
        onnx=asked.runtime.onnx,
        drift_seconds=0 if custom else seconds_of(serving.spec),
        drift_from_first_window=drift is not None and drift.reference == "FirstWindow",
        smoke=KnownAnswer(file=smoke.file(), label=smoke.label) if smoke else None,
        feedback=kept if isinstance(destination, Access) and not custom else None,
    )
    cache = serving.spec.model.cache
    fetch, models = (
        fetch_container(images.jobs, asked, target, access, cache, watched=bool(runtime.drift_seconds), smoke=smoke),
        models_mount(target, cache, read_only=True),
    )
    serve = custom_container(asked, runtime, models) if custom else runtime_container(images.runtime, asked, runtime, models)
    before = [proxy_container(images.runtime, runtime, keep_log_lines=not asked.sensitive)] if proxied else []
    return pod_template(
        containers=[serve, *before, *containers_of(serving.spec, runtime.feedback, destination, images.jobs)],
        init_containers=[fetch],
        volumes=[models_volume(cache), *volumes_of(runtime.feedback)],
        labels={
            names.DEPLOYMENT: serving.name,
            names.REVISION: revision,
            names.MODEL_VERSION: target.label,
            names.COMPONENT: COMPONENT,
        },
        placement=Placement(
            service_account=asked.access.service_account_name or "",
            pull_secrets=asked.access.image_pull_secrets,
            node_selector=asked.node_selector,
            tolerations=[toleration.to_object() for toleration in asked.tolerations],
            priority_class=asked.priority_class_name or "",
            spread=selector(serving, revision),
        ),
        shared_memory=canonical(asked.resources.shm) if asked.resources.shm else "",
        grace_seconds=round(limits.linger_seconds + limits.drain_seconds) + SLACK_SECONDS,
    )


def _cores(cpu: str) -> float:
    return float(cpu[:-1]) / 1000 if cpu.endswith("m") else float(cpu) if cpu.replace(".", "").isdigit() else 1.0
