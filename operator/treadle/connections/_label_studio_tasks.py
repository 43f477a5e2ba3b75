"""Questions about the tasks of a Label Studio project that its own counters do not answer."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NotRequired

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from treadle.api.reasons import Reason
from treadle.connections._http import JsonClient

PAGE = 200
_WITH_DRAFT = {"filter": "filter:tasks:draft_exists", "operator": "equal", "type": "Boolean", "value": True}
_UNFINISHED = {"filter": "filter:tasks:completed_at", "operator": "empty", "type": "Datetime", "value": True}


class _Annotation(TypedDict):
    completed_by: int | None


class _Task(TypedDict):
    updated_at: datetime
    overlap: int
    annotations: NotRequired[list[_Annotation]]


class _Tasks(TypedDict):
    total: int
    tasks: list[_Task]


_TASKS = TypeAdapter(_Tasks)


class Tasks:
    """The tasks of all projects of one Label Studio."""

    def __init__(self, http: JsonClient) -> None:
        self._http = http

    async def drafts(self, project: int) -> int:
        """How many tasks hold an answer that somebody began and did not submit."""
        return (await self._list(project, "task_only", 1, filters=[_WITH_DRAFT]))["total"]

    async def latest_change(self, project: int) -> datetime | None:
        """When a task or one of its annotations last changed."""
        tasks = (await self._list(project, "task_only", 1, ordering=["-tasks:updated_at"]))["tasks"]
        return max((task["updated_at"] for task in tasks), default=None)

    async def finished_unnoticed(self, project: int) -> int:
        """How many tasks have answers of as many people as wanted, but are not marked finished. Their counters are wrong too: answers are counted."""
        found, page = 0, 1
        while True:
            listed = await self._list(project, "all", PAGE, page, filters=[_UNFINISHED])
            found += sum(len({answer["completed_by"] for answer in task.get("annotations", ())}) >= task["overlap"] for task in listed["tasks"])
            if page * PAGE >= listed["total"] or not listed["tasks"]:
                return found
            page += 1

    async def _list(
        self, project: int, fields: str, size: int, page: int = 1, *, ordering: Sequence[str] = (), filters: Sequence[object] = ()
    ) -> _Tasks:
        query: dict[str, object] = {"ordering": ordering} if ordering else {"filters": {"conjunction": "and", "items": filters}}
        asked = {"project": project, "fields": fields, "page_size": size, "page": page, "resolve_uri": "false", "query": json.dumps(query)}
        reply = await self._http.send("GET", "/api/tasks/", query=asked)
        try:
            return _TASKS.validate_python(reply.body)
        except ValidationError as error:
            told = f"lists tasks of project {project} in a way not understood ({reply.status}): {reply.detail}"
            raise self._http.trouble(Reason.UnexpectedAnswer, told) from error
