"""Whatever a request holds, it is the caller who is told: with a code below 500, in JSON, in few words."""

import asyncio
import io
import json
import random
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.unit.predictors.models import PIXELS, png, png_text, save_digits, save_iris
from treadle.contracts.serving import RuntimeSpec
from treadle.predictors import Model, Signature, load_model
from treadle.runtime._routes import inference_application
from treadle.runtime._service import Service

ITEM = {"name": "item", "shape": [1], "datatype": "BYTES", "data": [png_text(0)]}
NUMBERS = {"name": "x", "shape": [1, 64], "datatype": "FP64", "data": [0.0] * 64}
LONE = "\ud800"
"""Half of a surrogate pair: JSON can say it, UTF-8 cannot."""

INFERENCES: dict[str, Any] = {
    "parameters that are a list": {"inputs": [ITEM | {"parameters": ["base64"]}]},
    "an output without a proper name": {"inputs": [ITEM], "outputs": [{"name": ["label"]}]},
    "outputs that are no list": {"inputs": [ITEM], "outputs": {"name": "nothing"}},
    "a shape of too many dimensions": {"inputs": [NUMBERS | {"shape": [1] * 70, "data": [1.0]}]},
    "a shape beyond all numbers": {"inputs": [NUMBERS | {"shape": [0, 10**30], "data": []}]},
    "a number beyond all numbers": {"inputs": [NUMBERS | {"data": [10**400] * 64}]},
    "an input named by half a character": {"inputs": [NUMBERS | {"name": LONE, "datatype": LONE}]},
    "a datatype as long as a book": {"inputs": [NUMBERS | {"datatype": "F" * 1_000_000}]},
}

INVOCATIONS: dict[str, Any] = {
    "a number beyond all numbers": {"inputs": [[10**400] * 64]},
    "numbers and objects": {"inputs": [[{}] * 64]},
    "columns that are a number": {"dataframe_split": {"columns": 7, "data": [[1]]}},
    "records that are text": {"dataframe_records": "text"},
    "an item that is a list": {"inputs": {"item": [[png_text(0)], ["", ""]]}},
    "nothing at all": {"inputs": []},
}


def post(model: Path | Model, path: str, body: Any, *, sensitive: bool = False) -> httpx.Response:
    who = {"namespace": "ml", "deployment": "digits", "revision": "abc123", "model_name": "digits", "model_version": "7"}
    service = Service(RuntimeSpec.model_validate(who | {"sensitive": sensitive}))
    service.loaded(load_model(model) if isinstance(model, Path) else model, 0.1)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(inference_application(service))
        async with httpx.AsyncClient(transport=transport, base_url="http://digits.ml.svc") as client:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            try:
                return await client.post(path, content=content, headers={"content-type": "application/json"})
            finally:
                await service.close()

    return asyncio.run(ask())


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_digits(tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_iris(tmp_path_factory.mktemp("iris"))


def assert_refused(answer: httpx.Response) -> None:
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:300])
    assert 0 < len(answer.json()["error"]) <= 1024


@pytest.mark.parametrize("case", INFERENCES)
def test_an_inference_that_makes_no_sense_is_refused(case: str, digits: Path, iris: Path) -> None:
    for model in (digits, iris):
        assert_refused(post(model, "/v2/models/digits/infer", INFERENCES[case]))


@pytest.mark.parametrize("case", INVOCATIONS)
def test_an_invocation_that_makes_no_sense_is_refused(case: str, digits: Path, iris: Path) -> None:
    for model in (digits, iris):
        assert_refused(post(model, "/invocations", INVOCATIONS[case]))


def test_an_id_comes_back_as_it_was_sent_whatever_it_is(digits: Path) -> None:
    answer = post(digits, "/v2/models/digits/infer", {"id": LONE, "inputs": [ITEM]})
    assert answer.status_code == 200
    assert json.loads(answer.content)["id"] == LONE


def test_a_path_of_half_characters_is_not_found(digits: Path) -> None:
    assert_refused(post(digits, "/v2/models/%ED%A0%80/infer", {"inputs": [ITEM]}))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
def test_a_damaged_image_is_refused(form: str, digits: Path) -> None:
    """Decoders raise what they please: no damage may look like our own failure."""
    file = io.BytesIO()
    Image.open(io.BytesIO(png(0))).save(file, form)
    whole, chance = file.getvalue(), random.Random(7)
    model = load_model(digits)
    assert model.items is not None
    assert model.items.decode([whole]).shape == (1, PIXELS.shape[1])
    for _ in range(1500):
        damaged = bytearray(whole[: chance.randint(1, len(whole))])
        for _ in range(chance.randint(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            model.items.decode([bytes(damaged)])
        except ValueError:  # BadInput is one
            continue


class Broken:
    """An estimator with a defect, which quotes what it was given."""

    classifies = False

    by_row = True

    def predict(self, features: Any) -> Any:
        raise RuntimeError(f"cannot handle {features}")

    def classify(self, features: Any) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize("sensitive", [False, True])
def test_a_defect_is_logged_without_the_request_where_data_is_sensitive(sensitive: bool, caplog: pytest.LogCaptureFixture) -> None:
    model = Model("sklearn", Signature(), None, Broken())
    answer = post(model, "/invocations", {"inputs": ["Mrs. Miller"]}, sensitive=sensitive)
    assert answer.status_code == 500
    assert "RuntimeError" in caplog.text
    assert "in predict" in caplog.text
    assert ("Mrs. Miller" in caplog.text) is not sensitive
