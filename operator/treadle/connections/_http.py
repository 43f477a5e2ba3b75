"""JSON over HTTP with one outside system: every call bounded in time and size, every failure worded as `Trouble`, credentials sent to no other host
and told to nobody.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from treadle.api.reasons import Reason
from treadle.plan import Trouble

CONNECT_SECONDS = 3.0
CALL_SECONDS = 15.0
"""For a whole call, however slowly the answer drips."""
BODY_LIMIT = 32 * 1024 * 1024
"""Bytes of one answer. A page of 100 MLflow runs with 1,000 metrics each is half of that."""
DETAIL_LIMIT = 300


@dataclass(frozen=True)
class Reply:
    """An answer that the product's client must judge: any 2xx, or a 4xx that is about what was asked (400, 404, 409, 422 ...).

    Attributes:
        status: HTTP status; look at it first, errors are JSON too.
        body: parsed JSON; None when empty.
    """

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        """Whether the request was carried out."""
        return 200 <= self.status < 300

    @property
    def detail(self) -> str:
        """The body as one short line for a message."""
        text = self.body if isinstance(self.body, str) else json.dumps(self.body, ensure_ascii=False)
        return text if len(text) <= DETAIL_LIMIT else text[:DETAIL_LIMIT] + "..."


class JsonClient:
    """A client for one base URL. Redirects are answers, never followed, so that tokens stay with the host they are for.

    Args:
        product: how people call the system; begins every message.
        url: base URL; paths are put behind it as they are.
        auth: adds credentials to each request; may raise Trouble.
        ca_file: certificate authority to trust instead of the system's.
        transport: in tests, what stands for the network.

    Raises:
        ValueError: when `ca_file` cannot be read.
    """

    def __init__(
        self, product: str, url: str, *, auth: httpx.Auth | None = None, ca_file: str = "", transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.product = product
        self.url = url.rstrip("/")
        self._client = httpx.AsyncClient(
            auth=auth,
            verify=_trusting(ca_file) if ca_file else usual_trust(),
            follow_redirects=False,
            headers={"accept": "application/json", "accept-encoding": "identity", "user-agent": "treadle"},
            event_hooks={"response": [_bound]},
            transport=transport,
        )

    async def send(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: object = None, seconds: float | None = None
    ) -> Reply:
        """Send one request and read the whole answer, within so many seconds (`CALL_SECONDS` unless told).

        Raises:
            Trouble: no answer in time, 401, 403, 429, 5xx, a redirect, something that is not JSON, or more than anybody would answer.
        """
        patience = seconds or CALL_SECONDS
        limits = httpx.Timeout(patience, connect=CONNECT_SECONDS)
        try:
            async with asyncio.timeout(patience):
                response = await self._client.request(method, self.url + path, params=query, json=body, timeout=limits)
        except _NotWanted as error:
            raise self.trouble(Reason.UnexpectedAnswer, f"answers {method} {path} with {error}: is the URL right?") from error
        except (TimeoutError, httpx.RequestError) as error:
            raise self.trouble(Reason.Unreachable, f"does not answer: {type(error).__name__} {error}".rstrip()) from error
        except httpx.InvalidURL as error:
            raise self.trouble(Reason.UnexpectedAnswer, f"has a URL that cannot be used: {error}", stalled=True) from error
        return self._judged(method, path, response)

    def trouble(self, reason: Reason, message: str, *, stalled: bool = False) -> Trouble:
        """A Trouble whose message begins with the product and where it is."""
        return Trouble(reason, f"{self.product} at {self.url} {message}", stalled=stalled)

    async def close(self) -> None:
        """Close sockets."""
        await self._client.aclose()

    def _judged(self, method: str, path: str, response: httpx.Response) -> Reply:
        status, asked = response.status_code, f"{method} {path}"
        content = _without_credentials(response)
        said = _line(content)
        if status in (401, 403):
            raise self.trouble(Reason.Unauthorized, f"refused {asked} ({status}): {said}", stalled=True)
        if status == 429 or status >= 500:
            raise self.trouble(Reason.Unreachable, f"failed {asked} ({status}): {said}")
        if response.is_redirect or status < 200:
            where = response.headers.get("location", "nowhere").partition("?")[0][:DETAIL_LIMIT]  # what follows may be a secret of the session
            raise self.trouble(Reason.UnexpectedAnswer, f"redirects {asked} to {where}, which is not followed: is the URL right?", stalled=True)
        try:
            return Reply(status, json.loads(content) if content else None)
        except (ValueError, RecursionError) as error:
            raise self.trouble(Reason.UnexpectedAnswer, f"answered {asked} ({status}) with {said}, not with JSON: is the URL right?") from error


@cache
def usual_trust() -> ssl.SSLContext:
    """The certificate authorities that everybody trusts, for all clients: to read them takes longer than everything else a client needs to begin."""
    return httpx.create_ssl_context()


def _trusting(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ValueError(f"the certificate authority {ca_file} cannot be read: {error}") from error


def read_token(path: str) -> str:
    """The content of a mounted token file, without white space around it. Read anew for each use, so that a rotated token is picked up.

    Raises:
        Trouble: when it cannot be read, is empty, or holds what is no token.
    """
    try:
        token = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(Reason.Unauthorized, f"the token file {path} cannot be read: {error}", stalled=True) from error
    if not token:
        raise Trouble(Reason.Unauthorized, f"the token file {path} is empty", stalled=True)
    if not is_token(token):
        raise Trouble(Reason.Unauthorized, f"the token file {path} holds more than one line, or characters that no token has", stalled=True)
    return token


def is_token(text: str) -> bool:
    """Whether a header can hold it."""
    return bool(text) and text.isascii() and text.isprintable()


class _NotWanted(httpx.RequestError):
    """An answer that is not read to its end."""


class _Bounded(httpx.AsyncByteStream):
    """A body that ends at `BODY_LIMIT`, if need be with an error."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._stream:
            read += len(chunk)
            if read > BODY_LIMIT:
                raise _NotWanted(f"more than {BODY_LIMIT >> 20} MiB")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound(response: httpx.Response) -> None:
    """Let no body be longer than anybody would answer; a compressed one, which we never ask for, could be once it is unpacked."""
    encoding = response.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise _NotWanted(f"a body in {encoding}, which was not asked for")
    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = _Bounded(response.stream)


def _without_credentials(response: httpx.Response) -> bytes:
    """The body, without our credentials should they be repeated there: parts of it are shown to people."""
    credentials = response.request.headers.get("authorization", "").rpartition(" ")[2].encode()
    return response.content.replace(credentials, b"(our credentials)") if credentials else response.content


def _line(content: bytes) -> str:
    """A short single line of a body that may be a whole page."""
    line = " ".join(content[: 10 * DETAIL_LIMIT].decode(errors="replace").split())
    return line[:DETAIL_LIMIT] + "..." if len(line) > DETAIL_LIMIT else line or "an empty body"
