"""The path that explains: there where it was asked for, and never counted as an answer to a caller."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import httpx
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from tests.unit.predictors.models import png_text, save, save_digits
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


async def test_a_text_is_explained_word_by_word(tmp_path: Path) -> None:
    named = {"namespace": "ml", "deployment": "reviews", "revision": "abc123", "model_name": "reviews", "model_version": "7"}
    service = Service(RuntimeSpec.model_validate(named | {"explain": True}))
    estimator = make_pipeline(CountVectorizer(), LogisticRegression()).fit(["good film", "bad film"] * 20, ["praise", "blame"] * 20)
    inputs = '[{"type": "string", "required": true}]'
    service.loaded(load_model(save(tmp_path, estimator, signature={"inputs": inputs, "outputs": None})), 0.1)
    body = {"inputs": [{"name": "item", "shape": [1], "datatype": "BYTES", "data": [b64encode(b"A good film").decode()]}]}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(inference_application(service)), base_url="http://pod") as client:
        answer = await client.post("/v2/models/reviews/explain", json=body)
    await service.close()
    told = answer.json()
    assert (told["label"], told["method"]) == ("praise", "Occlusion")
    assert [(word["word"], word["start"]) for word in told["words"]] == [("A", 0), ("good", 2), ("film", 7)]
    assert max(told["words"], key=lambda word: word["change"])["word"] == "good"
    assert "columns" not in told
    assert "patches" not in told
