"""What is read of pods: which of a Job's pods count, since when each works, where, and which one ended the Job."""

import re
from collections.abc import Sequence
from datetime import datetime
from math import inf

from treadle.plan import Object
from treadle.workloads.evidence import DISRUPTION, SIGTERM

MAIN = "main"
"""Name of the container that does a user's work."""
OURS = "treadle"
"""Name of the container that does our own work."""
FETCH_DATASET = "fetch-dataset"
FETCH_ITEMS = "fetch-items"
FETCH_MODEL = "fetch-model"
"""A further model is fetched by `fetch-model-<version>`. The containers of users are never named like ours."""
RANK = "batch.kubernetes.io/job-completion-index"
"""Annotation and label of the pods of an Indexed Job: the pod's rank."""

_NAMED = re.compile(r"\b[Pp]od [^\s/]+/(?P<name>\S+)")


def latest(owned: Sequence[Object]) -> list[Object]:
    """The latest pod of each rank, rank 0 first; a plain Job has one rank."""
    by_rank: dict[int, Object] = {}
    for pod in sorted(owned, key=_created):
        by_rank[_rank(pod)] = pod
    return [by_rank[rank] for rank in sorted(by_rank)]


def culprit_last(owned: Sequence[Object], message: str) -> list[Object]:
    """The pods with the one that ended the Job at the end.

    When a node goes, the programs on all others fail too: a disrupted pod is the most guilty one, then one that was killed for memory, then the one
    that failed first, by itself rather than because it was asked to, and at last the one that the Job's condition names in its `message`.
    """

    def guilt(pod: Object) -> tuple[bool, bool, float, bool, bool, str]:
        failure = _failure(pod)
        ended = time(failure.get("finishedAt"))
        first = -ended.timestamp() if ended else -inf
        return _disrupted(pod), _out_of_memory(pod), first, failure.get("exitCode") != SIGTERM, is_named(pod, message), _created(pod)

    return sorted(owned, key=guilt)


def is_named(pod: Object, message: str) -> bool:
    """Whether the message of a Job's condition speaks of this pod."""
    found = _NAMED.search(message)
    return found is not None and pod["metadata"]["name"] == found["name"]


def began(pod: Object | None) -> datetime | None:
    """When the container that does the work began; None if it has not."""
    for container in _containers(pod):
        state = container.get("state") or {}
        if container["name"] in (MAIN, OURS) and (begun := state.get("running") or state.get("terminated")):
            return time(begun.get("startedAt"))
    return None


def over_since(current: Sequence[Object]) -> datetime | None:
    """When the last of these pods ended; None while one of them has not, or when there are none."""
    ends = [_ended(pod) for pod in current]
    return max((end for end in ends if end), default=None) if all(ends) else None


def is_over(pod: Object) -> bool:
    """Whether all its containers ended for good."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _ended(pod: Object) -> datetime | None:
    states = [container.get("state") or {} for container in _containers(pod)] if is_over(pod) else []
    return max((end for state in states if (end := time((state.get("terminated") or {}).get("finishedAt")))), default=None)


def gone_by(current: Sequence[Object]) -> datetime | None:
    """When the first pod that somebody asked to go should have been gone."""
    return min((at for pod in current if (at := time(pod["metadata"].get("deletionTimestamp")))), default=None)


def held_since(owned: Sequence[Object]) -> datetime | None:
    """Since when the first pod has a node, and holds its devices there."""
    conditions = [c for pod in owned for c in (pod.get("status") or {}).get("conditions") or ()]
    scheduled = [c for c in conditions if c.get("type") == "PodScheduled" and c.get("status") == "True"]
    return min((at for c in scheduled if (at := time(c.get("lastTransitionTime")))), default=None)


def last_words(owned: Sequence[Object]) -> str | None:
    """What the container that does the work left in its termination message, by the pod of rank 0; None when no pod can be read any more."""
    current = latest(owned)
    if not current:
        return None
    ended = [(c.get("state") or {}).get("terminated") or {} for c in _containers(current[0]) if c["name"] == MAIN]
    return next((str(e.get("message") or "") for e in ended), "")


def image_id(pod: Object | None) -> str:
    """Image and digest of the container that does the work, as the node says; empty if unknown."""
    return next((str(c.get("imageID") or "") for c in _containers(pod) if c["name"] in (MAIN, OURS)), "")


def node(pod: Object | None) -> str:
    """Where it runs; empty if nowhere yet."""
    return str(((pod or {}).get("spec") or {}).get("nodeName") or "")


def time(text: object) -> datetime | None:
    """A time as the API server writes it; None for none, and for the epoch, which container runtimes say of what never began."""
    at = datetime.fromisoformat(text) if isinstance(text, str) and text else None
    return at if at is None or at.timestamp() > 0 else None


def _rank(pod: Object) -> int:
    rank = str((pod["metadata"].get("annotations") or {}).get(RANK, ""))
    return int(rank) if rank.isdigit() else 0


def _created(pod: Object) -> str:
    return str(pod["metadata"].get("creationTimestamp") or "")


def _containers(pod: Object | None) -> Sequence[Object]:
    return ((pod or {}).get("status") or {}).get("containerStatuses") or ()


def _failure(pod: Object) -> Object:
    """How its container ended that failed; empty if none did."""
    over = [(container.get("state") or {}).get("terminated") or {} for container in _containers(pod)]
    return next((ended for ended in over if ended.get("exitCode")), {})


def _disrupted(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == DISRUPTION and c.get("status") == "True" for c in conditions)


def _out_of_memory(pod: Object) -> bool:
    return any(((c.get("state") or {}).get("terminated") or {}).get("reason") == "OOMKilled" for c in _containers(pod))
