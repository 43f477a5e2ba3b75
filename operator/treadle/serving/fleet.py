"""The pods of one revision: how many are wanted, how many are ready, and what keeps the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from treadle.api import names
from treadle.api.reasons import Reason
from treadle.contracts import Failure
from treadle.contracts.fetch_model import FetchModelResult
from treadle.plan import Object
from treadle.serving.target import Target, target_in
from treadle.workloads.pods import FETCH_MODEL
from treadle.workloads.starting import obstacle

APPLIED_REPLICAS = f"{names.GROUP}/applied-replicas"
"""Annotation of a Deployment: the number of replicas that we last applied, or `AUTOSCALER`."""
AUTOSCALER = "autoscaler"
LOG_LINES_LIMIT = 600


@dataclass(frozen=True)
class Obstacle:
    """What keeps pods from being ready, in words. `stalled`: a human must act; `since`: when it was first seen to wait for a node, if it does."""

    reason: Reason
    message: str
    stalled: bool = False
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """A Deployment of ours and its pods.

    Attributes:
        made_at: when the Deployment was made.
        target: what it was made for; None when its annotation is unreadable.
        replicas: as the live Deployment wants them; an autoscaler may have set them.
        applied: what we last said of replicas, see `APPLIED_REPLICAS`.
        pods: that exist now.
        ready: pods that answer.
        fresh: those of them that are made from the current template.
        obstacle: of the first pod that is kept, if one is.
        unasked: why a ready pod serves without having been asked the smoke example; empty where all of them were, or there is none.
    """

    revision: str
    name: str
    uid: str
    made_at: datetime | None
    target: Target | None
    replicas: int
    applied: str
    pods: int
    ready: int
    fresh: int
    obstacle: Obstacle | None
    unasked: str = ""

    def full(self, size: int) -> bool:
        """Whether so many pods of the current template answer, at least one."""
        return self.fresh >= max(size, 1)


def read_fleet(deployment: Object, pods: Sequence[Object]) -> Fleet:
    """A Deployment as it is known, and those of the pods that are its own."""
    metadata, spec, status = deployment["metadata"], deployment.get("spec") or {}, deployment.get("status") or {}
    revision = str((metadata.get("labels") or {}).get(names.REVISION) or "")
    current = int(status.get("observedGeneration") or 0) >= int(metadata.get("generation") or 0)
    ready = int(status.get("readyReplicas") or 0)
    own = [pod for pod in pods if (pod["metadata"].get("labels") or {}).get(names.REVISION) == revision]
    return Fleet(
        revision=revision,
        name=metadata["name"],
        uid=metadata["uid"],
        made_at=datetime.fromisoformat(made) if (made := metadata.get("creationTimestamp")) else None,
        target=target_in(deployment),
        replicas=int(spec.get("replicas", 1)),
        applied=str((metadata.get("annotations") or {}).get(APPLIED_REPLICAS) or ""),
        pods=int(status.get("replicas") or 0),
        ready=ready,
        fresh=min(ready, int(status.get("updatedReplicas") or 0)) if current else 0,
        obstacle=next((found for pod in own if (found := _obstacle(pod))), None) or _rejected(status),
        unasked=next(filter(None, map(_unasked, own)), ""),
    )


def _obstacle(pod: Object) -> Obstacle | None:
    if pod["metadata"].get("deletionTimestamp"):
        return None
    if (kept := obstacle(pod)) is not None:
        return Obstacle(kept.reason, kept.message, stalled=kept.stalled, since=_unscheduled(pod))
    status = pod.get("status") or {}
    for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        ended = _ended(container)
        if ended and ended.get("exitCode") and not container.get("ready"):
            return _failed(pod, container["name"], ended)
    return None


def _unasked(pod: Object) -> str:
    """What the init container said of the smoke example, if it could not bring it."""
    containers = (pod.get("status") or {}).get("initContainerStatuses") or ()
    ended = next((_ended(container) or {} for container in containers if container.get("name") == FETCH_MODEL), {})
    try:
        return FetchModelResult.from_message(str(ended.get("message") or "")).smoke
    except ValueError:
        return ""


def _unscheduled(pod: Object) -> datetime | None:
    """Since when no node has room for the pod."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    waits = (c.get("lastTransitionTime") for c in conditions if c.get("type") == "PodScheduled" and c.get("status") == "False")
    return datetime.fromisoformat(since) if (since := next(waits, None)) else None


def _ended(container: Any) -> Any:
    """How the container ended last, if it does not run now."""
    state = container.get("state") or {}
    return None if state.get("running") else state.get("terminated") or (container.get("lastState") or {}).get("terminated")


def _failed(pod: Object, container: str, ended: Any) -> Obstacle:
    said = str(ended.get("message") or "").strip()
    where = f"container {container} of pod {pod['metadata']['name']}"
    if ended.get("reason") == "OOMKilled":
        return Obstacle(Reason.OutOfMemory, f"{where} used more memory than its limit", stalled=True)
    try:
        failure = Failure.from_message(said)
    except ValueError:
        words = f": {said[-LOG_LINES_LIMIT:]}" if said else ""
        return Obstacle(Reason.ModelLoadFailed, f"{where} ended with exit code {ended['exitCode']}{words}", stalled=True)
    return Obstacle(failure.known_reason, f"{where}: {failure.message}", stalled=True)


def _rejected(status: Any) -> Obstacle | None:
    """Pods that the API server refuses to make never exist; the Deployment tells of them."""
    refused = next((c for c in status.get("conditions") or () if c.get("type") == "ReplicaFailure" and c.get("status") == "True"), None)
    return Obstacle(Reason.PodsRejected, str(refused.get("message") or "pods are refused"), stalled=True) if refused else None
