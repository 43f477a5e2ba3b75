"""Print the two Secrets of the demo's services with random values, as YAML.

Use it once per cluster, `python manifests/demo/services/make_secrets.py | kubectl create -f -`: new values would not fit the data that
the running pods have made with the old ones, so `create`, which fails when they exist, is the right verb.
"""

import json
import secrets
from collections.abc import Mapping

NAMESPACE = "treadle-demo-services"


def secret(name: str, values: Mapping[str, str]) -> dict[str, object]:
    """A Secret manifest."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE}, "stringData": dict(values)}


def s3() -> dict[str, object]:
    """The root account of the S3 server; MLflow uses it as well."""
    return secret("s3", {"AWS_ACCESS_KEY_ID": secrets.token_hex(10), "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20)})


def label_studio() -> dict[str, object]:
    """The first user of Label Studio, whose token the operator uses, and the key that signs its sessions."""
    values = {
        "LABEL_STUDIO_USERNAME": "admin@example.com",
        "LABEL_STUDIO_PASSWORD": secrets.token_urlsafe(16),
        "LABEL_STUDIO_USER_TOKEN": secrets.token_hex(20),
        "SECRET_KEY": secrets.token_hex(32),
    }
    return secret("label-studio", values)


if __name__ == "__main__":
    # JSON is YAML.
    print("\n---\n".join(json.dumps(manifest) for manifest in (s3(), label_studio())))
