"""A Kubernetes API, reduced to what the engine does with it. Objects are plain JSON data; nothing is modelled, so nothing is lost on the way."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from treadle.api import names
from treadle.api.reasons import Reason
from treadle.engine._events import event_about
from treadle.engine._ports import Conflict
from treadle.engine._wire import Refused, Request, Wire, path_of
from treadle.plan import KINDS, Object, Ref, Trouble, ref_of

CHUNK = 500
"""Objects per page of a LIST."""
LIST_RESTARTS = 3
ABSENT = "1"
"""A resourceVersion that no object has: an apply with it succeeds only where nothing exists."""
JSON_PATCH = "application/json-patch+json"


Finalizers = tuple[str, ...]


class KubernetesCluster:
    """Implements `Cluster` over one `Wire`. Writes are fenced: they are sent only while we lead."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    async def get(self, ref: Ref) -> Object | None:
        """See `Cluster.get`."""
        try:
            return await self.wire.send(Request("GET", _path(ref), f"read {ref}"))
        except Refused as refused:
            return _absent(refused)

    async def list(self, kind: str, *, namespace: str | None = None, selector: str = "") -> tuple[Sequence[Object], str]:
        """See `Cluster.list`. A list that expires between its pages is begun again."""
        for _ in range(LIST_RESTARTS):
            found: list[Object] = []
            version = ""
            try:
                async for page, at in self._pages(kind, namespace, selector):
                    found += page
                    version = at
                return found, version
            except Refused as refused:
                if refused.status != 410:
                    raise refused.trouble from refused
        raise Trouble(Reason.Unreachable, f"the list of {KINDS[kind].plural} expired {LIST_RESTARTS} times before it was read")

    async def pages(self, kind: str, *, namespace: str | None = None, selector: str = "") -> AsyncIterator[tuple[Sequence[Object], str]]:
        """A LIST page by page, each with the resourceVersion of the whole: for whoever does not want all of it in memory at once.

        Raises:
            Trouble: when it cannot be read to its end.
        """
        try:
            async for page in self._pages(kind, namespace, selector):
                yield page
        except Refused as refused:
            raise refused.trouble from refused

    async def create(self, object: Object) -> Object:  # noqa: A002
        """See `Cluster.create`."""
        ref = ref_of(object)
        query = {"fieldManager": names.FIELD_MANAGER}
        try:
            return await self.wire.send(Request("POST", path_of(ref.kind, ref.namespace), f"create {ref}", object, query, fenced=True))
        except Refused as refused:
            if refused.status == 409 and refused.body.get("reason") == "AlreadyExists":
                raise Conflict(f"{ref} exists", await self.get(ref)) from refused
            raise refused.trouble from refused

    async def apply(self, object: Object, *, resource_version: str | None) -> Object:  # noqa: A002
        """See `Cluster.apply`."""
        ref = ref_of(object)
        body = {**object, "metadata": {**object["metadata"], "resourceVersion": resource_version or ABSENT}}
        query = {"fieldManager": names.FIELD_MANAGER, "force": "true"}
        request = Request("PATCH", _path(ref), f"apply {ref}", body, query, "application/apply-patch+yaml", fenced=True)
        try:
            return await self.wire.send(request)
        except Refused as refused:
            if refused.status == 409:
                raise Conflict(f"{ref} is not at resourceVersion {resource_version}", await self.get(ref)) from refused
            raise refused.trouble from refused

    async def delete(self, ref: Ref, *, uid: str, propagation: str = "Background") -> None:
        """See `Cluster.delete`."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}, "propagationPolicy": propagation}
        try:
            await self.wire.send(Request("DELETE", _path(ref), f"delete {ref}", body, fenced=True))
        except Refused as refused:
            if refused.status not in (404, 409):  # 409: another object has the name by now
                raise refused.trouble from refused

    async def patch_status(self, ref: Ref, status: Mapping[str, Any], *, resource_version: str) -> Object | None:
        """See `Cluster.patch_status`. A JSON patch, because what the new status does not say must go."""
        body = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": resource_version},
            {"op": "add", "path": "/status", "value": status},
        ]
        path = path_of(ref.kind, ref.namespace, ref.name, subresource="status")
        return await self._patch(ref, Request("PATCH", path, f"write the status of {ref}", body, {}, JSON_PATCH, fenced=True))

    async def release_finalizer(self, ref: Ref, *, uid: str, finalizer: str) -> Object | None:
        """See `Cluster.release_finalizer`."""
        return await self._refinalize(ref, uid, f"release {ref}", lambda held: tuple(each for each in held if each != finalizer))

    async def add_finalizer(self, ref: Ref, *, uid: str, finalizer: str) -> Object | None:
        """See `Cluster.add_finalizer`."""
        return await self._refinalize(ref, uid, f"hold {ref}", lambda held: held if finalizer in held else (*held, finalizer))

    async def emit_event(self, about: Object, *, type: str, reason: str, message: str, now: datetime) -> None:  # noqa: A002
        """See `Cluster.emit_event`."""
        event = event_about(about, type=type, reason=reason, message=message, now=now)
        path = f"/api/v1/namespaces/{event['metadata']['namespace']}/events"
        try:
            await self.wire.send(Request("POST", path, f"tell {reason}", event, fenced=True))
        except Refused as refused:
            raise refused.trouble from refused

    async def kinds(self) -> set[str]:
        """The kinds that this cluster serves. A kind is absent only when its group and version answered without it, or do not exist.

        Raises:
            Trouble: when the server could not tell for some group; then nothing is known.
        """
        found: set[str] = set()
        for api_version in sorted({resource.api_version for resource in KINDS.values()}):
            served = await self._served(f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}")
            found |= {kind for kind, resource in KINDS.items() if resource.api_version == api_version and resource.plural in served}
        return found

    async def may_list(self, kind: str, namespace: str | None) -> bool:
        """Whether our role lets us read the kind."""
        try:
            await self.wire.send(Request("GET", path_of(kind, namespace), f"list {KINDS[kind].plural}", query={"limit": "1"}))
        except Refused as refused:
            if refused.status == 403:
                return False
            raise refused.trouble from refused
        return True

    async def close(self) -> None:
        """Close sockets."""
        await self.wire.close()

    async def _served(self, path: str) -> set[str]:
        try:
            answer = await self.wire.send(Request("GET", path, f"discover {path}"))
        except Refused as refused:
            _absent(refused)
            return set()
        return {str(resource.get("name")) for resource in answer.get("resources") or ()}

    async def _pages(self, kind: str, namespace: str | None, selector: str) -> AsyncIterator[tuple[Sequence[Object], str]]:
        query = {"limit": str(CHUNK)} | ({"labelSelector": selector} if selector else {})
        while True:
            page = await self.wire.send(Request("GET", path_of(kind, namespace), f"list {KINDS[kind].plural}", query=query))
            metadata = page.get("metadata") or {}
            token = metadata.get("continue")
            objects = [{"apiVersion": KINDS[kind].api_version, "kind": kind, **item} for item in page.pop("items", None) or ()]
            yield objects, str(metadata.get("resourceVersion", "0"))
            del objects  # or they would stay until the next page is here
            if not token:
                return
            query["continue"] = token

    async def _refinalize(self, ref: Ref, uid: str, what: str, change: Callable[[Finalizers], Finalizers]) -> Object | None:
        this = await self.get(ref)
        if this is None or this["metadata"]["uid"] != uid:
            return None
        held = tuple(this["metadata"].get("finalizers") or ())
        if (wanted := change(held)) == held:
            return this
        body = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": this["metadata"]["resourceVersion"]},
            {"op": "add", "path": "/metadata/finalizers", "value": [*wanted]},
        ]
        return await self._patch(ref, Request("PATCH", _path(ref), what, body, {}, JSON_PATCH, fenced=True))

    async def _patch(self, ref: Ref, request: Request) -> Object | None:
        try:
            return await self.wire.send(request)
        except Refused as refused:
            if refused.status == 409:
                raise Conflict(f"could not {request.what}: it has changed", await self.get(ref)) from refused
            return _absent(refused)


def _path(ref: Ref) -> str:
    return path_of(ref.kind, ref.namespace, ref.name)


def _absent(refused: Refused) -> Object | None:
    """None for 404; anything else is trouble."""
    if refused.status != 404:
        raise refused.trouble from refused
    return None
