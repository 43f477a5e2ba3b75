"""Deployments: the stable revision at full size, the one that comes beside it, former ones without pods, all others gone; and the Service."""

from treadle.api.deployment_status import Revision
from treadle.connections.installation import Refusal
from treadle.plan import Action, Apply, Delete, Plan, Ref, do
from treadle.serving.build import build_deployment, build_service
from treadle.serving.observe import Serving
from treadle.serving.rollout import kept
from treadle.serving.scale import handed_over, size
from treadle.serving.steps import canary_size
from treadle.serving.store import Access, access_for
from treadle.serving.target import Target, target_from


def deploy(serving: Serving) -> Plan:
    """The revisions that have pods. What cannot be built (a store that was taken away) is left as it is."""
    stable, canary = serving.memory.stable, serving.memory.canary
    return Plan.all(*(_applied(serving, revision, _replicas(serving, revision)) for revision in (stable, canary) if revision))


def expose(serving: Serving) -> Plan:
    """The Service turns to the stable revision once status remembers it as that."""
    stable = serving.memory.stable
    return do(Apply(build_service(serving, serving.name, stable.revision))) if stable else Plan()


def retire(serving: Serving) -> Plan:
    """After the Service has turned: former revisions lose their pods, and those beyond `keepRevisions` go."""
    memory = serving.memory
    if memory.stable is None:
        return Plan()
    waiting = {revision.revision: revision for revision in kept(memory, serving.spec.rollout.keep_revisions)}
    live = {revision.revision for revision in (memory.stable, memory.canary) if revision}
    plans = [_applied(serving, revision, 0) for name, revision in waiting.items() if name in serving.fleets and name not in live]
    gone: list[Action] = [
        Delete(Ref("Deployment", serving.namespace, fleet.name), fleet.uid)
        for name, fleet in serving.fleets.items()
        if name not in live and name not in waiting
    ]
    return Plan.all(*plans, do(*gone))


def access_of(serving: Serving, revision: Revision) -> Access | Refusal:
    """With what the pods of a revision fetch their model."""
    return access_for(_target(serving, revision), serving.namespace, serving.installation)


def _applied(serving: Serving, revision: Revision, replicas: int | None) -> Plan:
    access = access_of(serving, revision)
    if isinstance(access, Refusal):
        return Plan()
    return do(Apply(build_deployment(serving, _target(serving, revision), revision.revision, access, replicas=replicas)))


def _target(serving: Serving, revision: Revision) -> Target:
    """What the revision was made for: written on its Deployment, which outlives changes of spec."""
    fleet = serving.fleet(revision)
    if fleet and fleet.target:
        return fleet.target
    if isinstance(serving.target, Target) and serving.target.revision == revision.revision:
        return serving.target
    return target_from(revision, serving.spec)


def _replicas(serving: Serving, revision: Revision) -> int | None:
    fleet = serving.fleet(revision)
    if serving.memory.stable == revision and handed_over(serving, fleet):
        return None
    canary = serving.memory.canary
    return canary_size(serving, canary) if canary is not None and canary == revision else size(serving)
