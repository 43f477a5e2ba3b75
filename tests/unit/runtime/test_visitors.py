"""The demo's visitors against a real runtime: what they send is drift to a model that has seen white paper only, and they tell what was right."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import numpy as np
import pytest

from manifests.demo.data.digits import held_out, read, scanned, scanned_held_out
from manifests.demo.visitors.ask import Visits, ask
from tests.unit.predictors.models import save_digits
from tests.unit.runtime.test_labels import SPEC, counted
from treadle.predictors import load_model
from treadle.runtime._routes import inference_application
from treadle.runtime._service import Service


class InProcess(httpx.BaseTransport):
    """Asks the runtime's application without a network, one request after the other."""

    def __init__(self, service: Service) -> None:
        self._application = httpx.ASGITransport(inference_application(service))
        self._loop = asyncio.new_event_loop()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._loop.run_until_complete(self._answer(request))

    def close(self) -> None:
        self._loop.close()

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self._application.handle_async_request(request)
        return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())


@pytest.fixture
def service(tmp_path: Path) -> Service:
    service = Service(SPEC)
    service.loaded(load_model(save_digits(tmp_path)), 0.1)
    return service


def test_visitors_ask_and_tell_what_was_right(service: Service) -> None:
    visits = Visits()
    with httpx.Client(base_url="http://here", transport=InProcess(service)) as client:
        for number, (truth, png) in enumerate([*scanned()][:20]):
            ask(client, "digits", str(number), truth, png, visits)
    told = json.loads(visits.line())
    assert (told["requests"], told["failed"]) == (20, 0)
    assert told["versions"]["7"]["answers"] == 20
    outcomes = counted(service.metrics)
    assert outcomes["7", "right"] == told["versions"]["7"]["right"]
    assert outcomes["7", "right"] + outcomes["7", "wrong"] == 20


def test_digits_of_the_other_scanner_are_read_by_people_and_not_by_the_model(tmp_path: Path) -> None:
    model = load_model(save_digits(tmp_path))
    accuracy = {}
    for name, images in (("white", [*held_out()]), ("grey", [*scanned_held_out()])):
        assert [read(png) for _, png in images] == [truth for truth, _ in images]
        item = np.empty(len(images), dtype=object)
        item[:] = [png for _, png in images]
        answers = model.infer({"item": item}).outputs["label"].tolist()
        accuracy[name] = np.mean([str(answer) == truth for answer, (truth, _) in zip(answers, images, strict=True)])
    assert accuracy["white"] > 0.9
    assert accuracy["grey"] < 0.7


def test_no_image_to_measure_with_is_one_that_visitors_send() -> None:
    sent = {png for _, png in scanned()}
    assert len(sent) == 100
    assert not sent & {png for _, png in scanned_held_out()}
