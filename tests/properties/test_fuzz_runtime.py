"""Whatever callers send to a serving pod, they are told, with a code below 500; and whatever MLmodel holds, it is not loadable for a reason."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, note, settings
from hypothesis import strategies as some

from tests.properties.mutations import mutated, raw
from tests.unit.predictors.models import PIXELS, png_text, save_digits, save_iris
from tests.unit.runtime.test_malformed_requests import post
from treadle.predictors import Model, NotLoadable, load_model
from treadle.predictors._manifest import read_manifest

IMAGE = {"id": "1", "inputs": [{"name": "item", "shape": [1], "datatype": "BYTES", "data": [png_text(0)], "parameters": {"content_type": "base64"}}]}
COLUMNS = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
TABLE = {"inputs": [{"name": name, "shape": [2], "datatype": "FP64", "data": [1.0, 2.0]} for name in COLUMNS], "outputs": [{"name": "label"}]}
SPLIT = {"dataframe_split": {"columns": list(COLUMNS), "data": [[1.0, 2.0, 3.0, 4.0]]}}
RECORDS = {"dataframe_records": [dict.fromkeys(COLUMNS, 1.0)]}
SAMPLES: Mapping[str, tuple[str, Any]] = {
    "an image": ("/v2/models/digits/infer", IMAGE),
    "columns": ("/v2/models/digits/infer", TABLE),
    "pixels": ("/invocations", {"inputs": PIXELS[:1].tolist()}),
    "an item": ("/invocations", {"inputs": {"item": [png_text(0)]}}),
    "a split table": ("/invocations", SPLIT),
    "records": ("/invocations", RECORDS),
    "instances": ("/invocations", {"instances": [{"item": png_text(0)}]}),
}

FEWER = max(20, settings.default.max_examples // 4)
"""Models are loaded and asked: slower than all the rest."""


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_digits(tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_iris(tmp_path_factory.mktemp("iris"))


@pytest.fixture(scope="module")
def models(digits: Path, iris: Path) -> tuple[Model, ...]:
    return load_model(digits), load_model(iris)


@settings(max_examples=FEWER)
@given(case=some.sampled_from(sorted(SAMPLES)), which=some.integers(0, 1), data=some.data())
def test_a_request_may_hold_anything(models: tuple[Model, ...], case: str, which: int, data: some.DataObject) -> None:
    path, sample = SAMPLES[case]
    content = data.draw(raw(sample))
    answer = post(models[which], path, content)
    note(f"{answer.status_code} {answer.text[:500]!a}")
    assert answer.status_code < 500
    json.loads(answer.content)


@settings(max_examples=FEWER)
@given(data=some.data())
def test_a_model_may_describe_itself_in_any_way(digits: Path, iris: Path, tmp_path_factory: pytest.TempPathFactory, data: some.DataObject) -> None:
    described = yaml.safe_load((data.draw(some.sampled_from([digits, iris])) / "MLmodel").read_text())
    side = data.draw(some.sampled_from(["inputs", "outputs"]))
    if data.draw(some.booleans()) and (described.get("signature") or {}).get(side):
        described["signature"][side] = data.draw(raw(json.loads(described["signature"][side]))).decode("utf-8", errors="replace")
    else:
        described = data.draw(mutated(described))
    directory = tmp_path_factory.mktemp("model", numbered=True)
    text = json.dumps(described).encode()  # JSON is YAML
    (directory / "MLmodel").write_bytes(text[: data.draw(some.integers(0, len(text)))] if data.draw(some.booleans()) else text)
    for read in (read_manifest, load_model):
        try:
            read(directory)
        except NotLoadable as error:
            note(f"not loadable: {error!a}")
