"""Where the API server is, and who we are there: one configuration for our own calls and for kopf's."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import yaml
from kubernetes.aio import config as kubernetes_config
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject

UNAUTHORIZED = 401
CONNECTIONS = 64
"""Sockets per session; the bound on concurrent calls lies below it, watches come on top."""


class AccessError(ValueError):
    """There is no way to the API server: no kubeconfig, none that is understood, or no service account. The text says which, and the remedy."""


@dataclass(frozen=True)
class Access:
    """A way to the API server.

    Attributes:
        kubeconfig: a file, or several as in the variable KUBECONFIG; None for the service account of the pod we run in.
        context: in the kubeconfig; None for its current one.
    """

    kubeconfig: str | None = None
    context: str | None = None

    async def load(self) -> "Entrance":
        """Read the configuration afresh.

        Raises:
            AccessError: when there is neither a kubeconfig nor a service account, or it is malformed.
        """
        configuration = await self._configuration()
        try:
            return Entrance(configuration, self._configuration)
        except OSError as error:  # certificates that are none
            raise self._unusable(error) from error

    async def _configuration(self) -> Configuration:
        configuration = Configuration()
        configuration.connection_pool_maxsize = CONNECTIONS
        try:
            if self.kubeconfig:
                await kubernetes_config.load_kube_config(
                    config_file=self.kubeconfig, context=self.context, client_configuration=configuration, persist_config=False
                )
            else:
                kubernetes_config.load_incluster_config(client_configuration=configuration)
        except (kubernetes_config.ConfigException, yaml.YAMLError, OSError, AttributeError, TypeError, ValueError, KeyError) as error:
            raise self._unusable(error) from error
        return configuration

    def _unusable(self, error: Exception) -> AccessError:
        where = self.kubeconfig or "the pod's service account; give --kubeconfig outside of a cluster"
        return AccessError(f"no way to the API server: {error} ({where})")


class Entrance(RESTClientObject):  # type: ignore[misc]  # the client is untyped
    """A loaded configuration. Its sessions add the current token to each request; one that the server refuses is read anew and tried once more.

    The pod's own token is read anew every minute besides, by a clock that may be set back; a kubeconfig's `tokenFile` only when it is refused.

    Args:
        configuration: as it was loaded.
        reload: loads it afresh; raises AccessError when that cannot be done.
    """

    def __init__(self, configuration: Configuration, reload: Callable[[], Awaitable[Configuration]]) -> None:
        super().__init__(configuration)
        self._reload = reload

    @property
    def server(self) -> str:
        """The URL of the API server, without a slash at its end."""
        return str(self.configuration.host).rstrip("/")

    def session(self, *middlewares: aiohttp.ClientMiddlewareType) -> aiohttp.ClientSession:
        """A new HTTP session for the running event loop; `middlewares` see each request after the token was added."""
        # `trust_env` would read ~/.netrc and the proxies' variables in a thread for every single request.
        self.configuration.client_session_kwargs = {"middlewares": (self._authorize, *middlewares), "trust_env": False, "proxy": self._proxy()}
        session: aiohttp.ClientSession = self._create_pool_manager()
        return session

    def _proxy(self) -> str | None:
        """The proxy that stands between us and the server: the kubeconfig's own, else the one that the environment names."""
        if self.configuration.proxy:
            return str(self.configuration.proxy)
        server = urlsplit(self.server)
        return None if proxy_bypass(server.hostname or "") else getproxies().get(server.scheme)

    async def _authorize(self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        used = await self._token()
        response = await _sent(request, handler, used)
        if response.status != UNAUTHORIZED or (token := await self._renewed()) == used:
            return response
        response.close()
        return await _sent(request, handler, token)

    async def _token(self) -> str:
        """What stands in the header Authorization; empty for who has no token. While its file cannot be read, the last one is good enough."""
        try:
            return str(await self.configuration.get_api_key_with_prefix("BearerToken", alias="authorization") or "").strip()
        except (kubernetes_config.ConfigException, OSError):
            return str(self.configuration.api_key.get("BearerToken", "")).strip()

    async def _renewed(self) -> str:
        with suppress(AccessError):
            self.configuration = await self._reload()
        return await self._token()


async def _sent(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType, token: str) -> aiohttp.ClientResponse:
    if token:
        request.headers["Authorization"] = token
    return await handler(request)
