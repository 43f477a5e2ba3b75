"""What goes on to another server, and what comes back: each caller's own, and nothing of another's."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from treadle.contracts.serving import RuntimeLimits, RuntimeSpec
from treadle.contracts.traffic import TrafficOrder
from treadle.runtime._behind import Behind
from treadle.runtime._canary import CanaryClient, Letter, Reached
from treadle.runtime._service import Service

HEADERS = {"name": "Zoë".encode(), "accept": "Zoë".encode("latin-1")}
"""Headers that are no ASCII, as callers do send them."""


class Server:
    """Somebody's server: gives each caller two cookies, and keeps the headers of each request."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        cookies = b"set-cookie: id=first; Expires=Wed, 21 Oct 2065 07:28:00 GMT\r\nset-cookie: theme=dark\r\n"
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n%bcontent-length: 2\r\n\r\n{}" % cookies)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    async with listening:
        made.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield made


@asynccontextmanager
async def before(user: Server) -> AsyncIterator[tuple[Service, httpx.AsyncClient]]:
    """Our runtime before that server, and somebody who asks it. A caller of its own for each request: the client's cookies are not kept."""
    port = int(user.url.rpartition(":")[2])
    service = Service(RuntimeSpec(namespace="ml", deployment="llm", revision="aaaaaa", model_name="llm", model_version="1", behind_port=port))
    behind = Behind(service)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(behind), base_url="http://here") as client:
        yield service, client
    await behind.close()
    await service.close()


@pytest.mark.parametrize("divided", [False, True], ids=["alone", "beside a canary"])
async def test_cookies_of_one_caller_are_not_sent_for_another(divided: bool) -> None:
    async with server() as user, server() as other, before(user) as (service, client):
        if divided:
            told = {"namespace": "ml", "deployment": "llm", "revision": "aaaaaa", "sequence": 1, "expires": time.time() + 60, "canary": other.url}
            service.traffic.apply(TrafficOrder.model_validate(told | {"weight": 50}))
        for _ in range(4):
            answer = await client.post("/chat", content=b"{}")
            assert answer.status_code == 200
            client.cookies.clear()
    heads = user.heads + other.heads
    assert len(heads) == 4
    assert not any(b"cookie:" in head.lower() for head in heads)
    assert len(other.heads) == (2 if divided else 0)


async def test_each_cookie_that_a_server_gives_comes_back_by_itself() -> None:
    async with server() as user, before(user) as (_, client):
        answer = await client.post("/chat", content=b"{}")
    assert answer.headers.get_list("set-cookie") == ["id=first; Expires=Wed, 21 Oct 2065 07:28:00 GMT", "theme=dark"]


async def test_headers_go_on_byte_by_byte() -> None:
    async with server() as user, before(user) as (_, client):
        assert (await client.post("/chat", content=b"{}", headers=HEADERS)).status_code == 200
    assert all(value in user.heads[0] for value in HEADERS.values())


async def test_a_canary_gets_a_header_that_is_no_ascii_too() -> None:
    async with server() as other:
        canary = CanaryClient(RuntimeLimits())
        said = await canary.send(other.url, Letter("/", {"accept": HEADERS["accept"].decode("latin-1")}, b"{}"))
        await canary.close()
    assert isinstance(said, Reached)
    assert HEADERS["accept"] in other.heads[0]


async def test_a_caller_who_hangs_up_before_a_server_of_the_users_is_counted_as_that() -> None:
    async with server() as user, before(user) as (service, _):
        behind = Behind(service)
        headers = [(b"content-length", b"9")]
        scope = {"type": "http", "method": "POST", "path": "/chat", "headers": headers, "query_string": b"", "server": ("here", 80)}
        sent: list[int] = []

        async def receive() -> dict[str, str]:
            return {"type": "http.disconnect"}

        async def send(message: dict[str, int]) -> None:
            sent.append(message.get("status", 0))

        await behind(scope, receive, send)  # type: ignore[arg-type]
        await behind.close()
    assert not user.heads
    told = b'{code="499",deployment="llm",model_version="1",namespace="ml",revision="aaaaaa"} 1.0'
    assert b"treadle_serving_requests_total" + told in service.metrics.exposition()
