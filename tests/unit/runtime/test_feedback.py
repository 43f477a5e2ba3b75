"""What a pod keeps for people: real images through a real model, chosen beside the requests and spooled whole."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.unit.predictors.models import PIXELS, png, save_digits, save_iris
from tests.unit.runtime.test_drift import Clock
from treadle.contracts.feedback import FeedbackNote
from treadle.contracts.serving import RuntimeSpec
from treadle.contracts.sketch import Reference
from treadle.contracts.traffic import TrafficOrder
from treadle.predictors import Model, feature_columns, load_model
from treadle.runtime import _feedback
from treadle.runtime._bodies import BINARY_SIZE, HEADER_LENGTH
from treadle.runtime._drift import Drift
from treadle.runtime._feedback import Feedback
from treadle.runtime._metrics import RuntimeMetrics
from treadle.runtime._routes import inference_application
from treadle.runtime._service import Service
from treadle.statistics.sketches import sketch_of

DAY = 24 * 3600
EVERYTHING = {"when": "Random", "percent": 100}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(save_digits(tmp_path_factory.mktemp("digits")))


class Pod:
    """A model, and what keeps items for it."""

    def __init__(self, spool: Path, model: Model, *choices: dict[str, Any], per_day: int = 500) -> None:
        self.model, self.spool, self.clock = model, spool, Clock(1_000_000 * 3600)
        known = model.infer({"input-0": PIXELS[:500]})
        sketch = sketch_of(known.rows, feature_columns(known.given), model.answer_columns(known))
        (spool / "reference").write_text(Reference(split="test", sketch=sketch).to_json())
        told = {"namespace": "ml", "deployment": "digits", "revision": "abc123", "model_name": "digits", "model_version": "7", "drift_seconds": 3600}
        kept = {"choices": choices, "per_day": per_day, "directory": str(spool)}
        spec = RuntimeSpec.model_validate(told | {"reference_file": str(spool / "reference"), "feedback": kept})
        self.spec = spec
        self.metrics = RuntimeMetrics(spec)
        self.drift = Drift(spec, self.metrics, self.clock)
        self.feedback = Feedback(spec, self.drift, self.metrics, self.clock, chance=lambda: 0.5)
        self.feedback.begin(model)

    def ask(self, *items: bytes) -> None:
        inputs = {"item": np.asarray([*items, None], dtype=object)[:-1]}
        prediction = self.model.infer(inputs)
        self.drift.seen(self.model, prediction)
        self.feedback.seen(inputs, prediction)

    def kept(self) -> Iterator[tuple[FeedbackNote, bytes]]:
        self.feedback.choose()
        for path in sorted(self.spool.glob("*.json")):
            yield FeedbackNote.model_validate_json(path.read_bytes()), path.with_suffix(".item").read_bytes()


def test_items_are_kept_whole_with_what_the_model_said(tmp_path: Path, model: Model) -> None:
    pod = Pod(tmp_path, model, EVERYTHING)
    pod.ask(png(1500))
    ((note, item),) = pod.kept()
    assert item == png(1500)
    assert (note.when, note.extension, note.model_version, note.deployment, note.day) == ("Random", "png", "7", "ml/digits", "2084-01-29")
    assert note.label == model.infer({"item": np.asarray([png(1500)], dtype=object)}).outputs["label"][0]


def test_only_uncertain_items_are_kept_where_only_these_are_wanted(tmp_path: Path, model: Model) -> None:
    images = [png(index) for index in range(1500, 1600)]
    scores = model.infer({"item": np.asarray(images, dtype=object)}).outputs["score"]
    pod = Pod(tmp_path, model, {"when": "Uncertain", "below": 0.6})
    for start in range(0, 100, 50):
        pod.ask(*images[start : start + 50])
    kept = list(pod.kept())
    assert 0 < len(kept) == int((scores < 0.6).sum())
    assert all(note.when == "Uncertain" and note.score is not None and note.score < 0.6 for note, _ in kept)


def test_an_item_is_kept_once(tmp_path: Path, model: Model) -> None:
    pod = Pod(tmp_path, model, EVERYTHING)
    for _ in range(3):
        pod.ask(png(1), png(1), png(2))
    assert len(list(pod.kept())) == 2


def test_a_share_of_all_is_a_share(tmp_path: Path, model: Model) -> None:
    pod = Pod(tmp_path, model, {"when": "Random", "percent": 50})
    pod.ask(png(1))
    assert list(pod.kept()) == [], "the chance is 0.5 here, which is not below 50 %"


def test_no_pod_keeps_more_than_the_days_bound_and_the_next_day_has_its_own(tmp_path: Path, model: Model) -> None:
    pod = Pod(tmp_path, model, EVERYTHING, per_day=3)
    pod.ask(*(png(index) for index in range(5)))
    assert len(list(pod.kept())) == 3
    pod.clock.now += DAY
    pod.ask(png(7))
    assert len(list(pod.kept())) == 4


def test_a_full_spool_and_a_full_queue_drop_and_count(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_feedback, "SPOOLED_LIMIT", 2)
    monkeypatch.setattr(_feedback, "WAITING_LIMIT", 4)
    pod = Pod(tmp_path, model, EVERYTHING)
    for index in range(6):
        pod.ask(png(index))
    assert len(list(pod.kept())) == 2
    assert b'feedback_dropped_total{deployment="digits",model_version="7",namespace="ml",revision="abc123"} 4.0' in pod.metrics.exposition()


def test_items_that_look_as_too_many_do_now_are_drifted(tmp_path: Path, model: Model) -> None:
    pod = Pod(tmp_path, model, {"when": "Drifted"})
    blank = _blank()
    pod.ask(*[png(index) for index in range(600, 632)])
    assert list(pod.kept()) == [], "no window is whole yet"
    for _ in range(20):
        pod.ask(*[blank] * 64)
        pod.drift.count()
    pod.clock.now += 3600
    pod.drift.count()
    pod.ask(blank)
    assert [note.when for note, _ in pod.kept()] == ["Drifted"]


def test_what_two_versions_answer_differently_is_kept_as_disputed(tmp_path: Path, model: Model) -> None:
    pod = Pod(tmp_path, model, {"when": "Disputed"})
    for inputs in ({"item": np.asarray([png(3)], dtype=object)}, {"input-0": PIXELS[:1]}):
        pod.feedback.disputed(inputs, model.infer(inputs))
    pod.ask(png(4))
    assert [(note.when, item) for note, item in pod.kept()] == [("Disputed", png(3))]


async def test_a_disputed_item_is_kept_however_it_was_sent_and_with_the_answer_that_was_given(tmp_path: Path, model: Model) -> None:
    pod = Pod(tmp_path, model, {"when": "Disputed"})
    service = Service(pod.spec)
    service.loaded(model, 0.1)
    item = png(7)
    data = len(item).to_bytes(4, "little") + item
    tensor = {"name": "item", "shape": [1], "datatype": "BYTES", "parameters": {BINARY_SIZE: len(data)}}
    head = json.dumps({"inputs": [tensor]}).encode()
    headers = {HEADER_LENGTH: str(len(head)), "content-type": "application/octet-stream"}
    runtime = httpx.ASGITransport(inference_application(service))
    async with another_version() as url, httpx.AsyncClient(transport=runtime, base_url="http://here") as caller:
        told = {"namespace": "ml", "deployment": "digits", "revision": "abc123", "sequence": 1, "expires": time.time() + 60, "canary": url}
        service.traffic.apply(TrafficOrder.model_validate(told | {"shadow": 100}))
        answer = await caller.post("/v2/models/digits/infer", content=head + data, headers=headers)
        deadline = time.monotonic() + 10
        while not service.traffic.counts.compared:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
    service.feedback.choose()
    ((note, kept),) = pod.kept()
    assert (note.when, kept) == ("Disputed", item)
    (label,) = (output["data"][0] for output in answer.json()["outputs"] if output["name"] == "label")
    assert note.label == str(label)
    await service.close()


@asynccontextmanager
async def another_version() -> AsyncIterator[str]:
    """A canary whose answer is always the same; its URL."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(headers.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]))
        said = json.dumps({"model_version": "8", "outputs": [{"name": "label", "shape": [1], "datatype": "BYTES", "data": ["none"]}]}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(said), said))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def test_trouble_of_the_other_container_and_of_the_model_is_told(tmp_path: Path, model: Model) -> None:
    pod = Pod(tmp_path, model, EVERYTHING)
    assert pod.feedback.trouble() is None
    (tmp_path / "trouble").write_text('{"kind":"failure","reason":"StoreAccessDenied","message":"no"}')
    trouble = pod.feedback.trouble()
    assert trouble
    assert trouble.reason == "StoreAccessDenied"
    pod.feedback.begin(load_model(save_iris(tmp_path / "iris")))
    trouble = pod.feedback.trouble()
    assert trouble
    assert trouble.reason == "SignatureNotSupported"


def _blank() -> bytes:
    """A white image."""
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("L", (8, 8), 255).save(file, "PNG")
    return file.getvalue()
