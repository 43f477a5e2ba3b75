"""Requests that do not fit the model are counted by what does not fit, and only those."""

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.unit.predictors.models import save_iris
from treadle.contracts.serving import RuntimeSpec
from treadle.predictors import Model, load_model
from treadle.runtime._routes import inference_application
from treadle.runtime._service import Service

ROW = {"sepal length (cm)": 5.1, "sepal width (cm)": 3.5, "petal length (cm)": 1.4, "petal width (cm)": 0.2}
WIDTH = "sepal width (cm)"


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(save_iris(tmp_path_factory.mktemp("iris")))


def counted(model: Model, body: Any) -> tuple[int, Mapping[str, float]]:
    """The code of the answer, and which misfits were counted."""
    who = {"namespace": "ml", "deployment": "iris", "revision": "abc123", "model_name": "iris", "model_version": "7"}
    service = Service(RuntimeSpec.model_validate(who))
    service.loaded(model, 0.1)

    async def ask() -> tuple[int, str]:
        transport = httpx.ASGITransport(inference_application(service))
        async with httpx.AsyncClient(transport=transport, base_url="http://iris.ml.svc") as client:
            try:
                content = body if isinstance(body, bytes) else json.dumps(body)
                answer = await client.post("/invocations", content=content, headers={"content-type": "application/json"})
                return answer.status_code, (await client.get("/metrics")).text
            finally:
                await service.close()

    code, text = asyncio.run(ask())
    found = re.findall(r'^treadle_serving_unfit_requests_total\{.*misfit="(\w+)".*\} (\S+)$', text, re.MULTILINE)
    assert len(found) == 6, "each is there from the start, so that a rate over it is 0 and not missing"
    return code, {misfit: float(number) for misfit, number in found if float(number)}


@pytest.mark.parametrize(
    ("body", "code", "misfits"),
    [
        ({"dataframe_records": [ROW]}, 200, {}),
        (b"{", 400, {"Form": 1}),
        ({"rows": []}, 400, {"Form": 1}),
        ({"dataframe_records": [{**ROW, "colour": 1.0}]}, 400, {"Unknown": 1}),
        ({"dataframe_records": [{name: value for name, value in ROW.items() if name != WIDTH}]}, 400, {"Missing": 1}),
        ({"inputs": [[1.0, 2.0, 3.0]]}, 400, {"Shape": 1}),
        ({"dataframe_records": [{**ROW, WIDTH: "wide"}]}, 400, {"Type": 1}),
        ({"dataframe_records": [{**ROW, WIDTH: float("nan")}]}, 400, {"Values": 1}),
    ],
    ids=["fits", "no JSON", "no format", "unknown", "missing", "shape", "type", "values"],
)
def test_what_does_not_fit_is_counted(iris: Model, body: Any, code: int, misfits: Mapping[str, float]) -> None:
    assert counted(iris, body) == (code, misfits)
