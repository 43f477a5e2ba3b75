"""What the operator may do, what it did, and which of its rights the loop alone leaves unused, each for a reason."""

from collections.abc import Iterable, Mapping
from typing import Any

Right = tuple[str, str, str]
"""API group, resource (with its subresource) and verb."""

KIND = "treadle.dev"
RACE = "an object is read by itself only when it was found changed or taken, or has just been deleted"
OWNERS = "no request: where OwnerReferencesPermissionEnforcement is on, whoever makes children needs it for their owner"
REPLICAS = "only a deployment of several replicas has a budget"
SCALING = "only a deployment that asks for scaling has an autoscaler"
SELDOM: Mapping[Right, str] = {
    (KIND, "annotationprojects", "patch"): "only deletionPolicy: Delete holds a project by a finalizer",
    (KIND, "trainingruns", "delete"): "only history limits and concurrency: Replace delete generated runs",
    (KIND, "modeldeployments", "get"): RACE,
    (KIND, "annotationprojects/finalizers", "update"): OWNERS,
    (KIND, "trainingruns/finalizers", "update"): OWNERS,
    (KIND, "modeldeployments/finalizers", "update"): OWNERS,
    ("batch", "jobs", "get"): RACE,
    ("batch", "jobs", "delete"): "only a Job that is cancelled, late or superseded is deleted by the operator",
    ("apps", "deployments", "get"): RACE,
    ("apps", "deployments", "delete"): "only what a later version replaced is deleted by the operator",
    ("", "services", "get"): RACE,
    ("", "services", "delete"): "only the Service of a version that was proving itself is deleted by the operator",
    ("policy", "poddisruptionbudgets", "get"): RACE,
    ("policy", "poddisruptionbudgets", "create"): REPLICAS,
    ("policy", "poddisruptionbudgets", "patch"): REPLICAS,
    ("policy", "poddisruptionbudgets", "delete"): REPLICAS,
    ("autoscaling", "horizontalpodautoscalers", "get"): RACE,
    ("autoscaling", "horizontalpodautoscalers", "create"): SCALING,
    ("autoscaling", "horizontalpodautoscalers", "patch"): SCALING,
    ("autoscaling", "horizontalpodautoscalers", "delete"): SCALING,
    ("", "pods", "get"): "no request: pods are listed and watched, which tells as much; roles name the three together",
    ("", "configmaps", "get"): "only a spec that names a ConfigMap has it read",
    ("", "events", "list"): "only after seconds without a pod, or after a failure, is somebody else's word looked for",
}
"""What no part of the loop needs. Other stories do: canaries, failures, deletions."""


def used(requests: Iterable[Mapping[str, Any]]) -> set[Right]:
    """The rights that requests of the audit log needed. An apply that makes its object is a PATCH, and needs `create` beside `patch`."""
    found = set()
    for event in requests:
        if (ref := event.get("objectRef")) is None:
            continue
        resource = f"{ref['resource']}/{ref['subresource']}" if ref.get("subresource") else str(ref["resource"])
        found.add((str(ref.get("apiGroup", "")), resource, str(event["verb"])))
        if event["verb"] == "patch" and event.get("responseStatus", {}).get("code") == 201:
            found.add((str(ref.get("apiGroup", "")), resource, "create"))
    return found


def granted(roles: Iterable[Mapping[str, Any]]) -> set[Right]:
    """The rights that the rules of roles give."""
    rules = [rule for role in roles for rule in role["rules"]]
    return {(group, resource, verb) for rule in rules for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]}


def patched(requests: Iterable[Mapping[str, Any]]) -> Mapping[Right, set[str]]:
    """What PATCHes of our own kinds asked to change, as JSON pointers; the empty one is the whole object."""
    found: dict[Right, set[str]] = {}
    for event in requests:
        ref = event.get("objectRef") or {}
        if event["verb"] != "patch" or ref.get("apiGroup") != KIND or "requestObject" not in event:
            continue
        (right,) = used([{**event, "responseStatus": {}}])
        body = event["requestObject"]
        found.setdefault(right, set()).update([str(change["path"]) for change in body] if isinstance(body, list) else [""])
    return found
