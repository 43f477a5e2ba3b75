"""A real runtime process over real models: the Open Inference Protocol, MLflow's protocol, metrics, and what is refused."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration import loopback
from tests.integration.runtime_process import Runtime, running
from tests.unit.predictors.models import LABELS, PIXELS, png_text, save_digits, save_iris

HELD_OUT = range(1500, 1700)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    with running(save_digits(tmp_path_factory.mktemp("digits")), request_bytes=200_000) as runtime:
        yield runtime


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    with running(save_iris(tmp_path_factory.mktemp("iris")), model_name="iris") as runtime:
        yield runtime


def images(*indexes: int) -> dict[str, Any]:
    return {"inputs": [{"name": "item", "shape": [len(indexes)], "datatype": "BYTES", "data": [png_text(index) for index in indexes]}]}


def infer(runtime: Runtime, body: Any, path: str = "/v2/models/digits/infer") -> httpx.Response:
    return loopback.post(runtime.url + path, json=body, timeout=30)


def series(runtime: Runtime) -> dict[tuple[str, str], float]:
    """Metric values by name and code."""
    families = text_string_to_metric_families(loopback.get(f"{runtime.url}/metrics", timeout=10).text)
    return {(sample.name, sample.labels.get("code", "")): sample.value for family in families for sample in family.samples}


def test_health_and_metadata_are_told_as_the_protocol_wants(digits: Runtime) -> None:
    get = lambda path: loopback.get(digits.url + path, timeout=10)  # noqa: E731
    assert get("/v2").json().keys() == {"name", "version", "extensions"}
    assert get("/v2/health/live").json() == {"live": True}
    assert get("/v2/health/ready").json() == {"ready": True}
    assert get("/v2/models/digits/ready").json() == {"name": "digits", "ready": True}
    assert get("/v2/models/digits/versions/7/ready").status_code == 200
    assert get("/v2/models/digits").json() == {
        "name": "digits",
        "versions": ["7"],
        "platform": "mlflow_sklearn",
        "inputs": [{"name": "item", "datatype": "BYTES", "shape": [-1]}, {"name": "input-0", "datatype": "FP64", "shape": [-1, 64]}],
        "outputs": [{"name": "label", "datatype": "BYTES", "shape": [-1]}, {"name": "score", "datatype": "FP64", "shape": [-1]}],
    }


def test_true_labels_are_counted_for_the_version_that_answered(digits: Runtime) -> None:
    assert "parameters" not in infer(digits, images(1500)).json(), "who names no request wants to hear of it no more"
    answer = infer(digits, images(1500, 1501) | {"id": "order-42"}).json()
    told = {"id": answer["parameters"]["feedback_id"], "labels": [answer["outputs"][0]["data"][0], "nonsense"]}
    assert loopback.post(f"{digits.url}/feedback", json=told, timeout=10).json() == {"right": 1}
    assert loopback.post(f"{digits.url}/feedback", json={"id": "42", "labels": ["3"]}, timeout=10).status_code == 400
    families = {family.name: family for family in text_string_to_metric_families(loopback.get(f"{digits.url}/metrics", timeout=10).text)}
    samples = families["treadle_serving_labelled_answers"].samples
    assert {s.labels["outcome"]: s.value for s in samples if s.name.endswith("_total")} == {"right": 1, "wrong": 1}


def test_held_out_images_get_the_right_digit(digits: Runtime) -> None:
    answer = infer(digits, images(*HELD_OUT) | {"id": "42"}).json()
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("digits", "7", "42")
    outputs = {output["name"]: output for output in answer["outputs"]}
    assert outputs["label"]["datatype"] == "BYTES"
    assert outputs["label"]["shape"] == [len(HELD_OUT)]
    right = sum(label == LABELS[index] for label, index in zip(outputs["label"]["data"], HELD_OUT, strict=True))
    assert right / len(HELD_OUT) > 0.85
    assert all(0 < score <= 1 for score in outputs["score"]["data"])


def test_pixels_may_be_sent_flat_or_nested_and_outputs_chosen(digits: Runtime) -> None:
    rows = PIXELS[1500:1502]
    tensor = {"name": "input-0", "shape": [2, 64], "datatype": "FP64"}
    nested = infer(digits, {"inputs": [tensor | {"data": rows.tolist()}], "outputs": [{"name": "label"}]}).json()
    flat = infer(digits, {"inputs": [tensor | {"data": rows.reshape(-1).tolist()}], "outputs": [{"name": "label"}]}).json()
    assert nested == flat
    assert [output["name"] for output in flat["outputs"]] == ["label"]


def test_mlflow_clients_are_answered(digits: Runtime, iris: Runtime) -> None:
    invoke = lambda runtime, body: loopback.post(f"{runtime.url}/invocations", json=body, timeout=10).json()  # noqa: E731
    columns = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
    row = [5.1, 3.5, 1.4, 0.2]
    assert invoke(iris, {"dataframe_split": {"columns": columns, "data": [row, row]}}) == {"predictions": [0, 0]}
    assert invoke(iris, {"dataframe_records": [dict(zip(columns, row, strict=True))]}) == {"predictions": [0]}
    assert invoke(iris, {"inputs": {name: [value] for name, value in zip(columns, row, strict=True)}}) == {"predictions": [0]}
    assert invoke(digits, {"instances": PIXELS[:1].tolist()}) == {"predictions": [LABELS[0]]}
    assert invoke(digits, {"inputs": {"item": [png_text(0)]}}) == {"predictions": [LABELS[0]]}


TENSOR = {"name": "input-0", "shape": [1, 64], "datatype": "FP64", "data": [0.0] * 64}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "JSON object"),
        ({}, "`inputs`"),
        ({"inputs": []}, "`inputs`"),
        ({"inputs": [{}]}, "name"),
        ({"inputs": [TENSOR, TENSOR]}, "twice"),
        ({"inputs": [TENSOR | {"shape": [1, 63]}]}, "63"),
        ({"inputs": [TENSOR | {"shape": [-1, 64]}]}, "shape"),
        ({"inputs": [TENSOR | {"shape": "x"}]}, "shape"),
        ({"inputs": [TENSOR | {"datatype": "FP128"}]}, "FP128"),
        ({"inputs": [TENSOR | {"datatype": ["FP64"]}]}, "datatype"),
        ({"inputs": [TENSOR | {"data": ["a"] * 64}]}, "FP64"),
        ({"inputs": [TENSOR | {"data": [[0.0], [0.0, 1.0]]}]}, "FP64"),
        ({"inputs": [TENSOR | {"name": "item", "datatype": "BYTES", "data": ["?"], "shape": [1]}]}, "base64"),
        ({"inputs": [TENSOR | {"name": "item", "datatype": "BYTES", "data": ["aGVsbG8="], "shape": [1]}]}, "not an image"),
        ({"inputs": [TENSOR | {"name": "item", "datatype": "BYTES", "data": json.loads("[" * 700 + "]" * 700), "shape": [0]}]}, "strings"),
        ({"inputs": [TENSOR], "outputs": [{"name": "colour"}]}, "colour"),
    ],
)
def test_wrong_input_is_told_in_words(digits: Runtime, body: Any, words: str) -> None:
    answer = infer(digits, body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_a_body_that_is_not_json_or_too_large_or_of_another_type_is_refused(digits: Runtime) -> None:
    post = lambda **more: loopback.post(f"{digits.url}/v2/models/digits/infer", timeout=10, **more)  # noqa: E731
    assert post(content=b"{").status_code == 400
    assert post(content=b"[" * 100_000).status_code == 400
    assert post(content=b" " * 200_001).status_code == 413
    assert post(content=iter([b" " * 150_000] * 2)).status_code == 413
    assert post(content=b"a,b", headers={"content-type": "text/csv"}).status_code == 415


def test_another_model_version_path_or_method_is_not_found(digits: Runtime) -> None:
    assert infer(digits, images(0), "/v2/models/cats/infer").status_code == 404
    assert infer(digits, images(0), "/v2/models/digits/versions/8/infer").status_code == 404
    assert "error" in loopback.get(f"{digits.url}/nothing", timeout=10).json()
    assert loopback.get(f"{digits.url}/v2/models/digits/infer", timeout=10).status_code == 405


def test_metrics_count_answers_by_code_and_say_whose_they_are(digits: Runtime) -> None:
    before = series(digits)
    infer(digits, images(0))
    infer(digits, {})
    after = series(digits)
    grown = {key: after[key] - before[key] for key in before}
    assert grown["treadle_serving_requests_total", "200"] == 1
    assert grown["treadle_serving_requests_total", "400"] == 1
    assert after["treadle_serving_requests_total", "500"] == 0
    assert grown["treadle_serving_request_duration_seconds_count", ""] == 1
    assert after["treadle_serving_requests_in_flight", ""] == 0
    assert (
        'treadle_serving_model_info{deployment="digits",flavour="sklearn",model="digits",model_version="7",namespace="ml",revision="abc123"} 1.0'
        in (loopback.get(f"{digits.url}/metrics", timeout=10).text)
    )


def test_the_control_port_says_that_no_weight_was_applied(digits: Runtime) -> None:
    state = loopback.get(f"{digits.control_url}/control/state", timeout=10).json()
    told = {"namespace": "ml", "deployment": "digits", "revision": "abc123", "sequence": 0, "weight": 0, "shadow": 0}
    assert {name: state[name] for name in told} == told
    assert loopback.get(f"{digits.control_url}/v2/models/digits", timeout=10).status_code == 404
    assert loopback.get(f"{digits.url}/control/state", timeout=10).status_code == 404
