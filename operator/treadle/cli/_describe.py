"""`kubectl treadle describe NAME`: all that is known of an object: its conditions, what its status remembers, its pods, and what happened lately."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from treadle.cli._logs import selector_of
from treadle.cli._objects import conditions, dig
from treadle.cli._status import headline, tell_condition
from treadle.engine import KubernetesCluster, Refused, Request
from treadle.plan import Object

TOLD_ABOVE = ("conditions", "observedGeneration", "phase")
LATEST = 10
"""Events that are shown."""
FORBIDDEN = 403
Around = Sequence[Object] | str
"""What is around an object, or why that may not be read: who may look at objects need not be allowed to look at pods."""


async def read_around(cluster: KubernetesCluster, this: Object) -> tuple[Around, Around]:
    """The pods of an object, and the events about it; or why they may not be read.

    Raises:
        Trouble: if the API server does not answer.
        Refused: if it refuses for another reason than a lack of rights.
    """
    namespace, name = this["metadata"]["namespace"], this["metadata"]["name"]
    about = {"fieldSelector": f"involvedObject.kind={this['kind']},involvedObject.name={name}"}
    pods = Request("GET", f"/api/v1/namespaces/{namespace}/pods", "read pods", None, {"labelSelector": selector_of(this)})
    events = Request("GET", f"/api/v1/namespaces/{namespace}/events", "read events", None, about)
    return await _listed(cluster, pods), await _listed(cluster, events)


async def _listed(cluster: KubernetesCluster, request: Request) -> Around:
    try:
        return (await cluster.wire.send(request)).get("items") or []
    except Refused as refused:
        if refused.status != FORBIDDEN:
            raise
        return f"you may not {request.what} here: {refused.body.get('message')}"


def tell_description(this: Object, pods: Around, events: Around) -> list[str]:
    """Everything as lines, section by section; a section of nothing is left out."""
    metadata = this["metadata"]
    lines = [headline(this), f"  namespace {metadata.get('namespace')}, made {metadata.get('creationTimestamp')}, uid {metadata.get('uid')}"]
    told = {name: value for name, value in (dig(this, "status") or {}).items() if name not in TOLD_ABOVE}
    for title, section in (
        ("Conditions", [f"{tell_condition(each)}  (since {each.get('lastTransitionTime')})" for each in conditions(this)]),
        ("Status", yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=150).splitlines() if told else []),
        ("Pods", [pods] if isinstance(pods, str) else [*_pods(pods)]),
        ("Events", [events] if isinstance(events, str) else [*_events(events)]),
    ):
        lines += ["", f"{title}:", *(f"  {line}" for line in section)] if section else []
    return lines


def _pods(pods: Sequence[Object]) -> Iterator[str]:
    for pod in sorted(pods, key=lambda pod: str(dig(pod, "metadata", "creationTimestamp"))):
        states = [state for each in dig(pod, "status", "containerStatuses") or () for state in (each.get("state") or {}).items()]
        why = next((f" ({detail['reason']})" for word, detail in states if word != "running" and detail.get("reason")), "")
        node = dig(pod, "spec", "nodeName")
        yield f"{dig(pod, 'metadata', 'name')}  {dig(pod, 'status', 'phase')}{why}" + (f"  on {node}" if node else "")


def _events(events: Sequence[Object]) -> Iterator[str]:
    for event in sorted(events, key=_seen)[-LATEST:]:
        times = f" ({event['count']} times)" if int(event.get("count") or 1) > 1 else ""
        yield f"{_seen(event)}  {event.get('type')}  {event.get('reason')}: {event.get('message')}{times}"


def _seen(event: Mapping[str, Any]) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or dig(event, "metadata", "creationTimestamp") or "")
