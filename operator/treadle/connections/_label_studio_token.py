"""How requests to Label Studio carry the operator's token. There are two sorts of token, used differently."""

from collections.abc import Callable, Generator

import httpx

from treadle.api.reasons import Reason
from treadle.connections._http import is_token, read_token
from treadle.plan import Trouble

ACCESS_SECONDS = 240.0
"""Label Studio lets an access token live for 300 s."""


class LabelStudioToken(httpx.Auth):
    """Sends a legacy token as it is; changes a personal access token (a JWT that only refreshes) into short-lived access tokens.

    Args:
        url: base URL; the only host that gets the token.
        token_file: read for each request.
        clock: seconds that never go back.
    """

    requires_response_body = True

    def __init__(self, url: str, token_file: str, clock: Callable[[], float]) -> None:
        self._url = url.rstrip("/")
        self._token_file = token_file
        self._clock = clock
        self._refreshed_with = ""
        self._access = ""
        self._good_until = 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """See httpx.

        Raises:
            Trouble: when there is no token, or it is not taken.
        """
        token = read_token(self._token_file)
        if token.count(".") != 2:
            request.headers["authorization"] = f"Token {token}"
            yield request
            return
        if self._refreshed_with != token or self._clock() >= self._good_until:
            yield from self._refresh(token)
        request.headers["authorization"] = f"Bearer {self._access}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            yield from self._refresh(token)
            request.headers["authorization"] = f"Bearer {self._access}"
            yield request

    def _refresh(self, token: str) -> Generator[httpx.Request, httpx.Response, None]:
        response = yield httpx.Request("POST", f"{self._url}/api/token/refresh", json={"refresh": token}, headers={"accept": "application/json"})
        if response.status_code >= 500 or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise Trouble(Reason.Unreachable, f"Label Studio at {self._url} failed to refresh the access token ({response.status_code})")
        try:
            access = response.json()["access"] if response.is_success else None
        except (ValueError, RecursionError, KeyError, TypeError):
            access = None
        if not isinstance(access, str) or not is_token(access):
            raise Trouble(
                Reason.Unauthorized,
                f"Label Studio at {self._url} does not take the personal access token ({response.status_code}): revoked, or of another instance?",
                stalled=True,
            )
        self._refreshed_with, self._access, self._good_until = token, access, self._clock() + ACCESS_SECONDS
