"""Human work against people's own hands, with a real Label Studio and a real bucket: deleted tasks, answers and projects, edited set-ups."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image

from tests.integration.job_runs import Cut, JobProcess, cutting_proxy, store_at
from tests.integration.labelling_people import COLOURS, Person, make_project
from tests.integration.servers import LabelStudioServer, S3Server
from treadle.contracts import Blob, LabelStudioConnection
from treadle.contracts.sync import EarlierAnswers, Source, SyncResult, SyncSpec

ITEMS = ("a.png", "b.png", "c.png")


class Shelf:
    """Three pictures, a labelling project, and two people who answered: the first everything, the second only a.png."""

    def __init__(self, s3: S3Server, server: LabelStudioServer, folder: Path) -> None:
        self.bucket = s3.make_bucket(f"protect-{uuid4().hex[:8]}")
        self.root = s3.folder / self.bucket
        (self.root / "raw").mkdir()
        for shade, name in enumerate(ITEMS):
            content = io.BytesIO()
            Image.new("L", (40, 20), shade).save(content, "PNG")
            (self.root / "raw" / name).write_bytes(content.getvalue())
        self.server, self.store = server, store_at(s3.endpoint)
        self.job = JobProcess(folder, s3.access_key, s3.secret_key, server.token)
        self.first = Person(server.url, server.token)
        self.second = Person(server.url, server.make_user(f"{uuid4().hex[:8]}@example.com"))
        self.project = make_project(server, answers=2)
        self.sync()
        self.first.answer_all(self.project.project, dict.fromkeys(ITEMS, "red") | {"c.png": None})
        self.second.answer_all(self.project.project, {"a.png": "blue"})
        self.before = self.sync()

    def sync(self, project: LabelStudioConnection | None = None, earlier: SyncResult | None = None, restore: Blob | None = None) -> SyncResult:
        return self.job.result(self.spec(project or self.project, earlier, restore), SyncResult)

    def spec(self, project: LabelStudioConnection, earlier: SyncResult | None = None, restore: Blob | None = None) -> SyncSpec:
        known = EarlierAnswers(snapshot=earlier.snapshot, project=self.project.project) if earlier and earlier.snapshot else None
        source = Source(name="raw", uri=f"s3://{self.bucket}/raw/")
        sets = f"s3://{self.bucket}/sets"
        return SyncSpec(labels=COLOURS, sources=(source,), destination=sets, store=self.store, label_studio=project, earlier=known, restore=restore)

    def task(self, name: str) -> int:
        return next(int(task["id"]) for task in self.first.tasks(self.project.project) if task["data"]["image"].endswith(name))

    def answers(self, project: LabelStudioConnection | None = None) -> Mapping[str, list[tuple[int, str]]]:
        """By picture: who said what."""
        found = {}
        for task in self.first.tasks((project or self.project).project):
            said = [(a["completed_by"], a["result"][0]["value"]["choices"][0] if a["result"] else "skip") for a in task["annotations"]]
            found[task["data"]["image"].rpartition("/")[2]] = sorted(said)
        return found


@pytest.fixture
def shelf(s3: S3Server, label_studio: LabelStudioServer, tmp_path: Path) -> Shelf:
    return Shelf(s3, label_studio, tmp_path)


def test_every_sync_keeps_what_people_answered_once(shelf: Shelf) -> None:
    assert shelf.before.snapshot is not None
    kept = shelf.root / shelf.before.snapshot.uri.removeprefix(f"s3://{shelf.bucket}/")
    assert len([json.loads(line) for line in kept.read_text().splitlines()]) == 4
    assert shelf.sync(earlier=shelf.before) == shelf.before
    assert len(list(kept.parent.iterdir())) == 2, "one of the empty project, one of the answers"


def test_deleted_tasks_come_back_with_the_answers_of_those_who_gave_them(shelf: Shelf) -> None:
    said = shelf.answers()
    for name in ("a.png", "c.png"):
        shelf.second.call("DELETE", f"/api/tasks/{shelf.task(name)}/")
    after = shelf.sync(earlier=shelf.before)
    assert (after.added, after.lost_tasks, after.restored, after.withdrawn) == (2, 2, 3, 0)
    assert shelf.answers() == said
    again = shelf.sync(earlier=after)
    assert (again.added, again.lost_tasks, again.restored) == (0, 0, 0)
    assert again.snapshot == after.snapshot


def test_a_deleted_project_gets_its_answers_again_even_if_the_sync_is_cut(shelf: Shelf) -> None:
    said = shelf.answers()
    shelf.second.call("DELETE", f"/api/projects/{shelf.project.project}/")
    another = make_project(shelf.server, answers=2)
    for after in (1, 2, 3, 4):
        cut = Cut(shelf.job, after)
        with cutting_proxy(shelf.server.url, cut) as url:
            through = LabelStudioConnection(url=url, project=another.project)
            shelf.job.run(shelf.spec(through, shelf.before))
    done = shelf.sync(another, earlier=shelf.before)
    assert shelf.answers(another) == said
    assert done.snapshot is not None


def test_answers_that_people_take_back_stay_away_until_a_command_brings_them_back(shelf: Shelf) -> None:
    said = shelf.answers()
    task = next(task for task in shelf.first.tasks(shelf.project.project) if task["id"] == shelf.task("b.png"))
    shelf.first.call("DELETE", f"/api/annotations/{task['annotations'][0]['id']}/")
    after = shelf.sync(earlier=shelf.before)
    assert (after.restored, after.withdrawn, after.lost_tasks) == (0, 1, 0)
    assert shelf.answers()["b.png"] == []
    assert shelf.sync(earlier=after).withdrawn == 0, "told once"

    back = shelf.sync(earlier=after, restore=shelf.before.snapshot)
    assert (back.restored, back.withdrawn) == (1, 0)
    assert shelf.answers() == said
    assert shelf.sync(earlier=back, restore=shelf.before.snapshot).restored == 0, "twice is once"


def test_what_a_person_answered_otherwise_since_is_not_overwritten_by_a_command(shelf: Shelf) -> None:
    task = next(task for task in shelf.first.tasks(shelf.project.project) if task["id"] == shelf.task("b.png"))
    shelf.first.call("DELETE", f"/api/annotations/{task['annotations'][0]['id']}/")
    shelf.first.answer(task["id"], "green")
    assert shelf.sync(earlier=shelf.before, restore=shelf.before.snapshot).restored == 0
    assert [label for _, label in shelf.answers()["b.png"]] == ["green"]
