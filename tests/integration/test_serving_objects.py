"""What a ModelDeployment builds is accepted by an API server and comes back with every field as it was written: nothing is corrected for ever."""

from typing import Any

import pytest

from tests.integration.api_server import ApiServer, api_server
from tests.unit.serving.test_build import CUSTOM, FULL, applied, observed
from treadle.engine._objects import contains
from treadle.plan import KINDS

__all__ = ["api_server"]

WATCHED: dict[str, Any] = {
    "monitoring": {"drift": {}},
    "feedback": {"destination": "s3://feedback/digits/", "select": [{"when": "Random", "percent": 1}]},
    "explain": {"enabled": True},
}
BEHIND = {"runtime": {"type": "Custom", "image": "registry.example/vllm:0.12", "port": 8000, "proxy": True}, "resources": {"ephemeralStorage": "2Gi"}}
REDACTED = {
    "model": {"name": "digits", "cache": {"claim": "models"}},
    "feedback": WATCHED["feedback"] | {"redact": {"image": "registry.example/redact:1", "command": ["redact"]}},
    "sensitive": True,
}


@pytest.mark.parametrize("spec", [{}, FULL, CUSTOM, WATCHED, BEHIND, REDACTED], ids=["smallest", "full", "custom", "watched", "behind", "redacted"])
def test_built_objects_come_back_as_they_were_written(api_server: ApiServer, spec: dict[str, Any]) -> None:
    for made in applied(observed(**spec)):
        metadata = {**made["metadata"], "namespace": api_server.namespace}
        kind = KINDS[made["kind"]]
        root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
        path = f"{root}/namespaces/{api_server.namespace}/{kind.plural}"
        answer = api_server.client.post(path, params={"fieldValidation": "Strict", "dryRun": "All"}, json={**made, "metadata": metadata})
        assert answer.status_code == 201, answer.json()["message"]
        assert contains(answer.json()["spec"], made["spec"]), f"the API server writes {made['kind']} otherwise: {answer.json()['spec']}"
