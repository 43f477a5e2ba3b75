"""Names that Treadle writes: group, labels, annotations, and names derived from an object's own. String literals live here only."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

GROUP = "treadle.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
CATEGORY = "treadle"

FINALIZER = f"{GROUP}/labelling-project"
FIELD_MANAGER = "treadle"

# labels
MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGED_BY_VALUE = "treadle"
COMPONENT = "app.kubernetes.io/component"
INSTALLATION = f"{GROUP}/installation"
PROJECT = f"{GROUP}/project"
RUN = f"{GROUP}/run"
DEPLOYMENT = f"{GROUP}/deployment"
STAGE = f"{GROUP}/stage"
ATTEMPT = f"{GROUP}/attempt"
REVISION = f"{GROUP}/revision"
MODEL_VERSION = f"{GROUP}/model-version"
DATASET_VERSION = f"{GROUP}/dataset-version"
QUEUE = "kueue.x-k8s.io/queue-name"

# annotations
RESOLVED = f"{GROUP}/resolved"
SPEC_HASH = f"{GROUP}/spec-hash"
PROMOTE = f"{GROUP}/promote"
ABORT = f"{GROUP}/abort"
PIN = f"{GROUP}/pin"
APPROVE = f"{GROUP}/approve"
RELEASE = f"{GROUP}/release"
CANCEL = f"{GROUP}/cancel"
RESTORE = f"{GROUP}/restore"
GIT_REVISION = f"{GROUP}/git-revision"
RECONCILE_AT = f"{GROUP}/reconcile-at"

OBJECT_NAME_LIMIT = 40
LABEL_VALUE_LIMIT = 63


def digest(content: object, length: int = 64) -> str:
    """The first `length` hex digits of the SHA-256 of `content` as canonical JSON (sorted keys, no spaces).

    Raises:
        TypeError: if `content` holds something that JSON cannot say.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def derived_name(name: str, *parts: str | int, limit: int = LABEL_VALUE_LIMIT) -> str:
    """`name-part-part`, cut in its name part to `limit` characters; a cut name ends in 6 hex digits of its digest, so that it stays unique.

    >>> derived_name("digits", "sync", 1)
    'digits-sync-1'
    """
    tail = "".join(f"-{part}" for part in parts)
    if len(name) + len(tail) <= limit:
        return name + tail
    room = limit - len(tail) - 7
    return f"{name[:room].rstrip('-')}-{digest(name, 6)}{tail}"


def resolved_on(this: Mapping[str, Any]) -> Any:
    """What was resolved when an object was made, as its annotation keeps it: any JSON, since tenants can write it; empty when it is none."""
    try:
        return json.loads((this["metadata"].get("annotations") or {}).get(RESOLVED, "{}"))
    except (ValueError, RecursionError):
        return {}


def controller_reference(owner: Mapping[str, Any]) -> dict[str, Any]:
    """The ownerReference that makes `owner` the controller of a child, so that garbage collection follows it."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
