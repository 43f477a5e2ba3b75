"""A Label Studio, an owner of its own, what people do there, and a network that breaks where it is told to."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration import loopback
from tests.integration.servers import LabelStudioServer
from treadle.api.reasons import Reason
from treadle.connections.installation import LabelStudioSettings, Owner
from treadle.connections.label_studio import LabelStudio
from treadle.connections.labelling import CloseLabellingProject, EnsureLabellingProject, FindLabellingProject, LabellingProject, Setup
from treadle.contracts.labels import LabelClass, LabelSchema
from treadle.plan import Effect, Trouble
from treadle.tasks.image_classification import IMAGE_CLASSIFICATION

NAMES = (f"project-{number}" for number in itertools.count())
CONNECTION = "labelStudio/default"


def configuration(*labels: str) -> str:
    return IMAGE_CLASSIFICATION.configuration(LabelSchema(task="ImageClassification", labels=tuple(LabelClass(name=label) for label in labels)))


def setup(*labels: str, **changes: Any) -> Setup:
    return Setup(**{"title": "Digits", "configuration": configuration(*labels or ("0", "1")), "guidelines": "Look twice:\n<b>1</b> & 7", **changes})


class Cut(httpx.AsyncBaseTransport):
    """The network, until it breaks: the call number `after` reaches the server, its answer does not come back, and nothing goes through later."""

    def __init__(self, after: int | None = None) -> None:
        self.calls = 0
        self.paths: set[str] = set()
        self._after = after
        self._network = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        self.paths.add(request.url.path)
        if self._after is not None and self.calls > self._after:
            raise httpx.ConnectError("cut")
        response = await self._network.handle_async_request(request)
        if self.calls == self._after:
            await response.aread()
            raise httpx.ReadError("cut")
        return response


class Deletions(httpx.AsyncBaseTransport):
    """The network, which counts deletions and how many were under way at once."""

    def __init__(self) -> None:
        self.total = self.most_at_once = self._now = 0
        self._network = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        deletion = int(request.method == "DELETE")
        self.total += deletion
        self._now += deletion
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            return await self._network.handle_async_request(request)
        finally:
            self._now -= deletion


class Bench:
    """A Label Studio, an owner of its own, and what people do there."""

    def __init__(self, server: LabelStudioServer, token_file: Path) -> None:
        self._server = server
        self.settings = LabelStudioSettings(url=server.url, token_file=str(token_file), browser_url="https://label.example")
        self.owner = Owner("here", "ml", next(NAMES), "uid-1")
        self.http = loopback.Client(base_url=server.url, headers={"authorization": f"Token {server.token}"}, timeout=30)

    def ensure(self, wanted: Setup | None = None, adopt: int | None = None, owner: Owner | None = None) -> EnsureLabellingProject:
        return EnsureLabellingProject(connection=CONNECTION, owner=owner or self.owner, setup=wanted or setup(), adopt=adopt)

    def find(self, adopt: int | None = None) -> FindLabellingProject:
        return FindLabellingProject(connection=CONNECTION, owner=self.owner, adopt=adopt)

    def close(self, project: int) -> CloseLabellingProject:
        return CloseLabellingProject(connection=CONNECTION, owner=self.owner, project=project)

    @asynccontextmanager
    async def connected(self, after: int | None = None) -> AsyncIterator[tuple[LabelStudio, Cut]]:
        network = Cut(after)
        client = LabelStudio(self.settings, transport=network)
        try:
            yield client, network
        finally:
            await client.close()

    async def carry_out(self, effect: Effect) -> LabellingProject | None:
        async with self.connected() as (client, _):
            answers = await client.carry_out(effect)
        return next((a for q, a in answers.items() if isinstance(q, FindLabellingProject) and isinstance(a, LabellingProject)), None)

    async def ask(self, *questions: Any) -> list[Any]:
        async with self.connected() as (client, network):
            answers = await client.answer(questions)
            assert len(network.paths - {"/api/token/refresh"}) <= 2, "questions are asked in one batch"
            assert network.calls <= 3 + len([q for q in questions if not isinstance(q, FindLabellingProject)])
        return [answers[question] for question in questions]

    def mine(self) -> list[int]:
        listed = self.http.get("/api/projects/", params={"page_size": 1000}).json()["results"]
        return sorted(p["id"] for p in listed if f" {self.owner.identity} " in (p["description"] or "").replace("\n", " "))

    def make_task(self, project: int, count: int = 1) -> list[int]:
        body = [{"data": {"image": f"https://x.example/{n}.png"}} for n in range(count)]
        reply = self.http.post(f"/api/projects/{project}/import", params={"return_task_ids": "true"}, json=body)
        assert reply.status_code == 201, reply.text
        return [int(i) for i in reply.json()["task_ids"]]

    def twin(self, description: str) -> int:
        """What a call that was given up may leave behind, when it is carried out all the same."""
        body = {"title": "Twin", "description": description, "label_config": configuration("0")}
        return int(self.http.post("/api/projects/", json=body).json()["id"])

    def second_person(self) -> dict[str, str]:
        return {"authorization": f"Token {self._server.make_user(f'{self.owner.name}@example.com')}"}

    def annotate(self, task: int, label: str = "0", person: dict[str, str] | None = None, **more: Any) -> int:
        result = [{"from_name": "label", "to_name": "item", "type": "choices", "value": {"choices": [label]}}]
        reply = self.http.post(f"/api/tasks/{task}/annotations/", json={"result": result, **more}, headers=person)
        assert reply.status_code == 201, reply.text
        return int(reply.json()["id"])


async def cut_everywhere(bench: Bench, prepare: Callable[[], Any], check: Callable[[], Any]) -> None:
    for after in range(1, 50):
        bench.owner = Owner("here", "ml", next(NAMES), "uid-1")
        effect = await prepare()
        async with bench.connected(after) as (client, network):
            outcome: object = (await asyncio.gather(client.carry_out(effect), return_exceptions=True))[0]
        if not isinstance(outcome, BaseException):
            assert network.calls < after, "an answer that was cut went unnoticed"
            return
        assert isinstance(outcome, Trouble), outcome
        assert outcome.condition.reason is Reason.Unreachable
        await check()
    raise AssertionError("does not end within 50 calls")


@contextmanager
def bench_at(server: LabelStudioServer, folder: Path) -> Iterator[Bench]:
    """A bench for one test; what it opened is closed."""
    (folder / "token").write_text(server.token + "\n")
    made = Bench(server, folder / "token")
    with made.http:
        yield made


@pytest.fixture
def bench(label_studio: LabelStudioServer, tmp_path: Path) -> Iterator[Bench]:
    with bench_at(label_studio, tmp_path) as bench:
        yield bench
