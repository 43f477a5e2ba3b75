"""The only place that writes a pod template: restricted, bounded, without a token. A custom resource chooses from what stands here, nothing more.

Our own images get a read-only root. Images of users get a writable one, a home, and the variables that make frameworks put their caches there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from treadle.api import names
from treadle.workloads.gpu import Gpu

USER_ID = 10001
HOME = "/home/treadle"
HOME_VOLUME = "home"
TEMPORARY_VOLUME = "tmp"
SHARED_MEMORY_VOLUME = "shm"
DEFAULT_CPU = "250m"
DEFAULT_MEMORY = "1Gi"

USER_ENVIRONMENT = {
    "HOME": HOME,
    "USER": "treadle",
    "LOGNAME": "treadle",
    "TMPDIR": "/tmp",  # noqa: S108  (an emptyDir of the pod's own)
    "XDG_CACHE_HOME": f"{HOME}/.cache",
    "HF_HOME": f"{HOME}/.cache/huggingface",
    "TORCH_HOME": f"{HOME}/.cache/torch",
    "MPLCONFIGDIR": f"{HOME}/.cache/matplotlib",
    "NUMBA_CACHE_DIR": f"{HOME}/.cache/numba",
    "TRITON_CACHE_DIR": f"{HOME}/.cache/triton",
}
"""What a user's image finds, whatever UID its author thought of."""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """An environment variable: a plain value, a key of a Secret or ConfigMap, or a field of the pod itself."""

    name: str
    value: str = ""
    field: str = ""
    secret: str = ""
    config_map: str = ""
    key: str = ""
    optional: bool = False

    def manifest(self) -> dict[str, Any]:
        """As in a container."""
        if self.field:
            return {"name": self.name, "valueFrom": {"fieldRef": {"fieldPath": self.field}}}
        if not (holder := self.secret or self.config_map):
            return {"name": self.name, "value": self.value}
        reference = {"name": holder, "key": self.key} | ({"optional": True} if self.optional else {})
        return {"name": self.name, "valueFrom": {"secretKeyRef" if self.secret else "configMapKeyRef": reference}}


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A volume by the source a pod names, e.g. `{"emptyDir": {}}` or `{"persistentVolumeClaim": {"claimName": "data"}}`."""

    name: str
    source: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Mount:
    """Where a volume appears in a container."""

    volume: str
    path: str
    read_only: bool = False
    sub_path: str = ""

    def manifest(self) -> dict[str, Any]:
        """As in a container."""
        manifest: dict[str, Any] = {"name": self.volume, "mountPath": self.path}
        if self.read_only:
            manifest["readOnly"] = True
        if self.sub_path:
            manifest["subPath"] = self.sub_path
        return manifest


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a container gets. Memory and devices are bounded by what is asked for; the CPU is not: throttling helps nobody."""

    cpu: str = DEFAULT_CPU
    memory: str = DEFAULT_MEMORY
    ephemeral_storage: str = ""
    gpu: Gpu = field(default_factory=Gpu)

    def manifest(self) -> dict[str, Any]:
        """As in a container."""
        disk = {"ephemeral-storage": self.ephemeral_storage} if self.ephemeral_storage else {}
        bounded = {"memory": self.memory, **disk, **self.gpu.resources()}
        return {"requests": {"cpu": self.cpu, **bounded}, "limits": bounded}


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container.

    Attributes:
        users: it runs a user's image: writable root, home and cache variables. Otherwise it is ours: read-only root and `/tmp`.
        keep_log_lines: the last lines of a failed container come into its status; off for sensitive data.
        extras: ports, probes, lifecycle: taken as they are, never security or resources.
    """

    name: str
    image: str
    command: Sequence[str] = ()
    args: Sequence[str] = ()
    working_dir: str = ""
    env: Sequence[Variable] = ()
    mounts: Sequence[Mount] = ()
    resources: Resources = field(default_factory=Resources)
    users: bool = False
    keep_log_lines: bool = True
    extras: Mapping[str, Any] = field(default_factory=dict)


PLACES = ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
"""What fails at once: a node, a zone."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where and as whom a pod runs: the curated overlay that a custom resource may set.

    Attributes:
        spread: labels of pods that are put on different nodes and zones as far as there is room; empty: wherever.
    """

    service_account: str = ""
    pull_secrets: Sequence[str] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Mapping[str, Any]] = ()
    priority_class: str = ""
    spread: Mapping[str, str] = field(default_factory=dict)


def pod_template(
    *,
    containers: Sequence[Container],
    init_containers: Sequence[Container] = (),
    volumes: Sequence[Volume] = (),
    labels: Mapping[str, str],
    annotations: Mapping[str, str] | None = None,
    placement: Placement = Placement(),
    restart_policy: str = "Always",
    shared_memory: str = "",
    grace_seconds: int = 30,
) -> dict[str, Any]:
    """A pod template. `shared_memory` is the size of `/dev/shm` (it counts towards the memory of the container); empty: the node's 64 MiB."""
    everything = [*init_containers, *containers]
    own = [Volume(name=TEMPORARY_VOLUME, source={"emptyDir": {}})]
    if any(container.users for container in everything):
        own.append(Volume(name=HOME_VOLUME, source={"emptyDir": {}}))
    if shared_memory:
        own.append(Volume(name=SHARED_MEMORY_VOLUME, source={"emptyDir": {"medium": "Memory", "sizeLimit": shared_memory}}))
    selector = dict(placement.node_selector)
    for container in everything:
        selector |= container.resources.gpu.node_selector()
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": restart_policy,
        "terminationGracePeriodSeconds": grace_seconds,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "initContainers": [_container(container, shared_memory) for container in init_containers],
        "containers": [_container(container, shared_memory) for container in containers],
        "volumes": [{"name": volume.name, **volume.source} for volume in [*own, *volumes]],
        "serviceAccountName": placement.service_account,
        "imagePullSecrets": [{"name": name} for name in placement.pull_secrets],
        "nodeSelector": selector,
        "tolerations": [dict(toleration) for toleration in placement.tolerations],
        "priorityClassName": placement.priority_class,
        "topologySpreadConstraints": [_spread(place, placement.spread) for place in PLACES] if placement.spread else [],
    }
    ours = {names.MANAGED_BY: names.MANAGED_BY_VALUE}  # what pods are watched by, whatever a user calls them
    metadata: dict[str, Any] = {"labels": {**ours, **labels, **ours}}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"metadata": metadata, "spec": _without_empty(spec)}


