"""Stands before a server of the user's in the same pod: passes every request on, counts the answers, and gives a canary its share.

Nothing is known of what is asked and answered but the HTTP around it. While no canary proves itself, answers go through as they come, piece by piece.
"""

import time
from collections.abc import AsyncIterator

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from treadle.contracts.serving import BEFORE_PATH, METRICS_PATH
from treadle.contracts.traffic import FORWARDED, SERVER_TIMING
from treadle.runtime._asked import Asked
from treadle.runtime._bodies import Body
from treadle.runtime._divide import count_own, divide
from treadle.runtime._errors import Refused
from treadle.runtime._passing_on import as_sent, client_for
from treadle.runtime._service import Service, refusal

OF_ONE_HOP = frozenset({"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host", "content-length"})
"""Headers that are not passed on, in either direction."""


class Behind:
    """The user's server, as an application."""

    def __init__(self, service: Service) -> None:
        self._service = service
        limits = service.spec.limits
        self._places = limits.concurrency + limits.queue
        self._taken = 0
        self._client = client_for(limits, self._places, f"http://127.0.0.1:{service.spec.behind_port}")
        service.metrics.in_flight.set_function(lambda: self._taken)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Everything but our own two paths is the server's."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive, send)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def _answer(self, request: Request) -> Response:
        service = self._service
        if request.url.path == METRICS_PATH:
            return Response(service.metrics.exposition(), media_type="text/plain; version=0.0.4")
        if request.url.path == BEFORE_PATH:
            return JSONResponse({"ready": not service.leaving}, status_code=503 if service.leaving else 200)
        if self._taken >= self._places:
            service.metrics.answered(429, 0.0)
            return refusal(Refused(429, f"{self._taken} requests are under way, which is all that this pod takes on", retry_after=1))
        self._taken += 1
        try:
            asked = Asked(request.scope, request.receive)
            body = Body(asked, service.spec.limits)
            return await self._divided(request, asked, body, await body.read_in_time())
        except Refused as refused:
            service.metrics.answered(refused.code, 0.0)
            return refusal(refused)
        finally:
            self._taken -= 1

    async def _divided(self, request: Request, asked: Asked, read: Body, body: bytes) -> Response:
        """A canary may answer what is POSTed, which is what inference is; the rest is about this very server."""
        traffic = self._service.traffic
        mine = request.method != "POST" or FORWARDED in request.headers
        if not mine and traffic.canary:
            return await divide(asked, read, traffic, self._service.canary, lambda: self._whole(request, body), _nothing)
        if not mine and traffic.counts_alone:
            response = await self._whole(request, body)
            count_own(traffic.counts, response)
            return response
        return await self._whole(request, body) if FORWARDED in request.headers else await self._streamed(request, body)

    async def _whole(self, request: Request, body: bytes) -> Response:
        """The server's answer once all of it is there, and how long that took. Never raises."""
        began = time.perf_counter()
        try:
            answer = await self._client.send(self._as_sent(request, body))
            response = _as_answered(Response(answer.content, answer.status_code), answer, without=("content-encoding",))
        except httpx.TimeoutException:
            response = refusal(Refused(504, f"no answer within {self._service.spec.limits.request_seconds:g} s"))
        except httpx.HTTPError as error:
            response = refusal(Refused(502, f"the server behind does not answer: {type(error).__name__}"))
        return self._measured(response, time.perf_counter() - began)

    async def _streamed(self, request: Request, body: bytes) -> Response:
        """The server's answer as it comes; the time counts until it begins."""
        began = time.perf_counter()
        try:
            answer = await self._client.send(self._as_sent(request, body), stream=True)
        except httpx.TimeoutException:
            return self._measured(refusal(Refused(504, "no answer in time")), time.perf_counter() - began)
        except httpx.HTTPError as error:
            failed = refusal(Refused(502, f"the server behind does not answer: {type(error).__name__}"))
            return self._measured(failed, time.perf_counter() - began)
        response = _as_answered(StreamingResponse(self._pieces(answer), answer.status_code), answer)
        return self._measured(response, time.perf_counter() - began)

    async def _pieces(self, answer: httpx.Response) -> AsyncIterator[bytes]:
        self._taken += 1
        try:
            async for piece in answer.aiter_raw():
                yield piece
        finally:
            self._taken -= 1
            await answer.aclose()

    def _as_sent(self, request: Request, body: bytes) -> httpx.Request:
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        headers = [as_sent(name, value) for name, value in request.headers.items() if name not in OF_ONE_HOP and name != FORWARDED]
        return self._client.build_request(request.method, target, headers=headers, content=body)

    def _measured(self, response: Response, seconds: float) -> Response:
        self._service.metrics.answered(response.status_code, seconds)
        response.headers[SERVER_TIMING] = f"app;dur={seconds * 1000:.3f}"
        return response


def _as_answered(response: Response, answer: httpx.Response, without: tuple[str, ...] = ()) -> Response:
    """With the headers of that answer, each as often as it came."""
    raw = ((name.lower(), value) for name, value in answer.headers.raw)
    response.raw_headers.extend((name, value) for name, value in raw if name.decode("latin-1") not in (*OF_ONE_HOP, *without))
    return response


def _nothing(_: Response) -> None:
    """Nobody knows what two different answers of it mean."""


__all__ = ["Behind"]
