"""What a call of the operator is called in the table, and which calls count.

It is a call to a server that is counted, not an effect: an effect on MLflow is several calls, and each gap between them is a place to die at. Not
counted are LISTs, watches and discovery, the Lease, and Events: nothing is decided by them, and their order is not fixed.
"""

import json
import re
from typing import Any, NamedTuple

from treadle.plan import KINDS

KUBERNETES = "Kubernetes"
MLFLOW = "MLflow"
LABEL_STUDIO = "Label Studio"
SERVING_PODS = "serving pods"

UNCOUNTED = ("leases", "events")
KIND_OF = {resource.plural: kind for kind, resource in KINDS.items()}
STATUS_OF = "write the status of "
OBJECT = re.compile(r"/apis?/(?:[^/]+/)?[^/]+/namespaces/[^/]+/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[^/]+))?")
DIGEST = re.compile(r"(?<=-)[0-9a-f]{6,}(?=-|$)")


class Call(NamedTuple):
    """One call, as a server hears it."""

    server: str
    method: str
    path: str
    body: bytes = b""


class Told(NamedTuple):
    """A call that counts: its name, and whether it only reads; of such a call only the first counts."""

    name: str
    reads: bool


def told(call: Call) -> Told | None:
    """What a call is called; None when it does not count."""
    if call.server == KUBERNETES:
        return _kubernetes(call)
    if call.server == MLFLOW:
        path = call.path.rpartition("/api/2.0/mlflow/")[2]
        return Told(f"MLflow {call.method} {path}", call.method == "GET" or path.endswith("/search"))
    if call.server == SERVING_PODS:
        return _serving_pods(call)
    path = re.sub(r"/\d+(?=/|$)", "/N", call.path).removeprefix("/api/").rstrip("/")
    return Told(f"Label Studio {call.method} {path}", call.method == "GET" or path.endswith("validate"))


def _serving_pods(call: Call) -> Told:
    if call.method == "GET":
        return Told(f"{call.server} GET {call.path.rpartition('/')[2]}", True)
    return Told(f"{call.server} PUT order {json.loads(json.loads(call.body)['order'])['sequence']}", False)


def nameless(name: str) -> str:
    """A derived name without the digest in it, which differs from life to life."""
    return DIGEST.sub("*", name)


def _kubernetes(call: Call) -> Told | None:
    found = OBJECT.fullmatch(call.path)
    if found is None or found["plural"] in UNCOUNTED:
        return None
    kind = KIND_OF.get(found["plural"], found["plural"])
    if found["name"] is None:
        return Told(f"create {kind} {nameless(json.loads(call.body)['metadata']['name'])}", False) if call.method == "POST" else None
    which = f"{kind} {nameless(found['name'])}"
    match call.method, found["subresource"]:
        case "GET", _:
            return Told(f"read {which}", True)
        case "DELETE", _:
            return Told(f"delete {which}", False)
        case "PATCH", "status":
            return Told(f"{STATUS_OF}{which}: {status_in(call)['phase']}", False)
        case "PATCH", _:
            return Told(f"{'hold' if kind == 'AnnotationProject' else 'apply'} {which}", False)
    raise AssertionError(f"no word for {call.method} {call.path}")


def status_in(call: Call) -> dict[str, Any]:
    """The status that a status write writes."""
    operations = json.loads(call.body)
    written: dict[str, Any] = next(operation["value"] for operation in operations if operation["path"] == "/status")
    return written
