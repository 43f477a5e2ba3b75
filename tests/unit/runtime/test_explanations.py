"""The path that explains: there where it was asked for, and never counted as an answer to a caller."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.predictors.models import png_text, save_digits
from treadle.contracts.serving import RuntimeSpec
from treadle.predictors import load_model
from treadle.runtime._routes import inference_application
from treadle.runtime._service import Service

BODY = {"inputs": [{"name": "item", "shape": [1], "datatype": "BYTES", "data": [png_text(1500)]}]}


@pytest.mark.parametrize("enabled", [True, False])
async def test_an_image_is_explained_where_that_is_enabled(tmp_path: Path, enabled: bool) -> None:
    named = {"namespace": "ml", "deployment": "digits", "revision": "abc123", "model_name": "digits", "model_version": "7"}
    service = Service(RuntimeSpec.model_validate(named | {"explain": enabled}))
    service.loaded(load_model(save_digits(tmp_path)), 0.1)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(inference_application(service)), base_url="http://pod") as client:
        answer = await client.post("/v2/models/digits/explain", json=BODY)
        known: dict[str, Any] = (await client.post("/v2/models/digits/infer", json=BODY)).json()
    await service.close()
    if not enabled:
        assert answer.status_code == 404
        assert "spec.explain.enabled" in answer.json()["error"]
        return
    told = answer.json()
    assert told["label"] == known["outputs"][0]["data"][0]
    assert len(told["patches"]) == 8
    assert told["picture"]
    assert b'code="200",deployment="digits",model_version="7",namespace="ml",revision="abc123"} 1.0' in service.metrics.exposition()
