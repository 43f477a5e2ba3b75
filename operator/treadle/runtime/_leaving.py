"""A pod that leaves ends the connections that it answers on, so that whoever kept one open asks another pod next."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from treadle.runtime._service import Service


class Leaving:
    """An application whose every answer says `connection: close` once its service is leaving."""

    def __init__(self, service: Service, application: ASGIApp) -> None:
        self._service = service
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does."""

        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start" and self._service.leaving:
                MutableHeaders(scope=message)["connection"] = "close"
            await send(message)

        await self._application(scope, receive, closing)
