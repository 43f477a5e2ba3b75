"""A request, cheap to look at: its headers are read once into a mapping, where Starlette's go through all of them for each that is asked for."""

from collections.abc import Mapping

from starlette.requests import cookie_parser
from starlette.types import Receive, Scope

from treadle.contracts.traffic import SESSION


class Asked:
    """What somebody asks over HTTP.

    Attributes:
        headers: by name in lower case; of several of one name the last.
        receive: brings the body.
    """

    __slots__ = ("_scope", "headers", "receive")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope, self.receive = scope, receive
        self.headers: Mapping[str, str] = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}

    @property
    def target(self) -> str:
        """The path with the query."""
        query = self._scope.get("query_string", b"").decode("latin-1")
        raw = self._scope.get("raw_path")
        path = raw.decode("latin-1") if raw else str(self._scope["path"])
        return f"{path}?{query}" if query else path

    @property
    def names_version(self) -> bool:
        """Whether its path names a version: it wants an answer of that one."""
        return "version" in self._scope.get("path_params", {})

    @property
    def session(self) -> str:
        """By what its caller is known, in a header or a cookie; empty where it says nothing."""
        return self.headers.get(SESSION) or cookie_parser(self.headers.get("cookie", "")).get(SESSION, "")
