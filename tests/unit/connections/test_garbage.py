"""Whatever a system answers, its client raises nothing but Trouble, for every question and every wish."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from treadle.api.reasons import Reason
from treadle.connections.installation import LabelStudioSettings, MlflowSettings, Owner
from treadle.connections.label_studio import LabelStudio
from treadle.connections.labelling import (
    AnnotationsChanged,
    CloseLabellingProject,
    EnsureLabellingProject,
    FindLabellingProject,
    LabellingProgress,
    Setup,
)
from treadle.connections.mlflow import Mlflow
from treadle.connections.registry import EnsureAlias, EnsureModelVersion, ModelAlias, ModelVersionOf, TagModelVersion
from treadle.connections.tracking import (
    CloseTrackingRun,
    EnsureTrackingRun,
    FindTrackingRun,
    OpenTrackingRuns,
    TrackingRunState,
    TrackingStatus,
)
from treadle.plan import Effect, Question, Trouble

OWNER = Owner("here", "ml", "digits", "uid-1")
TOKEN = "a-token-of-ours"
WRONG = {"experiment": 7, "runs": {"a": [1]}, "run": {"info": None}, "model_version": [], "results": 3, "next": True, "total": "x", "tasks": {}}
HOLLOW: Mapping[str, Any] = {"experiment": {}, "runs": [{}], "run": {"info": {}}, "model_version": {"version": "x"}, "results": [{}], "tasks": [{}]}
ENDLESS = {
    "experiments": [{"experiment_id": "1"}],
    "next_page_token": "more",
    "runs": [],
    "results": [],
    "next": "more",
    "total": 10**12,
    "tasks": [],
}
GARBAGE = {
    "html": b"<html>Sign in</html>",
    "truncated": b'{"experiment": {"experiment_id": "1',
    "nothing": b"",
    "null": b"null",
    "number": b"17",
    "list": b"[]",
    "text": b'"ok"',
    "wrong types": json.dumps(WRONG).encode(),
    "hollow": json.dumps(HOLLOW).encode(),
    "deep": b"[" * 200_000,
    "no UTF-8": b'{"run": "\xff\xfe"}',
    "endless": json.dumps(ENDLESS).encode(),
}
MLFLOW: dict[str, Question[Any] | Effect] = {
    "find run": FindTrackingRun(connection="m", experiment="e", owner=OWNER, spec_hash="h"),
    "open runs": OpenTrackingRuns(connection="m", installation="here"),
    "run state": TrackingRunState(connection="m", experiment_id="1", run_id="r"),
    "alias": ModelAlias(connection="m", model="d", alias="champion"),
    "version": ModelVersionOf(connection="m", model="d", version="1"),
    "version of run": ModelVersionOf(connection="m", model="d", run_id="r", source="models:/m-1"),
    "ensure run": EnsureTrackingRun(connection="m", experiment="e", run_name="n", owner=OWNER, spec_hash="h", parameters=(), tags=()),
    "close run": CloseTrackingRun(
        connection="m", owner_uid="uid-1", experiment_id="1", run_id="r", status=TrackingStatus.FINISHED, ending="", tags=()
    ),
    "ensure version": EnsureModelVersion(connection="m", model="d", run_id="r", source="models:/m-1", tags=(), owner=OWNER),
    "ensure alias": EnsureAlias(connection="m", model="d", alias="champion", version="2", expected=None),
    "tag version": TagModelVersion(connection="m", model="d", version="1", tags=()),
}
SETUP = Setup(title="t", configuration="<View/>", guidelines="", annotations_per_item=1, overlap_percent=100)
LABEL_STUDIO: dict[str, Question[Any] | Effect] = {
    "find project": FindLabellingProject(connection="l", owner=OWNER),
    "progress": LabellingProgress(connection="l", project=1),
    "changes": AnnotationsChanged(connection="l", project=1),
    "ensure project": EnsureLabellingProject(connection="l", owner=OWNER, setup=SETUP, adopt=None),
    "close project": CloseLabellingProject(connection="l", owner=OWNER, project=1),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("asked", MLFLOW.values(), ids=MLFLOW)
@pytest.mark.parametrize("status", [200, 404])
async def test_mlflow(asked: Question[Any] | Effect, garbage: bytes, status: int) -> None:
    client = Mlflow(MlflowSettings(url="http://mlflow.example"), lambda: datetime.now(UTC), httpx.MockTransport(saying(garbage, status)))
    await only_trouble(client, asked)


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("asked", LABEL_STUDIO.values(), ids=LABEL_STUDIO)
@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("token", [TOKEN, "personal.access.token"])
async def test_label_studio(asked: Question[Any] | Effect, garbage: bytes, status: int, token: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(token)
    settings = LabelStudioSettings(url="http://label-studio.example", token_file=str(tmp_path / "token"))
    await only_trouble(LabelStudio(settings, transport=httpx.MockTransport(saying(garbage, status))), asked)


@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 500])
async def test_credentials_that_an_answer_repeats_are_not_told_to_people(status: int, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    settings = MlflowSettings(url="http://mlflow.example", token_file=str(tmp_path / "token"))

    def repeats(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers={"location": f"http://x.example/login?token={TOKEN}"}, text=f"bad: {request.headers['authorization']}")

    client = Mlflow(settings, lambda: datetime.now(UTC), httpx.MockTransport(repeats))
    with pytest.raises(Trouble) as trouble:
        await client.answer([MLFLOW["alias"]])  # type: ignore[list-item]
    assert TOKEN not in str(trouble.value)


@pytest.mark.parametrize("content", ["", "two\nlines", "t\u00f6ken", b"\xff"])
async def test_a_token_file_that_holds_no_token_is_named(content: str | bytes, tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(content if isinstance(content, bytes) else content.encode())
    settings = MlflowSettings(url="http://mlflow.example", token_file=str(tmp_path / "token"))
    client = Mlflow(settings, lambda: datetime.now(UTC), httpx.MockTransport(saying(b"{}", 200)))
    with pytest.raises(Trouble, match="token") as trouble:
        await client.answer([MLFLOW["alias"]])  # type: ignore[list-item]
    assert trouble.value.condition.reason is Reason.Unauthorized


async def test_an_answer_without_end_is_given_up_and_a_compressed_one_is_not_unpacked() -> None:
    async def stream() -> Any:
        while True:
            yield b"x" * (1 << 20)

    for answer in (httpx.Response(200, content=stream()), httpx.Response(200, headers={"content-encoding": "gzip"}, content=b"\x1f\x8b")):
        client = Mlflow(MlflowSettings(url="http://mlflow.example"), lambda: datetime.now(UTC), httpx.MockTransport(lambda request, a=answer: a))
        with pytest.raises(Trouble, match="is the URL right") as trouble:
            await client.answer([MLFLOW["alias"]])  # type: ignore[list-item]
        assert trouble.value.condition.reason is Reason.UnexpectedAnswer


def saying(body: bytes, status: int) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(status, content=body, headers={"content-type": "application/json"})


async def only_trouble(client: Mlflow | LabelStudio, asked: Question[Any] | Effect) -> None:
    try:
        await (client.carry_out(asked) if isinstance(asked, Effect) else client.answer([asked]))
    except Trouble as trouble:
        assert trouble.condition.message  # noqa: PT017
        assert TOKEN not in trouble.condition.message  # noqa: PT017
    await client.close()
