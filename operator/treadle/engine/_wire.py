"""Sending requests to the API server: paths, limits, timeouts, and a typed exception for each way to fail."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import aiohttp

from treadle.api.reasons import Reason
from treadle.engine._access import Access
from treadle.engine._json import decode, encode
from treadle.engine._limits import Limits
from treadle.engine._refusals import retry_after, trouble_of
from treadle.plan import KINDS, Trouble

TIMEOUT = 15.0
"""Seconds that one request may take at most."""
SLOW_DOWN_RETRIES = 3
SLOW_DOWN_LIMIT = 10.0
"""Longer pauses are not waited for inside a request: the caller backs off."""
HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}
"""Uncompressed, as Kubernetes' own controllers have it: CPU is scarcer than the network between the API server and us."""


class Refused(Exception):  # noqa: N818
    """An HTTP status of 400 or more, before it is judged."""

    def __init__(self, status: int, body: Mapping[str, Any], what: str) -> None:
        super().__init__(f"{what}: HTTP {status} {body.get('message', '')}")
        self.status = status
        self.body = body
        self.trouble = trouble_of(status, body, what)


class Request(NamedTuple):
    """One request. `what` names it in messages, `fenced` requests may only be sent while leading."""

    method: str
    path: str
    what: str
    body: Any = None
    query: Mapping[str, str] = {}
    content_type: str = "application/json"
    fenced: bool = False


class Wire:
    """The one place from which the engine's own requests leave.

    Args:
        access: where the API server is.
        limits: our manners.
        fence: called just before a fenced request is sent; returns the seconds left in which it must end, or raises when we do not lead any more.
        count: told (method, status) of every answer; status 0 means that none came.
    """

    def __init__(
        self,
        access: Access,
        *,
        limits: Limits | None = None,
        fence: Callable[[], float] = lambda: TIMEOUT,
        count: Callable[[str, int], None] = lambda method, status: None,
    ) -> None:
        self.access = access
        self.fence = fence
        self.count = count
        self._limits = limits or Limits()
        self._server = ""
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: Request) -> dict[str, Any]:
        """Send a request and return the JSON object that came back.

        Raises:
            Refused: the server said no.
            Trouble: nothing came, or nothing that could be understood.
        """
        for _ in range(SLOW_DOWN_RETRIES):
            async with self._limits.slot():
                status, headers, body = await self._once(request)
            if status < 400:
                return body
            if status != 429 or (pause := retry_after(headers, body)) > SLOW_DOWN_LIMIT:
                break
            self._limits.pause(pause)  # a 429 was never carried out, so any method may be sent again
        raise Refused(status, body, request.what)

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _once(self, request: Request) -> tuple[int, Mapping[str, str], dict[str, Any]]:
        session = await self._opened()
        headers = HEADERS | ({"Content-Type": request.content_type} if request.body is not None else {})
        data = None if request.body is None else encode(request.body)
        timeout = min(TIMEOUT, self.fence()) if request.fenced else TIMEOUT
        status = 0
        try:
            url = self._server + request.path
            async with session.request(
                request.method, url, params=request.query, data=data, headers=headers, timeout=aiohttp.ClientTimeout(total=timeout, sock_connect=5)
            ) as response:
                text = await response.read()
                status = response.status
                return status, response.headers, _parsed(text, whole=status < 400)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            told = str(error) or type(error).__name__
            raise Trouble(Reason.Unreachable, f"the API server does not answer: could not {request.what}: {told}") from error
        except ValueError as error:
            if status >= 400:
                return status, {}, {}
            raise Trouble(Reason.UnexpectedAnswer, f"the API server answered what is no Kubernetes object: could not {request.what}") from error
        finally:
            self.count(request.method, status)

    async def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            entrance = await self.access.load()
            self._server = entrance.server
            self._session = entrance.session()
        return self._session


def path_of(kind: str, namespace: str | None = None, name: str | None = None, *, subresource: str = "") -> str:
    """The path of a kind's collection, or of one object."""
    resource = KINDS[kind]
    group = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    scope = f"/namespaces/{namespace}" if namespace else ""
    one = f"/{name}" if name else ""
    return f"{group}{scope}/{resource.plural}{one}{f'/{subresource}' if subresource else ''}"


def _parsed(text: bytes, *, whole: bool) -> dict[str, Any]:
    """The JSON object in an answer. With `whole` it must be a Kubernetes object too: a gateway in between may answer whatever it likes."""
    body = decode(text)
    if not isinstance(body, dict):
        raise ValueError("not a JSON object")
    if whole and not (isinstance(body.get("kind"), str) and isinstance(body.get("metadata", {}), dict)):
        raise ValueError("not a Kubernetes object")
    return body
