"""Reads what is known of a ModelDeployment into nouns. Dictionaries end here."""

from collections.abc import Mapping
from dataclasses import dataclass

from treadle.api import ModelDeploymentMemory, ModelDeploymentSpec, names, read_status
from treadle.api.deployment_status import Revision
from treadle.api.reasons import Reason
from treadle.api.status import was_met
from treadle.connections.installation import Granted, Installation, MlflowSettings, Owner, Refusal
from treadle.connections.registry import ModelVersion
from treadle.plan import Object, Ref, Unavailable, World, read_spec
from treadle.serving.drift.windows import Windows, read_windows
from treadle.serving.fleet import Fleet, read_fleet
from treadle.serving.refuse import refused
from treadle.serving.reports import Reports, read_canary_reports, read_reports
from treadle.serving.resolve import Resolver, registry_of
from treadle.serving.target import Target, Unresolved
from treadle.workloads.add_ons import KindMissing

CANARY = "canary"
"""Follows the deployment's name in that of the canary's Service."""


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A ModelDeployment as it is known now.

    Attributes:
        this: the object itself, the owner of all that is made.
        owner: its tag in outside systems.
        memory: what status remembers; its stable version is read back from the Deployments when status was lost.
        target: the version that spec asks for.
        champion: what the promoted alias points at; None when it points at nothing, or when nothing is promoted.
        promotes: full name of the model whose alias is moved, empty when none is.
        evidence: the stable version as the registry has it, while it is to be seen whether it may be promoted.
        fleets: the Deployments of ours, by revision.
        reports: what the stable pods say of the traffic, while a version is proving itself.
        canary_reports: what the canary's own pods say, where a Gateway divides the traffic: then nobody else sees what they answer.
        windows: what the stable pods counted for drift, while it is watched.
        given_up: the version that was refused last, as the registry has it, until it says so too.
        budget, autoscaler, canary_service: UIDs of our PodDisruptionBudget, HorizontalPodAutoscaler and the canary's Service, empty where none is.
        routes: whether the cluster knows HTTPRoutes; None where none is wanted.
        route: our HTTPRoute, if there is one.
        monitors: whether the cluster knows the Prometheus operator's kinds; None where the platform team has not switched them on.
        monitoring_objects: UIDs of our objects of these kinds.
        promote, abort, pin: values of the command annotations, empty when absent.
        met: we have written a status for it before; commands found on an object that we never met are not executed.
    """

    this: Object
    owner: Owner
    spec: ModelDeploymentSpec
    installation: Installation
    deleting: bool
    met: bool
    memory: ModelDeploymentMemory
    target: Target | Unresolved
    registry: Granted[MlflowSettings] | Refusal | None
    promotes: str
    champion: ModelVersion | Unavailable | None
    evidence: ModelVersion | Unavailable | None
    fleets: Mapping[str, Fleet]
    reports: Reports
    canary_reports: Reports
    windows: Windows
    given_up: ModelVersion | Unavailable | None
    budget: str
    autoscaler: str
    canary_service: str
    routes: bool | None
    route: Object | None
    monitors: bool | None
    monitoring_objects: Mapping[str, str]
    promote: str
    abort: str
    pin: str

    @property
    def name(self) -> str:
        """Of the object, the Service and the endpoint's model."""
        return self.owner.name

    @property
    def namespace(self) -> str:
        """Of the object and all its children."""
        return self.owner.namespace

    def fleet(self, revision: Revision | None) -> Fleet | None:
        """The pods of a revision."""
        return self.fleets.get(revision.revision) if revision else None


def counts(spec: ModelDeploymentSpec) -> bool:
    """Whether a process of ours stands where requests come in: it divides and counts them."""
    return spec.runtime.type == "Treadle" or bool(spec.runtime.proxy)


def by_gateway(spec: ModelDeploymentSpec) -> bool:
    """Whether a Gateway divides the traffic, and not the stable pods."""
    return spec.rollout.traffic == "Gateway" and spec.expose is not None


