"""People and projects in a real Label Studio, for tests: over its REST API, as the browser would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from tests.integration.browser import Tab
from tests.integration.servers import LabelStudioServer, sign_up
from treadle.contracts import LabelStudioConnection
from treadle.contracts.labels import LabelClass, LabelSchema
from treadle.tasks import TASKS, with_reason

TIMEOUT = 30.0
COLOURS = LabelSchema(task="ImageClassification", labels=(LabelClass(name="red"), LabelClass(name="green"), LabelClass(name="blue")))


@dataclass(frozen=True)
class Person:
    """Somebody with a token."""

    url: str
    token: str

    def call(self, method: str, path: str, **content: Any) -> httpx.Response:
        """One call that must succeed."""
        answer = httpx.request(method, self.url + path, headers={"Authorization": f"Token {self.token}"}, timeout=TIMEOUT, **content)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer

    def tasks(self, project: int) -> list[dict[str, Any]]:
        """All tasks of a project, raw, with annotations."""
        query = {"project": project, "fields": "all", "resolve_uri": "false", "page_size": 1000}
        tasks: list[dict[str, Any]] = self.call("GET", "/api/tasks/", params=query).json()["tasks"]
        return tasks

    def answer(self, task: int, label: str | None) -> None:
        """Choose a label for a task; None: skip it."""
        result = [{"from_name": "label", "to_name": "item", "type": "choices", "value": {"choices": [label]}}] if label else []
        self.call("POST", f"/api/tasks/{task}/annotations/", json={"result": result, "was_cancelled": label is None, "lead_time": 1.5})

    def answer_all(self, project: int, labels: Mapping[str, str | None]) -> None:
        """Answer every task of a project whose file name is in `labels`."""
        for task in self.tasks(project):
            name = task["data"]["image"].rpartition("/")[2]
            if name in labels:
                self.answer(task["id"], labels[name])


def make_project(server: LabelStudioServer, schema: LabelSchema = COLOURS, *, answers: int = 1, fed_back: bool = False) -> LabelStudioConnection:
    """A project as the operator sets it up; `fed_back`: deployments send items back into it."""
    configuration = TASKS[schema.task].configuration
    assert configuration is not None
    screen = with_reason(configuration(schema)) if fed_back else configuration(schema)
    settings = {"title": "of a test", "label_config": screen, "maximum_annotations": answers}
    project = Person(server.url, server.token).call("POST", "/api/projects/", json=settings).json()
    return LabelStudioConnection(url=server.url, project=project["id"])


async def open_task(tab: Tab, server: LabelStudioServer, project: int, task: int) -> None:
    """Somebody new signs up, logs in, and opens a task to annotate it."""
    email, password = f"{uuid4().hex[:8]}@example.com", uuid4().hex
    sign_up(server.url, server.token, email, password)
    await tab.call("Page.navigate", url=f"{server.url}/user/login/")
    await tab.until("document.readyState === 'complete' && document.querySelector('[name=password]') !== null")
    typed = f"document.querySelector('[name=email]').value = '{email}'; document.querySelector('[name=password]').value = '{password}';"
    await tab.value(f"{typed} document.querySelector('[name=password]').form.requestSubmit(); null")
    await tab.until("location.pathname !== '/user/login/' && document.readyState === 'complete'")
    await tab.call("Page.navigate", url=f"{server.url}/projects/{project}/data?task={task}")
