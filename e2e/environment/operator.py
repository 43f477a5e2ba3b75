"""Installing Treadle the way a platform team does: with helm, from the chart."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from e2e.cluster import Problem, tool
from e2e.cluster.progress import Progress
from e2e.environment.services import SERVICES_NAMESPACE
from e2e.environment.target import Target, kubectl, namespace

CHART = Path(__file__).resolve().parents[2] / "charts" / "treadle"
OPERATOR_NAMESPACE = "treadle-system"
RELEASE = "treadle"
INSTALLATION = "demo"
"""By this id the demo's installation is told from others."""


def values(images: Mapping[str, str], installation: str) -> dict[str, Any]:
    """The chart's values for the demo's outside systems."""
    repository, _, tag = images["treadle-operator"].rpartition(":")
    host = f"{SERVICES_NAMESPACE}.svc.cluster.local"
    return {
        "installation": installation,
        "image": {"repository": repository, "tag": tag},
        "images": {"jobs": images["treadle-jobs"], "runtime": images["treadle-runtime"]},
        "tokensSecret": "treadle-tokens",
        "connections": {
            "store": {"default": {"endpoint": f"http://s3.{host}:7070", "region": "us-east-1"}},
            "mlflow": {"default": {"url": f"http://mlflow.{host}:5000", "shared": True, "artifactStore": "s3://mlflow/"}},
            "labelStudio": {
                "default": {"url": f"http://label-studio.{host}:8080", "shared": True, "tokenFile": "/var/run/treadle/tokens/label-studio"}
            },
        },
    }


def install_operator(
    target: Target, images: Mapping[str, str], progress: Progress, *, installation: str = INSTALLATION, more: Mapping[str, Any] | None = None
) -> None:
    """Install or upgrade the chart and wait until the operator is ready. `more` are values that win over the demo's.

    Raises:
        Problem: helm failed, or the operator does not become ready.
    """
    progress("installing Treadle from its chart")
    kubectl(target, "apply", "--filename=-", stdin=namespace(OPERATOR_NAMESPACE))
    token = json.loads(kubectl(target, "get", "secret", "label-studio", f"--namespace={SERVICES_NAMESPACE}", "--output=json"))
    tokens = {"label-studio": token["data"]["LABEL_STUDIO_USER_TOKEN"]}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "treadle-tokens", "namespace": OPERATOR_NAMESPACE}, "data": tokens}
    kubectl(target, "apply", "--filename=-", stdin=json.dumps(secret))
    command = [str(tool("helm")), "upgrade", "--install", RELEASE, str(CHART), f"--namespace={OPERATOR_NAMESPACE}", "--values=-", "--wait"]
    wanted = json.dumps({**values(images, installation), **(more or {})})
    done = subprocess.run(
        [*command, "--timeout=180s", f"--kubeconfig={target.kubeconfig}"], input=wanted, capture_output=True, text=True, check=False, timeout=240
    )
    if done.returncode != 0:
        said = kubectl(target, "get", "events", f"--namespace={OPERATOR_NAMESPACE}", "--sort-by=.lastTimestamp")
        raise Problem(f"helm could not install Treadle: {done.stderr.strip()}\n{said}")
