"""The HTTP client that passes requests of callers on to another server. Nothing of one caller is kept for another."""

from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from treadle.contracts.serving import RuntimeLimits

CONNECT_SECONDS = 1.0


def client_for(limits: RuntimeLimits, connections: int, base_url: str = "") -> httpx.AsyncClient:
    """A client with so many connections at most, which are kept. It has no cookies of its own: the server's are each caller's matter."""
    pool = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx.AsyncClient(
        base_url=base_url,
        timeout=httpx.Timeout(limits.request_seconds, connect=CONNECT_SECONDS),
        # Proxies are for the world outside; retries only for a connection that could not be opened.
        trust_env=False,
        transport=httpx.AsyncHTTPTransport(retries=1, limits=pool),
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
    )


def as_sent(name: str, value: str) -> tuple[bytes, bytes]:
    """A header as its caller sent it: of which bytes it is made is not our matter."""
    return name.encode("latin-1"), value.encode("latin-1")
