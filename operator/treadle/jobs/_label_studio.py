"""Label Studio, as Jobs use it: its tasks and annotations in pages, import, and the storage link that makes media visible.

Importing is not idempotent there, errors carry an `id` as well, 404 of an unknown route is HTML, and every s3:// text in a task's data is rewritten
unless `resolve_uri=false` is said.
"""

import json
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

import httpx
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from treadle.api.reasons import Reason
from treadle.contracts import LabelStudioConnection
from treadle.contracts.stores import LABEL_STUDIO_TOKEN_VARIABLE
from treadle.jobs._failure import JobFailure, unavailable
from treadle.jobs._places import Keys

TIMEOUT = httpx.Timeout(120.0, connect=5.0)  # seconds; one import of 500 tasks takes about one
PAGE = 500  # tasks in one request
TAB_LIMIT = 100
"""Tasks that a tab shows: each is a filter of its own."""
NO_TASK = [{"filter": "filter:tasks:id", "operator": "equal", "type": "Number", "value": 0}]
STORAGE_TITLE = "treadle: {bucket}"
GUARD = "reserved network address"
"""What Label Studio says of an internal address that it is not allowed to call."""


def _number(person: object) -> object:
    """A listing names people by number, a single task tells the whole person."""
    return person.get("id") if isinstance(person, dict) else person


class Annotation(BaseModel):
    """What one person answered, in Label Studio's words."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: int
    completed_by: Annotated[int | None, BeforeValidator(_number)] = None
    was_cancelled: bool = False
    created_at: str = ""
    updated_at: str = ""
    lead_time: float | None = None
    result: tuple[dict[str, Any], ...] = ()


class Shown(BaseModel):
    """A proposal that people see. Its `score` is what tasks are sorted by: smaller comes first."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: int
    model_version: str | None = None
    score: float | None = None
    result: tuple[dict[str, Any], ...] = ()


class LabellingTask(BaseModel):
    """One task. `data` holds what was imported, `overlap` how many people shall answer."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: int
    data: dict[str, Any]
    meta: dict[str, Any] | None = None
    overlap: int = 1
    updated_at: datetime | None = None
    annotations: tuple[Annotation, ...] = ()
    predictions: tuple[Shown, ...] = ()
    drafts: tuple[dict[str, Any], ...] = ()
    total_annotations: int = 0
    cancelled_annotations: int = 0

    def without_answers(self) -> "LabellingTask":
        """The task without what people said, but with how many did."""
        answers = max(self.total_annotations + self.cancelled_annotations, len(self.annotations) + len(self.drafts))
        return self.model_copy(update={"annotations": (), "drafts": (), "total_annotations": answers, "cancelled_annotations": 0})

    @property
    def untouched(self) -> bool:
        """Whether nobody has answered, skipped or begun it."""
        return not (self.total_annotations or self.cancelled_annotations or self.annotations or self.drafts)


Reply = TypeVar("Reply", bound=BaseModel)


class _Page(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)  # it would quote what people answered

    total: int
    tasks: tuple[LabellingTask, ...]


class _Changed(BaseModel):
    updated_at: datetime | None = None


class _Person(BaseModel):
    id: int


class _Uploaded(BaseModel):
    file_upload_ids: Annotated[list[int], Field(min_length=1)]


class _File(BaseModel):
    file: str


class _Storage(BaseModel):
    id: int
    title: str | None = None


class _Tab(BaseModel):
    """A tab of the project's page: which tasks it shows, by its filters."""

    id: int
    data: dict[str, Any]

    @property
    def shown(self) -> tuple[object, ...]:
        filters = self.data.get("filters")
        items = filters.get("items") if isinstance(filters, Mapping) else None
        return tuple(item.get("value") for item in items or () if isinstance(item, Mapping) and item.get("value") != 0)