def _spread(place: str, labels: Mapping[str, str]) -> dict[str, Any]:
    return {"maxSkew": 1, "topologyKey": place, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": dict(labels)}}


def _container(container: Container, shared_memory: str) -> dict[str, Any]:
    env = {variable.name: variable for variable in container.env}
    mounts = [Mount(volume=TEMPORARY_VOLUME, path="/tmp")]  # noqa: S108  (an emptyDir of the pod's own)
    if container.users:
        env = {name: Variable(name=name, value=value) for name, value in USER_ENVIRONMENT.items()} | env
        mounts.append(Mount(volume=HOME_VOLUME, path=HOME))
        if shared_memory:
            mounts.append(Mount(volume=SHARED_MEMORY_VOLUME, path="/dev/shm"))  # noqa: S108
    manifest = {
        "name": container.name,
        "image": container.image,
        "command": list(container.command),
        "args": list(container.args),
        "workingDir": container.working_dir,
        "env": [variable.manifest() for variable in env.values()],
        "volumeMounts": [mount.manifest() for mount in [*mounts, *container.mounts]],
        "resources": container.resources.manifest(),
        "terminationMessagePolicy": "FallbackToLogsOnError" if container.keep_log_lines else "File",
        **container.extras,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": not container.users,
        },
    }
    return _without_empty(manifest)


def _without_empty(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What is not said is left out, so that the server's defaults and ours never differ."""
    return {key: value for key, value in manifest.items() if value not in ("", [], {}, None)}
