"""What is known of a Job that failed: read from its condition, and from the pod that can still be read.

The Job's own condition alone must be enough, since pods vanish with their nodes. The container that ended the Job and its exit code stand in the
message that the Job controller writes for a `podFailurePolicy` rule.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from treadle.contracts import ExitCode, Failure

DISRUPTION = "DisruptionTarget"
SIGKILL = 137
SIGTERM = 143
LOG_LINES_LIMIT = 600  # characters of a container's last lines that a condition's message repeats

POD_FAILURE_POLICY = {
    "rules": [
        {"action": "FailJob", "onPodConditions": [{"type": DISRUPTION, "status": "True"}]},
        {"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [0]}},
    ]
}
"""Makes the Job say what ended it: a disruption first, else the container and its exit code. Every attempt is a Job of its own, so all rules fail."""

SHARD_FAILURE_POLICY = {
    "rules": [
        {"action": "Ignore", "onPodConditions": [{"type": DISRUPTION, "status": "True"}]},
        {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [int(ExitCode.BAD_INPUT)]}},
    ]
}
"""Of a Job whose shards are tried again one by one: a disruption costs no try, and what cannot be done is tried no more."""

_EXITED = re.compile(r"Container (?P<container>\S+) for pod \S+ failed with exit code (?P<code>\d+)")
_DISRUPTED = re.compile(rf"has condition {DISRUPTION}")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of a failed Job, from its condition and from the pod that can still be read.

    Attributes:
        container: that ended it, empty if unknown.
        exit_code: of that container.
        disrupted: the Job's condition or the pod says that a disruption ended it.
        disruption: the pod's reason for the disruption, e.g. `PreemptionByScheduler`; empty when it cannot be read.
        pod_seen: the pod can still be read; else only the Job's condition speaks.
        deleted: somebody deleted the pod before its container had ended.
        ended_by: the kubelet's reason for the container's end, e.g. `OOMKilled` or `StartError`.
        said: what one of our own Jobs said itself.
        last_lines: of the container's log or its termination message.
        pod_reason: the pod's own reason, e.g. `Evicted` or `NodeLost`.
    """

    job: str
    condition: Mapping[str, Any]
    container: str = ""
    exit_code: int | None = None
    disrupted: bool = False
    disruption: str = ""
    pod_seen: bool = False
    deleted: bool = False
    ended_by: str = ""
    said: Failure | None = None
    last_lines: str = ""
    pod_reason: str = ""
    node: str = ""


def gather(job: Mapping[str, Any], condition: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> Evidence:
    """Read the evidence of a Job that has this Failed (or FailureTarget) condition. `pods`: those of the Job that are still known."""
    message = str(condition.get("message") or "")
    exited = _EXITED.search(message)
    pod = pods[-1] if pods else {}
    status = pod.get("status") or {}
    container, ended = _ended_container(status, exited["container"] if exited else "")
    disruption = _disruption(status, ended)
    return Evidence(
        job=job["metadata"]["name"],
        condition=condition,
        container=exited["container"] if exited else container,
        exit_code=int(exited["code"]) if exited else ended.get("exitCode"),
        disrupted=bool(_DISRUPTED.search(message)) or bool(disruption),
        disruption=str(disruption.get("reason") or ""),
        pod_seen=bool(pods),
        deleted=_deleted_before(pod, ended),
        ended_by=str(ended.get("reason") or ""),
        said=_said(ended),
        last_lines=str(ended.get("message") or "").strip()[-LOG_LINES_LIMIT:],
        pod_reason=str(status.get("reason") or ""),
        node=str((pod.get("spec") or {}).get("nodeName") or ""),
    )


def _ended_container(status: Mapping[str, Any], wanted: str) -> tuple[str, Mapping[str, Any]]:
    """The container that ended the pod and how: the wanted one, else the first with an exit code other than 0, else the last."""
    statuses = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    over = [(str(c["name"]), c["state"]["terminated"]) for c in statuses if (c.get("state") or {}).get("terminated")]
    if wanted:
        return next(((name, ended) for name, ended in over if name == wanted), ("", {}))
    return next(((name, ended) for name, ended in over if ended.get("exitCode")), over[-1] if over else ("", {}))


def _disruption(status: Mapping[str, Any], ended: Mapping[str, Any]) -> Mapping[str, Any]:
    """The pod's disruption, unless its container had ended before: a drain also takes away pods that failed by themselves."""
    for condition in status.get("conditions") or ():
        if condition.get("type") == DISRUPTION and condition.get("status") == "True":
            since, finished = condition.get("lastTransitionTime"), ended.get("finishedAt")
            return {} if since and finished and _time(finished) < _time(since) else condition
    return {}


def _deleted_before(pod: Mapping[str, Any], ended: Mapping[str, Any]) -> bool:
    """Whether the pod's deletion was asked for before its container ended."""
    metadata = pod.get("metadata") or {}
    if not metadata.get("deletionTimestamp") or not ended.get("finishedAt"):
        return False
    asked = _time(metadata["deletionTimestamp"]) - timedelta(seconds=int(metadata.get("deletionGracePeriodSeconds") or 0))
    return asked <= _time(ended["finishedAt"])


def _time(text: object) -> datetime:
    return datetime.fromisoformat(str(text))


def _said(ended: Mapping[str, Any]) -> Failure | None:
    try:
        return Failure.from_message(str(ended.get("message") or ""))
    except ValueError:
        return None
