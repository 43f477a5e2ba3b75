"""What users write about a ModelDeployment: which model serves, with what, and how a new version proves itself."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from treadle.api.base import (
    Alias,
    Atomic,
    Cel,
    Command,
    DecimalString,
    Duration,
    Image,
    Labels,
    ListMap,
    ListSet,
    Model,
    ModelName,
    ModelVersionNumber,
    Name,
    ObjectName,
    OwnName,
    Quantity,
    Uri,
    at_most_one,
    bounded,
    exactly_one,
    needs,
)
from treadle.api.common import Access, ClaimReference, ContainerCommand, Environment, Resources, Tolerations
from treadle.api.rollout import Rollout

DEFAULT_ALIAS = "candidate"
DEFAULT_PROMOTION = "champion"


class ModelSource(Model):
    """Which model is served."""

    rules: ClassVar[tuple[Cel, ...]] = (
        exactly_one("name", "run", "uri"),
        at_most_one("alias", "version"),
        needs("alias", "name"),
        needs("version", "name"),
        Cel(
            "!has(self.promoteTo) || (has(self.name) && !has(self.version))",
            "promoteTo needs an alias that is followed: set name without version, or remove promoteTo",
        ),
        Cel("!has(self.promoteTo) || !has(self.alias) || self.alias != self.promoteTo", "set promoteTo to another alias than alias"),
    )

    name: ModelName | None = None
    """Short name of a registered model."""
    alias: Alias | None = None
    """Alias that is followed: each version it moves to is rolled out. Silent, without version: `candidate`."""
    version: ModelVersionNumber | None = None
    """A fixed version, as a string."""
    promote_to: Alias | None = None
    """Alias that is moved to a version once it has proven itself. Silent, with an alias followed: `champion`."""
    run: OwnName | None = None
    """TrainingRun in this namespace whose model is served: the version that it registered, or what it left in spec.output when nothing tracks it."""
    uri: Uri | None = None
    """Folder of a model, when it is in no registry."""
    connection: Name | None = None
    """MLflow connection. Silent: `default`."""
    cache: ClaimReference | None = None
    """Claim in which downloaded models are kept. Silent: each pod downloads its own."""

    @property
    def followed_alias(self) -> str | None:
        """The alias that is followed, if one is."""
        return (self.alias or DEFAULT_ALIAS) if self.name and not self.version else None

    @property
    def promotion_alias(self) -> str | None:
        """The alias that a proven version gets, if an alias is followed."""
        if not (followed := self.followed_alias):
            return None
        return self.promote_to or (DEFAULT_PROMOTION if followed != DEFAULT_PROMOTION else None)


class Runtime(Model):
    """What runs in the serving pods."""

    rules: ClassVar[tuple[Cel, ...]] = (
        Cel("self.type != 'Custom' || has(self.image)", "set image: type Custom serves with yours"),
        Cel(
            "self.type == 'Custom' || (!has(self.command) && !has(self.port) && !has(self.readinessPath) && !has(self.proxy))",
            "remove command, port, readinessPath and proxy, or set type: Custom",
        ),
        Cel(
            "!has(self.proxy) || !self.proxy || !has(self.port) || self.port != 8081",
            "set another port than 8081, which is that of the proxy's control channel",
        ),
        Cel("self.type != 'Custom' || (!self.allowPickle && !self.onnx)", "remove allowPickle and onnx: they are of type Treadle"),
    )

    type: Literal["Treadle", "Custom"] = "Treadle"
    """Treadle serves MLflow models by the Open Inference Protocol; Custom runs your image."""
    image: Image | None = None
    """Image that serves. Silent: ours."""
    command: Command | None = None
    """Command line of a custom image. Silent: its entry point."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Port of a custom image. Silent: 8080."""
    readiness_path: Annotated[str, bounded(253, r"^/[^\s]*$")] | None = None
    """HTTP path that answers 200 once a custom image is ready. Silent: /v2/health/ready."""
    proxy: bool | None = None
    """Put our image before a custom one: it owns the port of the Service, divides the traffic and counts answers. Silent: no."""
    env: Environment = ()
    """Environment variables."""
    allow_pickle: bool = False
    """Load models that can run code when they are loaded. Only for models you trust as you trust an image."""
    onnx: bool = False
    """Convert to ONNX before serving, where the model allows it."""


