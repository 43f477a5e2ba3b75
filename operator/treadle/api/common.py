"""The blocks that more than one kind has, worded the same everywhere."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from treadle.api.base import (
    NAME,
    Alias,
    Argument,
    Atomic,
    Cel,
    Key,
    Labels,
    ListMap,
    ListSet,
    Model,
    ModelName,
    ModelVersionNumber,
    Name,
    ObjectName,
    Quantity,
    at_most_one,
    bounded,
    exactly_one,
)

DEFAULT_CONNECTION = "default"


class StoreAccess(Model):
    """With which credentials a part of the object store is read and written."""

    rules: ClassVar[tuple[Cel, ...]] = (Cel("has(self.secret) || has(self.connection)", "set secret, connection or both"),)

    prefix: Annotated[str, bounded(1024, r"^(s3|gs|az|abfss|pvc)://[^\s?#]*$")]
    """URIs that begin with this use this entry; the longest match wins."""
    secret: ObjectName | None = None
    """Secret in this namespace with the store's keys, named AWS_..., GOOGLE_... or AZURE_... as the docs say. Silent: the connection's own."""
    connection: Name | None = None
    """Store connection, as configured by the platform team. Silent: `default`."""


class Access(Model):
    """As whom the pods run, and with which credentials they pull images and reach data."""

    service_account_name: ObjectName | None = None
    """Service account of the pods, for cloud identities; the platform team lists the allowed ones. No token is mounted."""
    image_pull_secrets: Annotated[tuple[ObjectName, ...], Field(max_length=10), ListSet()] = ()
    """Secrets in this namespace for pulling images."""
    stores: Annotated[tuple[StoreAccess, ...], Field(max_length=20), ListMap("prefix")] = ()
    """Credentials by URI prefix. Silent: the store connection `default`."""


class Toleration(Model):
    """A node taint that the pods tolerate."""

    rules: ClassVar[tuple[Cel, ...]] = (
        Cel("!has(self.operator) || self.operator != 'Exists' || !has(self.value)", "remove value: operator Exists matches any value"),
        Cel("has(self.key) || (has(self.operator) && self.operator == 'Exists')", "set key, or operator: Exists to tolerate every taint"),
    )

    key: Annotated[str, bounded(317)] | None = None
    """Key of the taint. Silent, with operator Exists: every taint."""
    operator: Literal["Equal", "Exists"] | None = None
    """How value is compared. Silent: Equal."""
    value: Annotated[str, bounded(63, shortest=0)] | None = None
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint. Silent: every effect."""
    toleration_seconds: Annotated[int, Field(ge=0, le=31_536_000)] | None = None
    """With NoExecute: for how many seconds the pod stays. Silent: for ever."""


Tolerations = Annotated[tuple[Toleration, ...], Field(max_length=20), Atomic()]