class LabelStudio:
    """One project of one Label Studio, with the tenant's token from the environment."""

    def __init__(self, connection: LabelStudioConnection, transport: httpx.BaseTransport | None = None) -> None:
        self._url = connection.url.rstrip("/")
        self._project = connection.project
        token = os.environ.get(LABEL_STUDIO_TOKEN_VARIABLE, "")
        if not token:
            raise JobFailure(Reason.SecretMissing, f"the environment has no {LABEL_STUDIO_TOKEN_VARIABLE}")
        self._http = httpx.Client(
            base_url=self._url,
            timeout=TIMEOUT,
            auth=_Token(token, self._url),
            follow_redirects=False,
            transport=transport or httpx.HTTPTransport(retries=3),
            headers={"accept": "application/json"},
        )

    def tasks(self, *, annotations: bool = False) -> Iterator[LabellingTask]:
        """All tasks by id, with their annotations and proposals if wanted.

        Raises:
            JobFailure: somebody deletes tasks meanwhile. The next one may have moved onto a page that was read before, and would pass for deleted.
        """
        seen, number, before = 0, 0, 0
        while True:
            number += 1
            fields = "all" if annotations else "task_only"
            query = {"project": self._project, "fields": fields, "resolve_uri": "false", "page": number, "page_size": PAGE}
            page = self._read(_Page, self._send("GET", "/api/tasks/", params=query))
            if page.total < before:
                raise unavailable(f"tasks of project {self._project} were deleted while they were read; they are read again")
            before = page.total
            yield from page.tasks
            seen += len(page.tasks)
            if seen >= page.total or not page.tasks:
                return

    def task(self, task: int) -> LabellingTask:
        """One task as it is now, with all that people did to it."""
        return self._read(LabellingTask, self._send("GET", f"/api/tasks/{task}/", params={"resolve_uri": "false"}))

    def people(self) -> set[int]:
        """The ids of everybody who may be named as the author of an answer."""
        return {person.id for person in self._read_list(_Person, self._send("GET", "/api/users/"))}

    def add_annotation(self, task: int, annotation: Mapping[str, Any]) -> None:
        """Give a task one more answer. Done twice, it is there twice: the caller looks first."""
        self._send("POST", f"/api/tasks/{task}/annotations/", json=dict(annotation))

    def newest_tasks(self) -> Iterator[LabellingTask]:
        """All tasks, those first that changed last."""
        seen, number = 0, 0
        while True:
            number += 1
            query = json.dumps({"ordering": ["-tasks:updated_at"]})
            asked = {"project": self._project, "fields": "task_only", "resolve_uri": "false", "page": number, "page_size": PAGE, "query": query}
            page = self._read(_Page, self._send("GET", "/api/tasks/", params=asked))
            yield from page.tasks
            seen += len(page.tasks)
            if seen >= page.total or not page.tasks:
                return

    def want_answers(self, task: int, answers: int) -> datetime | None:
        """Let so many people answer a task; one that they had finished is open again. When that was, by the backend's clock; None if it is gone."""
        response = self._send("PATCH", f"/api/tasks/{task}/", json={"overlap": answers, "is_labeled": False}, missing_is_fine=True)
        return self._read(_Changed, response).updated_at if response.is_success else None

    def import_tasks(self, tasks: Sequence[Mapping[str, Any]]) -> None:
        """Import tasks, in pages. Done twice, they are there twice: the caller looks first."""
        for start in range(0, len(tasks), PAGE):
            self._send("POST", f"/api/projects/{self._project}/import", json=list(tasks[start : start + PAGE]))

    def upload(self, name: str, content: bytes) -> str:
        """Put a file into Label Studio; where browsers find it there. It makes no task by itself."""
        query = {"commit_to_project": "false"}
        files = {"file": (name, content)}
        uploaded = self._read(_Uploaded, self._send("POST", f"/api/projects/{self._project}/import", params=query, files=files))
        file = self._read(_File, self._send("GET", f"/api/import/file-upload/{uploaded.file_upload_ids[0]}"))
        return f"/data/{file.file}"

    def delete_task(self, task: int) -> None:
        """Delete a task, and with it whatever people answered: only for one that nobody touched."""
        self._send("DELETE", f"/api/tasks/{task}/", missing_is_fine=True)

    def import_proposals(self, proposals: Sequence[Mapping[str, Any]]) -> None:
        """Import proposals for tasks, in pages. Done twice, they are there twice: the caller looks first."""
        for start in range(0, len(proposals), PAGE):
            self._send("POST", f"/api/projects/{self._project}/import/predictions", json=list(proposals[start : start + PAGE]))

    def move_proposal(self, proposal: int, score: float) -> None:
        """Another place in the order for what a proposal belongs to."""
        self._send("PATCH", f"/api/predictions/{proposal}/", json={"score": score}, missing_is_fine=True)

    def delete_proposal(self, proposal: int) -> None:
        """Delete a proposal; what people made of it stays."""
        self._send("DELETE", f"/api/predictions/{proposal}/", missing_is_fine=True)

    def show_in_order(self, model_version: str) -> None:
        """People see the proposals of this version, and tasks in the order of their scores. There must be one such proposal at least."""
        self._send("PATCH", f"/api/projects/{self._project}/", json={"sampling": "Uncertainty sampling", "model_version": model_version})

    def show_at_random(self) -> None:
        """People see tasks in random order."""
        self._send("PATCH", f"/api/projects/{self._project}/", json={"sampling": "Uniform sampling"})

    def link_storage(self, bucket: str, keys: Keys, *, presign: bool) -> None:
        """Let Label Studio show objects of a bucket: one S3 storage per bucket, holding the tenant's present keys. It is never synced by itself."""
        title = STORAGE_TITLE.format(bucket=bucket)
        wanted = {
            "project": self._project,
            "title": title,
            "bucket": bucket,
            "use_blob_urls": True,
            "presign": presign,
            "presign_ttl": 15,  # minutes
            "s3_endpoint": keys.endpoint or None,
            "region_name": keys.region,
            "aws_access_key_id": keys.access_key or None,
            "aws_secret_access_key": keys.secret_key or None,
        }
        storages = self._read_list(_Storage, self._send("GET", "/api/storages/s3", params={"project": self._project}))
        ours = sorted(storage.id for storage in storages if storage.title == title)
        if ours:
            self._send("PATCH", f"/api/storages/s3/{ours[0]}", json=wanted)
        else:
            self._send("POST", "/api/storages/s3", json=wanted)

    def show_tab(self, title: str, tasks: Sequence[int]) -> None:
        """A tab of this title shows these tasks, the first of them when there are very many. Made once, changed when it shows others."""
        items = [{"filter": "filter:tasks:id", "operator": "equal", "type": "Number", "value": task} for task in tasks[:TAB_LIMIT]]
        data = {"title": title, "filters": {"conjunction": "or", "items": items or NO_TASK}}
        there = self._read_list(_Tab, self._send("GET", "/api/dm/views/", params={"project": self._project}))
        ours = sorted((tab for tab in there if tab.data.get("title") == title), key=lambda tab: tab.id)
        if not ours and tasks:
            self._send("POST", "/api/dm/views/", json={"project": self._project, "data": data})
        elif ours and ours[0].shown != tuple(tasks[:TAB_LIMIT]):
            self._send("PATCH", f"/api/dm/views/{ours[0].id}/", json={"project": self._project, "data": data})

    def _send(self, method: str, path: str, *, missing_is_fine: bool = False, **content: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **content)
        except httpx.HTTPError as error:
            raise unavailable(f"Label Studio at {self._url} does not answer: {type(error).__name__} {error}") from error
        status = response.status_code
        if response.is_success or (missing_is_fine and status == httpx.codes.NOT_FOUND):
            return response
        words = f"{method} {path} gave {status}: {_detail(response)}"
        if status == httpx.codes.FORBIDDEN and GUARD in _detail(response):
            raise JobFailure(Reason.AddressBlocked, f"Label Studio at {self._url} may not reach the object store: {words}")
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise JobFailure(Reason.Unauthorized, f"Label Studio at {self._url} refuses the tenant's token or the request: {words}")
        if status == httpx.codes.NOT_FOUND and "Project" in _detail(response):
            raise JobFailure(Reason.LabellingProjectNotFound, f"Label Studio at {self._url} has no project {self._project}")
        if status >= 500 or status == httpx.codes.TOO_MANY_REQUESTS:
            raise unavailable(f"Label Studio at {self._url} has trouble: {words}")
        raise JobFailure(Reason.UnexpectedAnswer, f"Label Studio at {self._url}: {words}")

    def _read(self, type: type[Reply], response: httpx.Response) -> Reply:  # noqa: A002
        try:
            return type.model_validate_json(response.content)
        except ValidationError as error:
            raise self._strange(error) from error

    def _read_list(self, type: type[Reply], response: httpx.Response) -> list[Reply]:  # noqa: A002
        try:
            return TypeAdapter(list[type]).validate_json(response.content)  # type: ignore[valid-type]
        except ValidationError as error:
            raise self._strange(error) from error

    def _strange(self, error: ValidationError) -> JobFailure:
        return JobFailure(Reason.UnexpectedAnswer, f"what answers at {self._url} does not speak like Label Studio: {error}")


class _Token(httpx.Auth):
    """A legacy token is sent as it is; a personal access token (a JWT) buys access tokens that live for 300 s."""

    requires_response_body = True

    def __init__(self, token: str, url: str) -> None:
        self._token = token
        self._url = url
        self._access = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self._token.count(".") != 2:
            request.headers["authorization"] = f"Token {self._token}"
            yield request
            return
        if self._access:
            request.headers["authorization"] = f"Bearer {self._access}"
            response = yield request
            if response.status_code != httpx.codes.UNAUTHORIZED:
                return
        response = yield httpx.Request("POST", f"{self._url}/api/token/refresh", json={"refresh": self._token})
        access = response.json().get("access") if response.is_success else None
        if not access:
            raise JobFailure(Reason.Unauthorized, f"Label Studio at {self._url} does not take the personal access token ({response.status_code})")
        self._access = access
        request.headers["authorization"] = f"Bearer {access}"
        yield request


def _detail(response: httpx.Response) -> str:
    try:
        content = response.json()
    except ValueError:
        return "(not JSON)"
    if not isinstance(content, Mapping):
        return str(content)[:300]
    return str(content.get("validation_errors") or content.get("detail") or content)[:300]