def observe(this: Object, world: World, *, installation: Installation) -> Serving:
    """Read the object, its children, and what the registry says.

    Raises:
        Unanswered: while the registry was never asked.
    """
    metadata = this["metadata"]
    spec = read_spec(this, ModelDeploymentSpec)
    owner = installation.owner_of(this)
    annotations: Mapping[str, str] = metadata.get("annotations") or {}
    pods = world.labelled("Pod", owner.namespace, names.DEPLOYMENT, owner.name)
    fleets = {fleet.revision: fleet for child in world.owned(owner.uid, "Deployment") if (fleet := read_fleet(child, pods)).revision}
    memory = _with_stable(read_status(this, ModelDeploymentMemory), this, fleets, world)
    deleting = "deletionTimestamp" in metadata
    may_ask = bool(installation.control.public_key) and counts(spec) and not deleting
    pin = annotations.get(names.PIN, "")
    resolver = Resolver(spec, owner.namespace, registry_of(spec, owner.namespace, installation), world)
    target = Unresolved(Reason.Deleting, "it is being deleted") if deleting else refused(spec, installation, owner.namespace) or resolver.target(pin)
    champion = None if deleting else resolver.champion()
    return Serving(
        this=this,
        owner=owner,
        spec=spec,
        installation=installation,
        deleting=deleting,
        met=was_met(this),
        memory=memory,
        target=target,
        registry=resolver.granted,
        promotes=resolver.promoted_model(),
        champion=champion,
        evidence=None if deleting or champion is not None else resolver.evidence(memory.stable),
        fleets=fleets,
        reports=read_reports(memory, pods, owner.namespace, owner.name, world) if may_ask else Reports(),
        canary_reports=read_canary_reports(memory, pods, owner.namespace, owner.name, world) if may_ask and by_gateway(spec) else Reports(),
        windows=read_windows(memory, spec, pods, owner.namespace, owner.name, world) if may_ask and spec.runtime.type == "Treadle" else Windows(),
        given_up=None if deleting else resolver.given_up(memory),
        budget=_uid(world, this, "PodDisruptionBudget"),
        autoscaler=_uid(world, this, "HorizontalPodAutoscaler"),
        canary_service=_uid(world, this, "Service", names.derived_name(owner.name, CANARY)),
        routes=world.ask(KindMissing(kind="HTTPRoute")) is False if spec.expose else None,
        route=next(iter(world.owned(metadata["uid"], "HTTPRoute")), None),
        monitors=world.ask(KindMissing(kind="PodMonitor")) is False if installation.monitoring else None,
        monitoring_objects={kind: uid for kind in ("PodMonitor", "PrometheusRule") if installation.monitoring and (uid := _uid(world, this, kind))},
        promote=annotations.get(names.PROMOTE, ""),
        abort=annotations.get(names.ABORT, ""),
        pin=pin,
    )


def _with_stable(memory: ModelDeploymentMemory, this: Object, fleets: Mapping[str, Fleet], world: World) -> ModelDeploymentMemory:
    """After a restore without status: what the Service selects is what serves, else the only Deployment there is.

    One that answers through the Service has served before: it is not given up for one that has not.
    """
    if memory.stable is not None or not fleets:
        return memory
    service = world.get(Ref("Service", this["metadata"]["namespace"], this["metadata"]["name"])) or {}
    selected = ((service.get("spec") or {}).get("selector") or {}).get(names.REVISION)
    fleet = fleets.get(str(selected)) or (next(iter(fleets.values())) if len(fleets) == 1 else None)
    if fleet is None or fleet.target is None:
        return memory
    serves = fleet.ready and fleet.revision == selected
    stable = remembered(fleet.target, fleet.revision).model_copy(update={"since": fleet.made_at if serves else None})
    return memory.model_copy(update={"stable": stable})


def remembered(target: Target, revision: str = "") -> Revision:
    """A target as status remembers it."""
    return Revision(
        model=target.model or None, version=target.version or None, revision=revision or target.revision, uri=target.uri, run=target.run or None
    )


def _uid(world: World, this: Object, kind: str, name: str = "") -> str:
    """Of the child of this kind, and of this name if one is given."""
    children = (child["metadata"] for child in world.owned(this["metadata"]["uid"], kind))
    return next((str(child["uid"]) for child in children if not name or child["name"] == name), "")
