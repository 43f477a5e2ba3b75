"""What Label Studio says when it does not do what a Job asks, and what people are told."""

from collections.abc import Callable

import httpx
import pytest

from treadle.api.reasons import Reason
from treadle.contracts import ExitCode, LabelStudioConnection
from treadle.jobs._failure import JobFailure
from treadle.jobs._label_studio import LabelStudio
from treadle.jobs._places import Keys

EMPTY = {"total": 0, "tasks": []}
KEYS = Keys("http://10.0.0.7:7070", "us-east-1", "a", "b")
Answer = Callable[[httpx.Request], httpx.Response]


def backend(answer: Answer, monkeypatch: pytest.MonkeyPatch, token: str = "legacy") -> LabelStudio:
    monkeypatch.setenv("LABEL_STUDIO_TOKEN", token)
    return LabelStudio(LabelStudioConnection(url="http://labels.example", project=7), httpx.MockTransport(answer))


def test_an_access_token_that_expires_within_the_job_is_bought_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    bought: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/token/refresh":
            bought.append(f"access-{len(bought) + 1}")
            return httpx.Response(200, json={"access": bought[-1]})
        fresh = request.headers["authorization"] == f"Bearer {bought[-1]}" and not (len(bought) == 1 and expired)
        return httpx.Response(200, json=EMPTY) if fresh else httpx.Response(401, json={"detail": "Token is expired"})

    expired = False
    studio = backend(answer, monkeypatch, "a.personal.token")
    assert list(studio.tasks()) == []
    assert list(studio.tasks()) == []
    assert bought == ["access-1"], "one is used as long as it holds"
    expired = True
    assert list(studio.tasks()) == []
    assert bought == ["access-1", "access-2"]


def test_a_store_that_label_studio_may_not_reach_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=[])
        return httpx.Response(403, json={"id": "x", "status_code": 403, "detail": "URL resolves to a reserved network address (block: 10.0.0.0/8)"})

    with pytest.raises(JobFailure) as failure:
        backend(answer, monkeypatch).link_storage("raw", KEYS, presign=False)
    assert failure.value.reason is Reason.AddressBlocked
    assert "10.0.0.0/8" in failure.value.message
    assert "USE_DEFAULT_BANNED_SUBNETS" in failure.value.reason.remedy


@pytest.mark.parametrize(
    ("status", "reason", "code"), [(500, Reason.Unreachable, ExitCode.UNAVAILABLE), (403, Reason.Unauthorized, ExitCode.BAD_INPUT)]
)
def test_a_listing_that_fails_is_tried_again_or_told(status: int, reason: Reason, code: ExitCode, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(JobFailure) as failure:
        list(backend(lambda _: httpx.Response(status, json={"detail": "no"}), monkeypatch).tasks(annotations=True))
    assert (failure.value.reason, failure.value.exit_code) == (reason, code)


def test_a_task_that_moves_out_of_sight_while_others_are_deleted_is_not_taken_for_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {"1": (2, [{"id": 1, "data": {}}]), "2": (1, [])}

    def answer(request: httpx.Request) -> httpx.Response:
        total, tasks = pages[request.url.params["page"]]
        return httpx.Response(200, json={"total": total, "tasks": tasks})

    with pytest.raises(JobFailure) as failure:
        list(backend(answer, monkeypatch).tasks())
    assert failure.value.exit_code is ExitCode.UNAVAILABLE
    assert "deleted while they were read" in failure.value.message
