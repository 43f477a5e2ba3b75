"""Writes kubeconfig files that verify the API server and carry their own keys, so that one file can be handed around."""

import base64
import json
from pathlib import Path
from typing import Any

from e2e.cluster import places


def with_certificate(path: Path, *, cluster: str, server: str, authority: Path, certificate: Path, key: Path) -> Path:
    """A kubeconfig at `path` for the owner of a client certificate."""
    return _write(path, cluster, server, authority, {"client-certificate-data": _encoded(certificate), "client-key-data": _encoded(key)})


def with_token(path: Path, *, cluster: str, server: str, authority: Path, token: str) -> Path:
    """A kubeconfig at `path` for the owner of a token, such as a ServiceAccount."""
    return _write(path, cluster, server, authority, {"token": token})


def _write(path: Path, cluster: str, server: str, authority: Path, user: dict[str, str]) -> Path:
    name = f"treadle-{cluster}"
    content: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": _encoded(authority)}}],
        "users": [{"name": path.stem, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": path.stem}}],
        "current-context": name,
    }
    # JSON is YAML: every reader of kubeconfigs takes it.
    return places.write(path, json.dumps(content, indent=2))


def _encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
