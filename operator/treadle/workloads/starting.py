"""Why a pod does not run yet, in the order in which a pod meets its obstacles: a node, its volumes, its image, its configuration."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from treadle.api.reasons import Reason
from treadle.plan import Object
from treadle.workloads.states import FailureClass, IdlePod


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """What keeps a pod from running.

    Attributes:
        stalled: a human must act.
        queued: it waits for room.
        patience: after so long it is given up, since it holds its devices meanwhile; None: never.
        fault: whose fault it is then.
    """

    reason: Reason
    message: str
    stalled: bool = False
    queued: bool = False
    patience: timedelta | None = None
    fault: FailureClass = FailureClass.APPLICATION


_WAITING: Mapping[str, Reason] = {
    "ErrImagePull": Reason.ImagePullFailed,
    "ImagePullBackOff": Reason.ImagePullFailed,
    "RegistryUnavailable": Reason.ImagePullFailed,
    "SignatureValidationFailed": Reason.ImagePullFailed,
    "InvalidImageName": Reason.InvalidImage,
    "ErrImageNeverPull": Reason.InvalidImage,
    "ImageInspectError": Reason.InvalidImage,
    "CreateContainerConfigError": Reason.PodConfigurationInvalid,
    "CreateContainerError": Reason.PodConfigurationInvalid,
    "RunContainerError": Reason.PodConfigurationInvalid,
}
CERTAIN = timedelta(minutes=1)
"""An answer that will not change by itself is given up after this: who makes the Secret or pushes the image a moment later is in time."""
UNCERTAIN = timedelta(minutes=10)
"""What may mend itself, such as a registry that does not answer, is given up after this."""
_NO_SUCH_IMAGE = re.compile(r"not found|manifest unknown|denied|unauthorized|forbidden|authorization failed|no such host|no match for platform", re.I)
_BACKING_OFF = re.compile(r'^Back-off pulling image "[^"]*": \w+: ')
"""The kubelet says the same failure with and without this, in turns; a status is not to be written each time."""
_NOT_THERE = re.compile(r'(secret|configmap) "[^"]+" not found|references non-existent (secret|config) key')
_SECRET = re.compile(r'secret "[^"]+" not found')


def obstacle(pod: Object) -> Obstacle | None:
    """What keeps the pod from running, or None when it is simply on its way."""
    name = pod["metadata"]["name"]
    status = pod.get("status") or {}
    if unschedulable := _condition(status, "PodScheduled", "False"):
        if unschedulable.get("reason") == "SchedulingGated":
            return Obstacle(reason=Reason.AwaitingAdmission, message=f"pod {name} waits for admission", queued=True)
        return Obstacle(reason=Reason.Unschedulable, message=f"pod {name}: {unschedulable.get('message') or 'no node has room'}", queued=True)
    for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        waiting = (container.get("state") or {}).get("waiting") or {}
        why = str(waiting.get("reason") or "")
        if reason := _WAITING.get(why):
            reason = Reason.SecretMissing if _names_a_missing_secret(why, waiting) else reason
            words = _BACKING_OFF.sub("", str(waiting.get("message") or why))
            patience, fault = _patience(why, words)
            told = f"container {container['name']} of pod {name}: {words}"
            return Obstacle(reason=reason, message=told, stalled=True, patience=patience, fault=fault)
    return None


def idle(pod: Object) -> IdlePod | None:
    """The pod, when it has a node and none of its containers was even tried: its node says in events, and only there, what its volumes lack."""
    status = pod.get("status") or {}
    tried = [c.get("state") or {} for c in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))]
    since = begun(pod)
    if since is None or not (pod.get("spec") or {}).get("nodeName") or any("running" in state or "terminated" in state for state in tried):
        return None
    return IdlePod(name=pod["metadata"]["name"], uid=str(pod["metadata"].get("uid", "")), since=since)


def unmounted(pod: IdlePod, words: str) -> Obstacle:
    """What `words`, those of an event about the volumes of a pod, say of it. What is missing for certain is given up like a missing variable."""
    told = f"volumes of pod {pod.name}: {words}"
    if not _NOT_THERE.search(words):
        return Obstacle(reason=Reason.VolumePending, message=told, queued=True)
    reason = Reason.SecretMissing if _SECRET.search(words) else Reason.PodConfigurationInvalid
    return Obstacle(reason=reason, message=told, stalled=True, patience=CERTAIN)


def begun(pod: Object) -> datetime | None:
    """Since when its node tries to start what does not start: it got the pod, and what comes before has ended."""
    status = pod.get("status") or {}
    prepared = [(container.get("state") or {}).get("terminated") or {} for container in status.get("initContainerStatuses") or ()]
    moments = [(_condition(status, "PodScheduled", "True") or {}).get("lastTransitionTime"), *(ended.get("finishedAt") for ended in prepared)]
    known = [str(moment) for moment in (*moments, pod["metadata"].get("creationTimestamp")) if moment]
    return max((datetime.fromisoformat(moment) for moment in known), default=None)


def preparing(pod: Object) -> str:
    """The init container that runs, empty if none does."""
    statuses = (pod.get("status") or {}).get("initContainerStatuses") or ()
    return next((str(container["name"]) for container in statuses if (container.get("state") or {}).get("running")), "")


def _patience(why: str, words: str) -> tuple[timedelta, FailureClass]:
    """How long it may last, and whose fault it is. A name that cannot be parsed will never run; a registry that does not answer is not the user's."""
    match why:
        case "InvalidImageName":
            return timedelta(), FailureClass.APPLICATION
        case "ErrImageNeverPull" | "CreateContainerConfigError":
            return CERTAIN, FailureClass.APPLICATION
        case "ErrImagePull" | "ImagePullBackOff" | "RegistryUnavailable":
            return (CERTAIN, FailureClass.APPLICATION) if _NO_SUCH_IMAGE.search(words) else (UNCERTAIN, FailureClass.INFRASTRUCTURE)
    return UNCERTAIN, FailureClass.APPLICATION


def _names_a_missing_secret(why: str, waiting: Mapping[str, Any]) -> bool:
    words = str(waiting.get("message") or "")
    return why == "CreateContainerConfigError" and words.startswith("secret ") and "not found" in words


def _condition(status: Mapping[str, Any], type_: str, value: str) -> Mapping[str, Any] | None:
    return next((c for c in status.get("conditions") or () if c.get("type") == type_ and c.get("status") == value), None)
