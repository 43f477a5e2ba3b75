"""The status below the conditions: what is remembered, and what people, `kubectl scale` and autoscalers read."""

from treadle.api import ModelDeploymentMemory, ModelDeploymentStatus
from treadle.api.deployment_status import Revision
from treadle.serving.build import selector
from treadle.serving.gateway import external_url
from treadle.serving.observe import Serving
from treadle.serving.rollout import kept
from treadle.serving.scale import size
from treadle.serving.target import Target


def report(serving: Serving, memory: ModelDeploymentMemory) -> ModelDeploymentStatus:
    """The whole status of a ModelDeployment, conditions apart."""
    stable, target = memory.stable, serving.target
    fleet, wanted = serving.fleet(stable), size(serving)
    waiting = isinstance(target, Target) and stable is not None and target.revision != stable.revision
    remembered = {name: getattr(memory, name) for name in ModelDeploymentMemory.model_fields}
    remembered["previous"] = tuple(kept(memory, serving.spec.rollout.keep_revisions))
    return ModelDeploymentStatus(
        **remembered,
        model=_called(stable) if stable else None,
        candidate=f"{target.model}/{target.version}" if waiting and isinstance(target, Target) and target.version else None,
        replicas=fleet.pods if fleet else 0,
        ready_replicas=fleet.ready if fleet else 0,
        ready=f"{fleet.ready if fleet else 0}/{wanted}",
        selector=",".join(f"{label}={value}" for label, value in sorted(selector(serving, stable.revision).items())) if stable else None,
        url=f"http://{serving.name}.{serving.namespace}.svc" if stable else None,
        external_url=external_url(serving),
    )


def _called(revision: Revision) -> str:
    return f"{revision.model}/{revision.version}" if revision.version else revision.uri
