"""What happens when an outside system cannot be used: told in one error, and nothing is left running."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from treadle.api.reasons import Reason
from treadle.connections._http import JsonClient
from treadle.connections.installation import MlflowSettings
from treadle.connections.mlflow import Mlflow
from treadle.connections.registry import ModelAlias, TagModelVersion
from treadle.plan import Trouble

URL = "http://mlflow.example"


async def test_a_batch_that_fails_leaves_no_requests_behind() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        raise httpx.ConnectError("no route to host")

    client = Mlflow(MlflowSettings(url=URL), lambda: datetime.now(UTC), httpx.MockTransport(answer))
    with pytest.raises(Trouble, match="no route to host"):
        await client.answer([ModelAlias(connection="mlflow/default", model=f"m-{number}", alias="champion") for number in range(50)])
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await client.close()


async def test_many_wishes_at_once_wait_for_each_other_and_not_for_the_server() -> None:
    under_way, most = 0, 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return httpx.Response(404, json={"error_code": "RESOURCE_DOES_NOT_EXIST"})

    client = Mlflow(MlflowSettings(url=URL), lambda: datetime.now(UTC), httpx.MockTransport(answer))
    wishes = [TagModelVersion(connection="mlflow/default", model="m", version=str(number), tags=()) for number in range(40)]
    await asyncio.gather(*(client.carry_out(wish) for wish in wishes))
    assert 1 < most <= 4
    await client.close()


async def test_a_batch_that_is_cancelled_while_it_fails_ends() -> None:
    asked = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as error:
            raise httpx.ReadError("the connection was closed") from error
        raise AssertionError

    client = Mlflow(MlflowSettings(url=URL), lambda: datetime.now(UTC), httpx.MockTransport(answer))
    task = asyncio.create_task(client.answer([ModelAlias(connection="mlflow/default", model="m", alias="champion")]))
    await asked.wait()
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()
    await client.close()


async def test_an_answer_that_cannot_be_decoded_is_trouble_and_no_bug() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-encoding": "gzip"}, content=b"this is no gzip")

    client = JsonClient("MLflow", URL, transport=httpx.MockTransport(answer))
    with pytest.raises(Trouble) as trouble:
        await client.send("GET", "/")
    assert trouble.value.condition.reason is Reason.Unreachable
    await client.close()


def test_a_certificate_authority_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ValueError, match=r"/nowhere/ca\.crt"):
        JsonClient("MLflow", URL, ca_file="/nowhere/ca.crt")
