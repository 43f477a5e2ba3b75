"""The outside systems of the demo: an S3 server, MLflow and Label Studio, in pods, and the Secrets a tenant gets for them."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from e2e.cluster import Problem
from e2e.cluster.progress import Progress
from e2e.environment.target import Target, get, kubectl

SERVICES = Path(__file__).resolve().parents[2] / "manifests" / "demo" / "services"
SERVICES_NAMESPACE = "treadle-demo-services"
DEPLOYMENTS = ("s3", "mlflow", "label-studio")


def install_services(target: Target, images: Mapping[str, str], progress: Progress) -> None:
    """Apply the services with the images that were built, and wait until each answers.

    Raises:
        Problem: one does not become ready; the text holds its events.
    """
    progress("starting S3, MLflow and Label Studio")
    manifests = kubectl(target, "kustomize", SERVICES)
    for name, default in (("versitygw", "treadle.local/versitygw:1.8.0"), ("mlflow", "treadle.local/mlflow:3.17.2"), ("label-studio", LABEL_STUDIO)):
        manifests = manifests.replace(default, images[name])
    namespace, others = _namespace_first(manifests)
    kubectl(target, "apply", "--server-side", "--filename=-", stdin=namespace)
    if not kubectl(target, "get", "secret", "s3", f"--namespace={SERVICES_NAMESPACE}", "--ignore-not-found"):
        command = [sys.executable, str(SERVICES / "make_secrets.py")]
        secrets = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=dict(os.environ)).stdout
        kubectl(target, "apply", f"--namespace={SERVICES_NAMESPACE}", "--filename=-", stdin=secrets)
    kubectl(target, "apply", "--server-side", "--force-conflicts", "--filename=-", stdin=others)
    for name in DEPLOYMENTS:
        try:
            kubectl(target, "rollout", "status", f"deployment/{name}", f"--namespace={SERVICES_NAMESPACE}", "--timeout=240s", timeout=250)
        except Problem as problem:
            events = kubectl(target, "get", "events", f"--namespace={SERVICES_NAMESPACE}", "--sort-by=.lastTimestamp")
            raise Problem(f"{name} does not become ready: {problem}\n{events}") from problem


def tenant_secrets(target: Target, namespace: str) -> None:
    """What a platform team puts into a tenant's namespace: the keys of the object store and of Label Studio."""
    keys = get(target, "secret", "s3", f"--namespace={SERVICES_NAMESPACE}")["data"]
    people = get(target, "secret", "label-studio", f"--namespace={SERVICES_NAMESPACE}")["data"]
    for name, data in (
        ("treadle-store", {key: keys[key] for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}),
        ("treadle-label-studio", {"token": people["LABEL_STUDIO_USER_TOKEN"]}),
    ):
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": data}
        kubectl(target, "apply", "--filename=-", stdin=json.dumps(secret))


LABEL_STUDIO = "treadle.local/label-studio:1.23.2"


def _namespace_first(manifests: str) -> tuple[str, str]:
    documents = manifests.split("\n---\n")
    first = [document for document in documents if "\nkind: Namespace" in f"\n{document}"]
    return "\n---\n".join(first), "\n---\n".join(document for document in documents if document not in first)
