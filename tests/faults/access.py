"""Who the operator is towards the API server: a service account with a token in a file, which can be revoked and issued anew."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.integration.control_plane import RULES, Place

ACCOUNT = "operator"
RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True)
class Pass:
    """The token of the operator's service account. Each is bound to a Secret: once that is gone, the API server refuses the token.

    Attributes:
        kubeconfig: what the operator is started with; it names the token's file.
    """

    place: Place
    kubeconfig: Path
    token: Path
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def user(self) -> str:
        """As the audit log calls it."""
        return f"system:serviceaccount:{self.place.namespace}:{ACCOUNT}"

    def issue(self) -> None:
        """Put a new token into the file, as the kubelet does."""
        name = f"pass-{next(self._numbers)}"
        self.place.kubectl("create", "secret", "generic", name)
        bound = ("--bound-object-kind=Secret", f"--bound-object-name={name}")
        new = self.token.with_suffix(".new")
        new.write_text(self.place.kubectl("create", "token", ACCOUNT, *bound, "--duration=24h").strip())
        new.rename(self.token)

    def revoke(self) -> None:
        """Make every token so far worthless; the API server believes in it for some more seconds."""
        secrets = json.loads(self.place.kubectl("get", "secrets", "--output=json"))["items"]
        self.place.kubectl("delete", "secret", *(secret["metadata"]["name"] for secret in secrets))


def access(place: Place, server: str, folder: Path) -> Pass:
    """Make the account, with the rights that the design grants, and its first token."""
    place.kubectl("create", "serviceaccount", ACCOUNT)
    metadata = {"name": ACCOUNT, "namespace": place.namespace}
    place.cluster.apply(
        {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": RULES},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": ACCOUNT},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": place.namespace}],
        },
    )
    token, kubeconfig = folder / "token", folder / "kubeconfig"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "proxy", "cluster": {"server": server}}],
        "users": [{"name": ACCOUNT, "user": {"tokenFile": str(token)}}],
        "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": ACCOUNT}}],
        "current-context": "proxy",
    }
    kubeconfig.write_text(yaml.safe_dump(content))
    made = Pass(place, kubeconfig, token)
    made.issue()
    return made