class Resources(Model):
    """What a pod asks for. Requests are limits, except that the CPU has no limit unless the platform team configured one."""

    rules: ClassVar[tuple[Cel, ...]] = (
        Cel("!has(self.gpuProduct) || (has(self.gpu) && self.gpu > 0)", "gpuProduct needs gpu: set gpu to 1 or more, or remove gpuProduct"),
        Cel("!has(self.gpuResource) || (has(self.gpu) && self.gpu > 0)", "gpuResource needs gpu: set gpu to 1 or more, or remove gpuResource"),
        Cel(
            "!has(self.gpuProduct) || !has(self.gpuResource) || self.gpuResource.matches('^(nvidia|amd|gpu[.]intel)[.]com/')",
            "gpuProduct is known for nvidia.com, amd.com and gpu.intel.com: for other vendors, set nodeSelector",
        ),
    )

    gpu: Annotated[int, Field(ge=0, le=64)] | None = None
    """Number of GPUs, whole ones. Silent: none."""
    gpu_resource: Annotated[str, bounded(253, r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?/[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$")] | None = None
    """Name of the GPU resource: amd.com/gpu, gpu.intel.com/i915, nvidia.com/mig-1g.10gb. Silent: nvidia.com/gpu."""
    gpu_product: Annotated[str, bounded(63, r"^[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$")] | None = None
    """GPU model, by the node label nvidia.com/gpu.product, amd.com/gpu.product-name or gpu.intel.com/product. Silent: any."""
    cpu: Quantity | None = None
    """CPUs, such as 2 or 500m. Silent: the platform's default."""
    memory: Quantity | None = None
    """Memory, such as 4Gi. Silent: the platform's default."""
    shm: Quantity | None = None
    """Size of /dev/shm, counted against memory; PyTorch data loaders need some. Silent: half of memory."""
    ephemeral_storage: Quantity | None = None
    """Local disk, such as 20Gi. Silent: the platform's default."""


class ConfigMapReference(Model):
    """A key of a ConfigMap in this namespace."""

    config_map: ObjectName
    """Name of the ConfigMap."""
    key: Key
    """Key inside the ConfigMap."""


class ModelReference(Model):
    """A registered model, by its alias or by its version."""

    rules: ClassVar[tuple[Cel, ...]] = (at_most_one("alias", "version"),)

    name: ModelName
    """Short name of the registered model."""
    alias: Alias | None = None
    """Alias that is followed. Silent, without version: `champion`."""
    version: ModelVersionNumber | None = None
    """A fixed version, as a string."""
    connection: Name | None = None
    """MLflow connection. Silent: `default`."""


class EnvironmentVariable(Model):
    """One environment variable: a value, or a key of a Secret or ConfigMap."""

    rules: ClassVar[tuple[Cel, ...]] = (
        exactly_one("value", "secret", "configMap"),
        Cel("has(self.key) == (has(self.secret) || has(self.configMap))", "set key together with secret or configMap, and only then"),
        Cel(
            "!self.name.startsWith('TREADLE_') && self.name != 'MLFLOW_RUN_ID'",
            "choose another name: TREADLE_* and MLFLOW_RUN_ID are set by Treadle",
        ),
    )

    name: Annotated[str, bounded(128, r"^[A-Za-z_][A-Za-z0-9_]*$")]
    """Name of the variable."""
    value: Annotated[str, bounded(4096, shortest=0)] | None = None
    """Its value; $(NAME) refers to other variables."""
    secret: ObjectName | None = None
    """Secret in this namespace that holds the value."""
    config_map: ObjectName | None = None
    """ConfigMap in this namespace that holds the value."""
    key: Key | None = None
    """Key inside the Secret or ConfigMap."""


Environment = Annotated[tuple[EnvironmentVariable, ...], Field(max_length=100), ListMap("name")]


class ClaimReference(Model):
    """A PersistentVolumeClaim in this namespace."""

    claim: ObjectName
    """Name of the PersistentVolumeClaim."""


class Volume(Model):
    """A claim, Secret or ConfigMap mounted into the container."""

    rules: ClassVar[tuple[Cel, ...]] = (exactly_one("claim", "secret", "configMap"),)

    name: Annotated[str, bounded(40, NAME)]
    """Name of the volume."""
    mount_path: Annotated[
        str,
        bounded(512, r"^/[^\s:]*$"),
        Cel("!self.startsWith('/treadle') && self != '/' && self != '/tmp'", "choose another path: /, /tmp and /treadle are used by Treadle"),
    ]
    """Where it is mounted."""
    claim: ObjectName | None = None
    """PersistentVolumeClaim to mount."""
    secret: ObjectName | None = None
    """Secret to mount, one file per key, read-only."""
    config_map: ObjectName | None = None
    """ConfigMap to mount, one file per key, read-only."""
    sub_path: Annotated[str, bounded(512, r"^[^/\s][^\s]*$"), Cel("!self.contains('..')", "remove '..' from subPath")] | None = None
    """Folder inside the volume. Silent: its root."""
    read_only: bool | None = None
    """Mount it read-only. Silent: writable for a claim."""


Volumes = Annotated[tuple[Volume, ...], Field(max_length=20), ListMap("name")]


class ContainerCommand(Model):
    """A container of the user's that takes the place of one of ours; its contract is in the documentation."""

    image: Annotated[str, bounded(512)]
    """Image to run."""
    command: Annotated[tuple[Argument, ...], Field(max_length=64), Atomic()] = ()
    """Command line. Silent: the image's entry point."""


class JobSettings(Model):
    """Where and how the Jobs that Treadle makes for itself run."""

    queue: Name | None = None
    """Kueue LocalQueue. Silent: not queued."""
    priority_class_name: ObjectName | None = None
    """Priority class of the pods. Silent: the cluster's default."""
    resources: Resources = Resources()
    """What each pod asks for. Silent: the platform's defaults for our Jobs."""
    node_selector: Labels = {}
    """Labels that a node must have."""
    tolerations: Tolerations = ()
    """Taints that the pods tolerate."""


__all__ = [
    "DEFAULT_CONNECTION",
    "Access",
    "ClaimReference",
    "ConfigMapReference",
    "ContainerCommand",
    "Environment",
    "EnvironmentVariable",
    "JobSettings",
    "ModelReference",
    "Resources",
    "StoreAccess",
    "Toleration",
    "Tolerations",
    "Volume",
    "Volumes",
]
