"""The page of `kubectl treadle ui`: what it is told, and who may ask."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.unit.cli.test_status_tree import Object, condition, make
from treadle.api.reasons import Reason
from treadle.cli.ui._history import History, history_from
from treadle.cli.ui._server import Page
from treadle.cli.ui._view import samples_of, view_of
from treadle.plan import Trouble

PROJECT = make("AnnotationProject", "digits", status={"phase": "Annotating", "progress": {"finished": 3, "items": 9, "percent": 33}})
RUN = make(
    "TrainingRun",
    "digits-v1",
    labels={"treadle.dev/project": "digits"},
    spec={"register": {"model": "digits"}},
    status={
        "phase": "Failed",
        "conditions": [condition("Stalled", "True", "GateFailed")],
        "gates": [{"name": "floor", "verdict": "Failed", "value": "0.8"}],
        "tracking": {"url": "https://mlflow.example/#/1"},
        "progress": {"metrics": [{"name": "loss", "value": "0.25"}, {"name": "odd", "value": "NaN"}]},
    },
)
SERVED = make(
    "ModelDeployment",
    "digits",
    spec={"model": {"name": "digits"}},
    status={"url": "javascript:alert(1)", "stable": {"version": "1"}, "canary": {"version": "2", "weight": 25}},
)


@asynccontextmanager
async def opened(page: Page) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    async with TestClient(TestServer(page.application())) as client:
        yield client


def test_the_loop_is_told_as_nodes_in_tree_order_and_edges() -> None:
    view = view_of([SERVED, RUN, PROJECT])
    assert [(node["id"], node["depth"], node["tone"]) for node in view["nodes"]] == [
        ("AnnotationProject/demo/digits", 0, "busy"),
        ("TrainingRun/demo/digits-v1", 1, "bad"),
        ("ModelDeployment/demo/digits", 2, "busy"),
    ]
    assert view["edges"] == [
        ("AnnotationProject/demo/digits", "TrainingRun/demo/digits-v1"),
        ("TrainingRun/demo/digits-v1", "ModelDeployment/demo/digits"),
    ]


def test_only_addresses_of_the_web_become_links() -> None:
    links = {node["kind"]: node["links"] for node in view_of([SERVED, RUN])["nodes"]}
    assert links == {"TrainingRun": [{"words": "tracked run", "url": "https://mlflow.example/#/1"}], "ModelDeployment": []}


def test_who_answers_is_told_with_its_share() -> None:
    (node,) = view_of([SERVED])["nodes"]
    assert [(share["role"], share["version"], share["percent"]) for share in node["shares"]] == [("stable", "1", 75), ("coming", "2", 25)]


def test_a_condition_is_coloured_by_what_it_means() -> None:
    told = [condition("Ready", "True", "Serving"), condition("DriftDetected", "True", "DriftFound"), condition("Reconciling", "True", "RollingOut")]
    told += [
        condition("GatesPassed", "False", "GateFailed"),
        condition("Tracked", "Unknown", "Unreachable"),
        condition("DriftDetected", "False", "NoDrift"),
    ]
    (node,) = view_of([make("ModelDeployment", "a", status={"conditions": told})])["nodes"]
    assert [each["tone"] for each in node["conditions"]] == ["good", "bad", "busy", "bad", "busy", "good"]


def test_what_is_no_number_makes_no_curve() -> None:
    assert samples_of(RUN) == {"loss": 0.25}


async def test_a_curve_grows_by_what_changed_since_the_page_is_open() -> None:
    finished, seconds = iter([3, 3, 4]), iter(range(0, 90, 10))

    async def read() -> list[Object]:
        return [make("AnnotationProject", "digits", status={"progress": {"finished": next(finished)}})]

    page = Page(read, clock=lambda: float(next(seconds)), now=lambda: 100.0)
    async with opened(page) as client:
        for _ in range(3):
            told = await (await client.get(f"/{page.secret}/loop.json")).json()
    assert told["nodes"][0]["curves"] == {"items finished": [[100.0, 3.0], [100.0, 4.0]]}


async def test_only_runs_that_the_page_shows_are_asked_about_and_no_oftener_than_one_can_see() -> None:
    asked, seconds = [], iter([0.0, 0.0, 60.0, 60.0])

    def answers(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path.rpartition("/")[2])
        metrics = [{"key": "loss", "value": value, "timestamp": 1000 * at} for at, value in enumerate((0.5, "NaN", 0.25))]
        latest = [{"key": "loss"}, {"key": "system/cpu"}]
        return httpx.Response(200, json={"metrics": metrics} if "history" in request.url.path else {"run": {"data": {"metrics": latest}}})

    async def read() -> list[Object]:
        return [make("TrainingRun", "a", status={"tracking": {"id": "r1"}})]

    history = History("http://mlflow", clock=lambda: next(seconds), transport=httpx.MockTransport(answers))
    page = Page(read, history)
    async with opened(page) as client:
        await client.get(f"/{page.secret}/loop.json")
        assert await (await client.get(f"/{page.secret}/history.json?run=another")).json() == {"curves": {}}
        assert asked == []
        for _ in range(3):
            told = await (await client.get(f"/{page.secret}/history.json?run=r1")).json()
            assert told == {"curves": {"loss": [[0.0, 0.5], [2.0, 0.25]]}}
    assert asked == ["get", "get-history"] * 2, "the second answer was known already"
    await history.close()


@pytest.mark.parametrize("body", [b"[]", b"null", b'{"run": {"data": {"metrics": [7, {"key": null}]}}, "metrics": [{"value": {}}, 3]}', b"<html>"])
async def test_whatever_answers_in_mlflows_place_the_page_goes_on(body: bytes) -> None:
    async def read() -> list[Object]:
        return [make("TrainingRun", "a", status={"tracking": {"id": "r1"}})]

    history = History("http://mlflow", transport=httpx.MockTransport(lambda _: httpx.Response(200, content=body)))
    page = Page(read, history)
    async with opened(page) as client:
        await client.get(f"/{page.secret}/loop.json")
        told = await (await client.get(f"/{page.secret}/history.json?run=r1")).json()
        assert told["curves"] == {}
    await history.close()


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, None),
        ({"MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"}, None),
        ({"MLFLOW_TRACKING_URI": "http://m"}, ""),
        ({"MLFLOW_TRACKING_URI": "http://m", "MLFLOW_TRACKING_TOKEN": "t"}, "Bearer t"),
        ({"MLFLOW_TRACKING_URI": "http://m", "MLFLOW_TRACKING_USERNAME": "a", "MLFLOW_TRACKING_PASSWORD": "b"}, "Basic YTpi"),
    ],
)
def test_the_users_own_mlflow_is_asked_with_the_users_own_credentials(variables: Mapping[str, str], wanted: str | None) -> None:
    history = history_from(variables)
    assert (history is None) is (wanted is None)
    if history is not None and wanted is not None:
        request = httpx.Request("GET", "http://m")
        if history.auth is not None:
            request = next(history.auth.auth_flow(request))
        assert request.headers.get("authorization", "") == wanted


async def test_what_did_not_change_is_not_sent_again_and_the_cluster_is_asked_once_for_all() -> None:
    asked = []

    async def read() -> list[Object]:
        asked.append(1)
        return [PROJECT]

    page = Page(read, clock=lambda: 0.0)
    async with opened(page) as client:
        first = await client.get(f"/{page.secret}/loop.json")
        again = await client.get(f"/{page.secret}/loop.json", headers={"If-None-Match": first.headers["ETag"]})
        assert (first.status, again.status, len(asked)) == (200, 304, 1)


async def test_nobody_gets_in_without_the_secret_or_by_another_name() -> None:
    async def read() -> list[Object]:
        return []

    page = Page(read)
    async with opened(page) as client:
        assert (await client.get("/")).status == 404
        assert (await client.get("/loop.json")).status == 404
        rebound = await client.get(f"/{page.secret}/loop.json", headers={"Host": "evil.example:80"})
        assert rebound.status == 403
        served = await client.get(f"/{page.secret}/")
        assert served.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "http" not in (await served.text()).replace("https", "http").replace('charset="utf-8"', "")


async def test_a_cluster_that_does_not_answer_is_told_on_the_page() -> None:
    async def read() -> list[Object]:
        raise Trouble(Reason.Unreachable, "the API server does not answer")

    page = Page(read)
    async with opened(page) as client:
        reply = await client.get(f"/{page.secret}/loop.json")
        assert (reply.status, await reply.json()) == (502, {"error": "Unreachable: the API server does not answer"})
