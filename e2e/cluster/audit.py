"""What the API server writes down, and reading it back: the proof of what a client really did."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WRITING = ["create", "update", "patch", "delete", "deletecollection"]

POLICY: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "RequestResponse", "resources": [{"group": "treadle.dev"}]},
        {"level": "None", "nonResourceURLs": ["/healthz*", "/readyz*", "/livez*", "/version", "/openapi*", "/metrics"]},
        {"level": "None", "userGroups": ["system:nodes"]},
        {
            "level": "None",
            "users": ["system:kube-controller-manager", "system:kube-scheduler", "system:kube-proxy", "system:apiserver"],
            "verbs": ["get", "list", "watch"],
        },
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"], "verbs": ["get", "list", "watch"]},
        {"level": "Metadata", "resources": [{"group": "", "resources": ["secrets", "serviceaccounts/token"]}]},
        {"level": "Request", "verbs": WRITING},
        {"level": "Metadata"},
    ],
}
"""Bodies both ways for our own kinds, request bodies of every other write, never those of Secrets; the nodes' chatter is left out."""


def events(log: Path, *, user: str | None = None, offset: int = 0) -> Iterator[dict[str, Any]]:
    """The recorded requests in order, each as Kubernetes' audit `Event`.

    Args:
        log: The cluster's audit log.
        user: Only requests of this user.
        offset: Bytes to skip: the size the log had when the time of interest began.
    """
    with log.open() as lines:
        lines.seek(max(0, offset - 1))
        if offset:
            lines.readline()  # the rest of a line that was being written then, or of the one before
        for line in lines:
            # The last line may still be on its way.
            if line.endswith("\n") and (user is None or f'"{user}"' in line):
                event: dict[str, Any] = json.loads(line)
                if user is None or event["user"]["username"] == user:
                    yield event
