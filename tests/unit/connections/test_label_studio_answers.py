"""What Label Studio may answer instead of an answer, and how it is worded. What it does right is tested against a real one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from treadle.api.reasons import Reason
from treadle.connections.installation import LabelStudioSettings, Owner
from treadle.connections.label_studio import LabelStudio
from treadle.connections.labelling import EnsureLabellingProject, FindLabellingProject, Setup
from treadle.plan import Trouble

OWNER = Owner("here", "ml", "digits", "uid-1")
FIND = FindLabellingProject(connection="labelStudio/default", owner=OWNER)
ENSURE = EnsureLabellingProject(connection="labelStudio/default", owner=OWNER, setup=Setup(title="Digits", configuration="<View/>"))
EMPTY: dict[str, Any] = {"count": 0, "next": None, "previous": None, "results": []}
URL = "http://label-studio.example:8080"
PAT = "eyJ0eXAi.eyJleHAi.c2lnbmF0dXJl"


class Server:
    """Answers by path; notes what it was sent."""

    def __init__(self, answers: Callable[[httpx.Request], httpx.Response]) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = answers

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answers(request)


async def asked(
    folder: Path, answers: Callable[[httpx.Request], httpx.Response], token: str = "f" * 40, clock: Callable[[], float] = lambda: 0.0
) -> Any:
    """What comes of one question; also the server, to see what it was sent."""
    (folder / "token").write_text(token)
    server = Server(answers)
    client = LabelStudio(LabelStudioSettings(url=URL, token_file=str(folder / "token")), transport=httpx.MockTransport(server))
    try:
        return await client.answer([FIND]), server
    except Trouble as trouble:
        return trouble.condition, server
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("response", "reason", "stalled"),
    [
        (httpx.Response(404, html="<h1>Page not found</h1>"), Reason.UnexpectedAnswer, False),
        (httpx.Response(200, html="<h1>Welcome</h1>"), Reason.UnexpectedAnswer, False),
        (httpx.Response(200, json={"id": "6ba7b810", "detail": "an error has an id too"}), Reason.UnexpectedAnswer, False),
        (httpx.Response(200, json={"results": [{"id": "x"}], "next": None}), Reason.UnexpectedAnswer, False),
        (httpx.Response(200, json=[1, 2]), Reason.UnexpectedAnswer, False),
        (httpx.Response(400, json={"id": "6ba7b810", "detail": "bad"}), Reason.UnexpectedAnswer, False),
        (httpx.Response(401, json={"detail": "Invalid token."}), Reason.Unauthorized, True),
        (httpx.Response(403, json={"detail": "no"}), Reason.Unauthorized, True),
        (httpx.Response(429, json={}), Reason.Unreachable, False),
        (httpx.Response(500, text="oops"), Reason.Unreachable, False),
        (httpx.Response(503, html="<h1>starting</h1>"), Reason.Unreachable, False),
    ],
)
async def test_no_answer_is_mistaken_for_one(tmp_path: Path, response: httpx.Response, reason: Reason, stalled: bool) -> None:
    said, _ = await asked(tmp_path, lambda request: response)
    assert (said.reason, said.stalled) == (reason, stalled)
    assert URL in said.message
    assert "\n" not in said.message


async def test_a_redirect_is_told_and_never_followed_with_the_token(tmp_path: Path) -> None:
    said, server = await asked(tmp_path, lambda request: httpx.Response(302, headers={"location": "http://elsewhere.example/"}))
    assert said.reason is Reason.UnexpectedAnswer
    assert "http://elsewhere.example/" in said.message
    assert {request.url.host for request in server.requests} == {"label-studio.example"}


async def test_a_server_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    said, _ = await asked(tmp_path, refuse)
    assert said.reason is Reason.Unreachable
    assert "connection refused" in said.message


async def test_all_pages_are_read(tmp_path: Path) -> None:
    tag = f"treadle.dev/owner: {OWNER.identity} uid=uid-0 guidelines=x"

    def pages(request: httpx.Request) -> httpx.Response:
        if "ids" in request.url.params:
            return httpx.Response(200, json={**EMPTY, "results": [{"id": 7, "description": tag, "label_config": "<View/>"}]})
        last = request.url.params["page"] == "2"
        listed = [{"id": 7, "description": tag}] if last else [{"id": 1}]
        return httpx.Response(200, json={**EMPTY, "next": None if last else "more", "results": listed})

    answers, _ = await asked(tmp_path, pages)
    assert answers[FIND].id == 7


async def test_a_project_that_moves_out_of_sight_is_not_taken_for_gone(tmp_path: Path) -> None:
    """Another one is deleted between two pages: what would have been first on the second page is the last on the first one by then."""
    tag = f"treadle.dev/owner: {OWNER.identity} uid=uid-0 guidelines=x"
    readings = iter([(2, [{"id": 1}]), (1, []), (1, [{"id": 7, "description": tag}])])

    def pages(request: httpx.Request) -> httpx.Response:
        if "ids" in request.url.params:
            return httpx.Response(200, json={**EMPTY, "count": 1, "results": [{"id": 7, "description": tag, "label_config": "<View/>"}]})
        assert request.url.params["ordering"] == "id", "what is made meanwhile comes last"
        count, listed = next(readings)
        return httpx.Response(200, json={**EMPTY, "count": count, "next": "more" if count == 2 else None, "results": listed})

    answers, _ = await asked(tmp_path, pages)
    assert answers[FIND].id == 7


async def test_a_list_that_never_stays_the_same_is_no_answer(tmp_path: Path) -> None:
    def pages(request: httpx.Request) -> httpx.Response:
        first = request.url.params["page"] == "1"
        return httpx.Response(200, json={**EMPTY, "count": 2 if first else 1, "next": "more" if first else None, "results": []})

    said, _ = await asked(tmp_path, pages)
    assert said.reason is Reason.UnexpectedAnswer
    assert "some went each of 3 times" in said.message


async def test_a_personal_token_is_changed_into_access_tokens_that_are_used_for_four_minutes(tmp_path: Path) -> None:
    now, given = [0.0], iter(f"access-{n}" for n in range(10))

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/token/refresh":
            return httpx.Response(200, json={"access": next(given)})
        return httpx.Response(200, json=EMPTY)

    (tmp_path / "token").write_text(PAT)
    server = Server(answer)
    settings = LabelStudioSettings(url=URL, token_file=str(tmp_path / "token"))
    client = LabelStudio(settings, clock=lambda: now[0], transport=httpx.MockTransport(server))
    for moment in (0.0, 100.0, 239.0, 241.0):
        now[0] = moment
        await client.answer([FIND])
    await client.close()
    used = [request.headers["authorization"] for request in server.requests if request.url.path == "/api/projects/"]
    assert used == ["Bearer access-0", "Bearer access-0", "Bearer access-0", "Bearer access-1"]
    refreshed = [request for request in server.requests if request.url.path == "/api/token/refresh"]
    assert all("authorization" not in request.headers for request in refreshed)


async def test_an_access_token_that_is_refused_is_renewed_once(tmp_path: Path) -> None:
    given = iter(("old", "new"))

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/token/refresh":
            return httpx.Response(200, json={"access": next(given)})
        return httpx.Response(200, json=EMPTY) if request.headers["authorization"] == "Bearer new" else httpx.Response(401, json={})

    answers, _ = await asked(tmp_path, answer, PAT)
    assert answers == {FIND: None}


@pytest.mark.parametrize(("status", "reason"), [(401, Reason.Unauthorized), (404, Reason.Unauthorized), (500, Reason.Unreachable)])
async def test_a_personal_token_that_is_not_taken_is_told_without_it(tmp_path: Path, status: int, reason: Reason) -> None:
    said, _ = await asked(tmp_path, lambda request: httpx.Response(status, text="no"), PAT)
    assert said.reason is reason
    assert PAT not in said.message


@pytest.mark.parametrize("content", [None, "", "  \n"])
async def test_a_token_file_that_is_missing_or_empty_stalls(tmp_path: Path, content: str | None) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_text(content)
    client = LabelStudio(LabelStudioSettings(url=URL, token_file=str(token)), transport=httpx.MockTransport(lambda request: httpx.Response(200)))
    with pytest.raises(Trouble) as trouble:
        await client.answer([FIND])
    await client.close()
    assert trouble.value.condition.reason is Reason.Unauthorized
    assert trouble.value.condition.stalled


async def test_a_project_that_does_not_keep_its_set_up_is_not_set_up_for_ever(tmp_path: Path) -> None:
    """Else the operator and Label Studio would write in turns."""
    tag = f"treadle.dev/owner: {OWNER.identity} uid=uid-1 guidelines=x"
    stubborn = {**EMPTY, "results": [{"id": 7, "description": tag, "label_config": "<View><Other/></View>"}]}

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=stubborn if request.method == "GET" else {})

    (tmp_path / "token").write_text("f" * 40)
    client = LabelStudio(LabelStudioSettings(url=URL, token_file=str(tmp_path / "token")), transport=httpx.MockTransport(answer))
    with pytest.raises(Trouble) as trouble:
        await client.carry_out(ENSURE)
    await client.close()
    assert trouble.value.condition.reason is Reason.UnexpectedAnswer
    assert trouble.value.condition.stalled
