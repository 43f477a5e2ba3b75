"""Scripts of these tests that run in pods of the cluster, as restricted as any."""

import json
from pathlib import Path

from e2e.conftest import Environment

HERE = Path(__file__).parent


def run_script(environment: Environment, namespace: str, name: str, script: str, *, secret: str = "", **variables: str) -> None:
    """Start a Job that runs a script of this folder beside the packages of the demo's training image, with the keys of a Secret if one is named."""
    container = {
        "name": name,
        "image": environment.images["demo-train"],
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", (HERE / script).read_text()],
        "env": [{"name": key, "value": value} for key, value in variables.items()],
        "envFrom": [{"secretRef": {"name": secret}}] if secret else [],
        "resources": {"requests": {"cpu": "50m", "memory": "384Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"backoffLimit": 2, "template": {"spec": pod}}}
    environment.kubectl("apply", f"--namespace={namespace}", "-f", "-", stdin=json.dumps(job))


def finished(environment: Environment, namespace: str, name: str) -> None:
    """Wait for the end of a script that ends.

    Raises:
        Problem: it did not succeed within three minutes.
    """
    environment.kubectl("wait", f"job/{name}", f"--namespace={namespace}", "--for=condition=Complete", "--timeout=180s", timeout=190)