class AutoscalingMetric(Model):
    """A figure per pod, from the cluster's custom metrics, to scale by."""

    name: Annotated[str, bounded(128, r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")]
    """Name of the metric."""
    average: Quantity
    """Pods are added while the average over the pods is above this."""


class Autoscaling(Model):
    """Let the number of replicas follow the load."""

    rules: ClassVar[tuple[Cel, ...]] = (Cel("!has(self.min) || self.max >= self.min", "raise max to min or more"),)

    min: Annotated[int, Field(ge=1, le=1000)] | None = None
    """At least so many replicas. Silent: 1."""
    max: Annotated[int, Field(ge=1, le=1000)]
    """At most so many replicas."""
    cpu_percent: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Wanted CPU use, in percent of the request. Silent, without metrics: 70."""
    metrics: Annotated[tuple[AutoscalingMetric, ...], Field(max_length=10), ListMap("name")] = ()
    """Custom metrics to scale by."""


class Drift(Model):
    """Watch for inputs that are unlike what the model was trained on."""

    reference: Literal["Training", "FirstWindow"] = "Training"
    """What is compared with: the training data's sketch, or the first window that each pod sees, which also stands in where no sketch exists."""
    minimum_effect: DecimalString | None = None
    """Smallest shift that counts (population stability index), beside statistical significance. Silent: 0.05."""
    window: Duration | None = None
    """Span of traffic that is judged at a time. Silent: 1h."""


class Monitoring(Model):
    """What is watched, beside the metrics that always are."""

    drift: Drift | None = None
    """Watch for drift. Silent: not watched."""
    alerts: bool = True
    """Make alert rules, where the cluster has the Prometheus operator."""


class FeedbackSelection(Model):
    """Which requests are kept."""

    rules: ClassVar[tuple[Cel, ...]] = (
        Cel("(self.when == 'Uncertain') == has(self.below)", "set below for Uncertain, and only then"),
        Cel("(self.when == 'Random') == has(self.percent)", "set percent for Random, and only then"),
    )

    when: Literal["Uncertain", "Drifted", "Disputed", "Random"]
    """Uncertain: low confidence. Drifted: unlike the training data. Disputed: stable and canary differ. Random: a share of all."""
    below: DecimalString | None = None
    """Uncertain is a confidence below this."""
    percent: Annotated[int, Field(ge=1, le=100)] | None = None
    """Share of all requests."""


class Feedback(Model):
    """Keep telling requests, so that they can be labelled."""

    destination: Uri
    """Folder they are written to; an AnnotationProject reads it as a source of kind Feedback."""
    select: Annotated[tuple[FeedbackSelection, ...], Field(min_length=1, max_length=10), Atomic()]
    """Which requests are kept; the first that fits names the reason."""
    max_per_day: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """At most so many a day. Silent: 500."""
    redact: ContainerCommand | None = None
    """A program that removes what must not be kept, run on each item before it is written."""


class Explain(Model):
    """Explanations of single predictions."""

    enabled: bool = False
    """Offer them, at /v2/models/NAME/explain."""


class Exposure(Model):
    """Make the endpoint reachable from outside the cluster, by the Gateway API."""

    gateway: ObjectName
    """Gateway in this namespace."""
    hostnames: Annotated[tuple[Annotated[str, bounded(253, r"^(\*\.)?[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")], ...], Field(max_length=16), ListSet()] = ()
    """Host names. Silent: all of the Gateway."""
    path: Annotated[str, bounded(253, r"^/[^\s]*$")] | None = None
    """Path prefix. Silent: /."""


class ModelDeploymentSpec(Model):
    """Which model serves, with what, and how a new version proves itself."""

    rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "!has(self.rollout) || self.rollout.traffic != 'Gateway' || has(self.expose)",
            "rollout.traffic Gateway needs expose: set expose.gateway, or rollout.traffic: Runtime",
        ),
        Cel(
            "!has(self.explain) || !self.explain.enabled || !self.sensitive",
            "sensitive deployments explain nothing: remove explain.enabled or sensitive",
        ),
    )

    model: ModelSource
    """Which model is served."""
    runtime: Runtime = Runtime()
    """What runs in the serving pods. Silent: our runtime."""
    resources: Resources = Resources()
    """What each pod asks for. Silent: the platform's defaults."""
    replicas: Annotated[int, Field(ge=0, le=1000)] = 1
    """Number of pods at full size. With autoscaling it is where that starts."""
    autoscaling: Autoscaling | None = None
    """Let the number of replicas follow the load. Silent: fixed."""
    rollout: Rollout = Rollout()
    """How a new version takes over. Silent: a canary, judged on live traffic."""
    monitoring: Monitoring = Monitoring()
    """What is watched. Silent: no drift; alerts where the cluster has the Prometheus operator."""
    feedback: Feedback | None = None
    """Keep telling requests, so that they can be labelled. Silent: none are kept."""
    explain: Explain | None = None
    """Explanations of single predictions. Silent: none."""
    expose: Exposure | None = None
    """Make the endpoint reachable from outside the cluster. Silent: inside only."""
    node_selector: Labels = {}
    """Labels that a node must have."""
    tolerations: Tolerations = ()
    """Taints that the pods tolerate."""
    priority_class_name: ObjectName | None = None
    """Priority class of the pods. Silent: the cluster's default."""
    access: Access = Access()
    """As whom the pods run, and with which credentials they reach data."""
    sensitive: bool = False
    """No request content in logs, no samples, no explanations."""
    suspend: bool = False
    """Start no rollout and promote nothing until this is false again; what serves goes on serving."""


__all__ = [
    "DEFAULT_ALIAS",
    "DEFAULT_PROMOTION",
    "Autoscaling",
    "AutoscalingMetric",
    "Drift",
    "Explain",
    "Exposure",
    "Feedback",
    "FeedbackSelection",
    "ModelDeploymentSpec",
    "ModelSource",
    "Monitoring",
    "Runtime",
]
