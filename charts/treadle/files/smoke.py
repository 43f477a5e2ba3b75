"""What `helm test` does, with nothing but the standard library: the kinds are served, the API server takes the smallest object of each (without
keeping it), and the operator says that it is ready.
"""

import json
import os
import ssl
import sys
import urllib.error
import urllib.request

SMALLEST = {
    "AnnotationProject": {
        "task": {"type": "ImageClassification", "labels": [{"name": "yes"}, {"name": "no"}]},
        "source": {"uri": "s3://raw/"},
        "dataset": {"destination": "s3://datasets/"},
    },
    "TrainingRun": {"image": "registry.example/acme/train@sha256:" + 64 * "0"},
    "ModelDeployment": {"model": {"name": "smoke"}},
}
ACCOUNT = os.environ.get("ACCOUNT", "/var/run/secrets/kubernetes.io/serviceaccount")
TIMEOUT_S = 10


def call(url: str, body: dict | None = None) -> bytes:
    """Send a request to the API server with the pod's account; an error is told with what the server said."""
    with open(f"{ACCOUNT}/token") as file:
        headers = {"Authorization": f"Bearer {file.read()}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers)
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT_S, context=ssl.create_default_context(cafile=f"{ACCOUNT}/ca.crt")).read()
    except urllib.error.HTTPError as error:
        sys.exit(f"{url}: {error.code} {error.read().decode(errors='replace')}")


group, namespace = f"{os.environ['API_SERVER']}/apis/treadle.dev/v1alpha1", os.environ["NAMESPACE"]
served = {kind["kind"]: kind["name"] for kind in json.loads(call(group))["resources"] if "/" not in kind["name"]}
for kind, spec in SMALLEST.items():
    if kind not in served:
        sys.exit(f"{kind} is not served: is its CRD established?")
    this = {"apiVersion": "treadle.dev/v1alpha1", "kind": kind, "metadata": {"name": "smoke"}, "spec": spec}
    call(f"{group}/namespaces/{namespace}/{served[kind]}?dryRun=All", this)
    print(f"{kind}: served, and the smallest one is taken")
if operator := os.environ.get("OPERATOR"):
    urllib.request.urlopen(f"{operator}/readyz", timeout=TIMEOUT_S)
    print("the operator is ready")
