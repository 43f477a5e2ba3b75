"""The sync Job as a real process, a real S3 server and a real Label Studio."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image

from tests.integration import loopback
from tests.integration.job_runs import Cut, JobProcess, cutting_proxy, store_at
from tests.integration.labelling_people import COLOURS, Person, make_project
from tests.integration.servers import LabelStudioServer, S3Server
from treadle.contracts import ExitCode, LabelStudioConnection
from treadle.contracts.stores import LABEL_STUDIO_TOKEN_VARIABLE
from treadle.contracts.sync import Source, SyncResult, SyncSpec
from treadle.jobs._label_studio import LabelStudio


def picture(shade: int) -> bytes:
    content = io.BytesIO()
    Image.new("L", (8, 8), shade).save(content, "PNG")
    return content.getvalue()


class Bucket:
    """A bucket with pictures, and everything a sync of it needs."""

    def __init__(self, s3: S3Server, server: LabelStudioServer, folder: Path) -> None:
        self.s3, self.server = s3, server
        self.name = s3.make_bucket(f"raw-{uuid4().hex[:8]}")
        self.folder = s3.folder / self.name / "shelf"
        self.folder.mkdir()
        self.job = JobProcess(folder, s3.access_key, s3.secret_key, server.token)
        self.person = Person(server.url, server.token)

    def put(self, name: str, content: bytes) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(content)

    def spec(self, project: LabelStudioConnection | None, **changes: object) -> SyncSpec:
        wanted: dict[str, object] = {
            "labels": COLOURS,
            "sources": (Source(uri=f"s3://{self.name}/shelf/"),),
            "destination": f"s3://{self.name}/sets/shelf/",
            "store": store_at(self.s3.endpoint),
            "label_studio": project,
        }
        return SyncSpec.model_validate(wanted | changes)

    def sync(self, spec: SyncSpec) -> SyncResult:
        return self.job.result(spec, SyncResult)


@pytest.fixture
def bucket(s3: S3Server, label_studio: LabelStudioServer, tmp_path: Path) -> Bucket:
    made = Bucket(s3, label_studio, tmp_path)
    for shade in range(5):
        made.put(f"{shade}.png", picture(shade))
    return made


def test_every_item_becomes_one_task_and_a_second_run_changes_nothing(bucket: Bucket) -> None:
    project = make_project(bucket.server)
    first = bucket.sync(bucket.spec(project))
    assert (first.items, first.added, first.removed, first.duplicates, first.unreadable) == (5, 5, 0, 0, 0)
    tasks = bucket.person.tasks(project.project)
    assert sorted(task["data"]["image"] for task in tasks) == [f"s3://{bucket.name}/shelf/{shade}.png" for shade in range(5)]

    second = bucket.sync(bucket.spec(project, slot=1))
    assert second == first.model_copy(update={"added": 0})
    assert bucket.person.tasks(project.project) == tasks


def test_annotators_see_the_very_bytes_of_the_bucket_through_label_studio(bucket: Bucket) -> None:
    project = make_project(bucket.server)
    bucket.put("näme with + and %20.png", picture(99))
    bucket.sync(bucket.spec(project))
    annotator = Person(bucket.server.url, bucket.server.make_user(f"{uuid4().hex[:8]}@example.com"))
    shown = set()
    for task in annotator.tasks(project.project):
        media = annotator.call("GET", f"/api/tasks/{task['id']}/").json()["data"]["image"]
        shown.add(annotator.call("GET", media).content)
    assert shown == {picture(shade) for shade in (*range(5), 99)}


def test_presigned_links_lead_straight_to_the_store(bucket: Bucket) -> None:
    project = make_project(bucket.server)
    bucket.sync(bucket.spec(project, media_links="Presigned"))
    task = bucket.person.tasks(project.project)[0]
    media = bucket.person.call("GET", f"/api/tasks/{task['id']}/").json()["data"]["image"]
    answer = loopback.get(bucket.server.url + media, headers={"Authorization": f"Token {bucket.server.token}"}, timeout=30)
    assert answer.headers["location"].startswith(bucket.s3.endpoint)
    assert loopback.get(answer.headers["location"], timeout=30).content == picture(0)


def test_what_is_no_image_or_twice_there_is_counted_and_left_out(bucket: Bucket) -> None:
    bucket.put("broken.png", picture(0)[:30])
    bucket.put("empty.png", b"")
    bucket.put("notes.txt", b"not a picture")
    bucket.put("zz-again.png", picture(3))
    result = bucket.sync(bucket.spec(None))
    assert (result.items, result.duplicates, result.unreadable) == (5, 1, 3)
    assert len(result.examples) == 3


def test_patterns_choose_what_belongs_to_the_source(bucket: Bucket) -> None:
    bucket.put("deep/6.png", picture(6))
    bucket.put("deep/7.jpg", picture(7))
    source = Source(uri=f"s3://{bucket.name}/shelf", include=("*.png",), exclude=("deep/*",))
    assert bucket.sync(bucket.spec(None, sources=(source,))).items == 5


def test_a_source_of_which_nothing_can_be_read_is_said_with_an_example(bucket: Bucket) -> None:
    bucket.put("texts/notes.txt", b"not a picture")
    source = Source(uri=f"s3://{bucket.name}/shelf/texts/")
    code, failure = bucket.job.failure(bucket.spec(None, sources=(source,)))
    assert (code, failure.reason) == (ExitCode.BAD_INPUT, "SourceEmpty")
    assert "texts/notes.txt: not an image" in failure.message
    quiet = bucket.job.failure(bucket.spec(None, sources=(source,), sensitive=True))[1]
    assert "none of 1 object" in quiet.message
    assert "notes" not in quiet.message


def test_a_file_too_large_for_the_job_is_left_out_and_stops_nothing(bucket: Bucket) -> None:
    with (bucket.folder / "huge.png").open("wb") as file:
        file.truncate(60 * 1024 * 1024)
    result = bucket.sync(bucket.spec(None))
    assert (result.items, result.unreadable) == (5, 1)
    assert "huge.png: it has 62914560 bytes" in result.examples[0]


def test_one_object_that_the_store_does_not_give_is_left_out_and_named_with_its_reason(bucket: Bucket) -> None:
    with cutting_proxy(bucket.s3.endpoint, Cut(bucket.job, 0), {"/2.png": "InvalidObjectState"}) as url:
        project = make_project(bucket.server)
        spec = bucket.spec(project, store=store_at(url))
        first = bucket.sync(spec)
        assert (first.items, first.added, first.unreadable) == (4, 4, 1)
        assert first.examples[0].startswith(f"s3://{bucket.name}/shelf/2.png: http")
        assert first.examples[0].endswith("does not give it (InvalidObjectState)")
        again = bucket.sync(bucket.spec(project, store=store_at(url), slot=1))
        assert again == first.model_copy(update={"added": 0}), "the others are known by now, and it is the only one that is tried"
    there = bucket.sync(bucket.spec(project, slot=2))
    assert (there.items, there.added, there.unreadable, there.unreadable_list) == (5, 1, 0, None)


def test_where_the_store_gives_nothing_the_keys_are_to_blame_and_no_item_counts_as_gone(bucket: Bucket) -> None:
    project = make_project(bucket.server)
    bucket.sync(bucket.spec(project))
    bucket.put("new/6.png", picture(6))
    sources = (Source(uri=f"s3://{bucket.name}/shelf/", exclude=("new/*",)), Source(name="new", uri=f"s3://{bucket.name}/shelf/new/"))
    with cutting_proxy(bucket.s3.endpoint, Cut(bucket.job, 0), {"/6.png": "AccessDenied"}) as url:
        code, failure = bucket.job.failure(bucket.spec(project, store=store_at(url), sources=sources))
    assert (code, failure.reason) == (ExitCode.BAD_INPUT, "StoreAccessDenied")
    assert "shelf/new/6.png (AccessDenied)" in failure.message
    assert len(bucket.person.tasks(project.project)) == 5


def test_a_source_whose_only_object_is_archived_or_beside_what_is_no_picture_stops_no_other_source(bucket: Bucket) -> None:
    bucket.put("cold/6.png", picture(6))
    bucket.put("theirs/7.png", picture(7))
    bucket.put("theirs/notes.txt", b"not a picture")
    shelf = Source(uri=f"s3://{bucket.name}/shelf/", exclude=("cold/*", "theirs/*"))
    others = (Source(name=name, uri=f"s3://{bucket.name}/shelf/{name}/") for name in ("cold", "theirs"))
    withheld = {"/6.png": "InvalidObjectState", "/7.png": "AccessDenied"}
    with cutting_proxy(bucket.s3.endpoint, Cut(bucket.job, 0), withheld) as url:
        result = bucket.sync(bucket.spec(None, store=store_at(url), sources=(shelf, *others)))
    assert (result.items, result.unreadable) == (5, 3)


def test_all_that_cannot_be_read_is_listed_beside_the_items_and_what_lies_there_is_never_an_item(bucket: Bucket) -> None:
    for number in range(4):
        bucket.put(f"notes-{number}.txt", b"not a picture")
    result = bucket.sync(bucket.spec(None, destination=f"s3://{bucket.name}/shelf/sets/"))
    assert result.unreadable_list is not None
    listed = [json.loads(line) for line in (bucket.s3.folder / result.unreadable_list.uri.removeprefix("s3://")).read_text().splitlines()]
    assert [line["uri"].rpartition("/")[2] for line in listed] == [f"notes-{number}.txt" for number in range(4)]
    assert all(line["why"].startswith("not an image") for line in listed)
    again = bucket.sync(bucket.spec(None, destination=f"s3://{bucket.name}/shelf/sets/", slot=1))
    assert again == result


def test_a_copy_with_an_earlier_name_does_not_take_the_place_of_what_people_answered(bucket: Bucket) -> None:
    project = make_project(bucket.server)
    before = bucket.sync(bucket.spec(project))
    bucket.person.answer_all(project.project, {"3.png": "red"})
    bucket.put("0-copy-of-3.png", picture(3))
    after = bucket.sync(bucket.spec(project, slot=1))
    assert (after.items, after.added, after.removed, after.duplicates) == (5, 0, 0, 1)
    assert after.listing == before.listing


def test_new_items_are_added_and_changed_ones_are_seen_anew(bucket: Bucket) -> None:
    project = make_project(bucket.server)
    before = bucket.sync(bucket.spec(project))
    bucket.person.answer_all(project.project, {"0.png": "red", "1.png": None})
    bucket.put("5.png", picture(5))
    (bucket.folder / "0.png").unlink()
    bucket.put("1.png", picture(101))
    after = bucket.sync(bucket.spec(project))
    assert (after.items, after.added, after.removed) == (5, 2, 2)
    assert after.digest != before.digest
    assert len(bucket.person.tasks(project.project)) == 7


def test_a_single_task_tells_who_answered_it_as_a_listing_does(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(bucket.server)
    bucket.sync(bucket.spec(project))
    bucket.person.answer_all(project.project, {"0.png": "red"})
    monkeypatch.setenv(LABEL_STUDIO_TOKEN_VARIABLE, bucket.server.token)
    label_studio = LabelStudio(project)
    (listed,) = [task for task in label_studio.tasks(annotations=True) if task.annotations]
    single = label_studio.task(listed.id)
    assert single.annotations == listed.annotations
    assert not single.untouched


def test_a_task_whose_item_is_gone_holds_nobody_up_unless_somebody_worked_on_it(bucket: Bucket) -> None:
    """Nobody can answer what cannot be shown: an open task of a gone item would keep the project incomplete for ever."""
    project = make_project(bucket.server)
    bucket.sync(bucket.spec(project))
    tasks = {task["data"]["image"].rpartition("/")[2]: task["id"] for task in bucket.person.tasks(project.project)}
    bucket.person.answer(tasks["0.png"], "red")
    bucket.person.answer(tasks["1.png"], None)
    bucket.person.call("POST", f"/api/tasks/{tasks['2.png']}/drafts", json={"result": [], "lead_time": 1.0})
    for name in ("0.png", "1.png", "2.png", "3.png"):
        (bucket.folder / name).unlink()
    kept = bucket.sync(bucket.spec(project, removed="Keep"))
    assert (kept.items, kept.removed, len(bucket.person.tasks(project.project))) == (1, 4, 5)
    after = bucket.sync(bucket.spec(project))
    assert (after.items, after.removed) == (1, 3)
    assert {task["id"] for task in bucket.person.tasks(project.project)} == {tasks[name] for name in ("0.png", "1.png", "2.png", "4.png")}


def test_the_result_of_the_same_content_is_the_same_whatever_happened_between(bucket: Bucket) -> None:
    before = bucket.sync(bucket.spec(None))
    bucket.put("5.png", picture(5))
    assert bucket.sync(bucket.spec(None)).digest != before.digest
    (bucket.folder / "5.png").unlink()
    assert bucket.sync(bucket.spec(None)) == before


def test_killed_after_any_outside_change_and_run_again_leaves_every_item_once(bucket: Bucket) -> None:
    for after in itertools.count(1):
        project = make_project(bucket.server)
        cut = Cut(bucket.job, after)
        destination = f"s3://{bucket.name}/sets/{after}/"
        with cutting_proxy(bucket.s3.endpoint, cut) as store, cutting_proxy(bucket.server.url, cut) as backend:
            through = LabelStudioConnection(url=backend, project=project.project)
            # The storage link holds the endpoint as well, so that what Label Studio reads passes the proxy only while it stands.
            bucket.job.run(bucket.spec(through, store=store_at(store), destination=destination))
        result = bucket.sync(bucket.spec(project, destination=destination))
        keys = [task["data"]["treadle_key"] for task in bucket.person.tasks(project.project)]
        assert len(keys) == len(set(keys)) == result.items == 5, f"cut after {cut.calls}"
        storages = bucket.person.call("GET", "/api/storages/s3", params={"project": project.project}).json()
        assert [storage["s3_endpoint"] for storage in storages] == [bucket.s3.endpoint]
        if not cut.happened:
            assert after > 3, "listing, storage link and import should all have been cut"
            return


def test_of_twins_from_a_late_import_one_stays_and_never_the_work_of_people_goes(bucket: Bucket) -> None:
    project = make_project(bucket.server)
    bucket.sync(bucket.spec(project))
    tasks = bucket.person.tasks(project.project)
    again = [{"data": task["data"], "meta": task["meta"]} for task in tasks]
    bucket.person.call("POST", f"/api/projects/{project.project}/import", json=again)
    twins = [task["id"] for task in bucket.person.tasks(project.project) if task["id"] not in {task["id"] for task in tasks}]
    bucket.person.answer(twins[0], "red")
    bucket.sync(bucket.spec(project))
    left = bucket.person.tasks(project.project)
    assert len(left) == 5
    assert twins[0] in {task["id"] for task in left}


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        ({"sources": (Source(uri="s3://no-such-bucket/x"),)}, ExitCode.BAD_INPUT, "BucketNotFound"),
        ({"destination": "s3://no-such-bucket/x"}, ExitCode.BAD_INPUT, "BucketNotFound"),
        ({"store": store_at("http://127.0.0.1:9")}, ExitCode.UNAVAILABLE, "Unreachable"),
        ({"label_studio": LabelStudioConnection(url="http://127.0.0.1:9", project=1)}, ExitCode.UNAVAILABLE, "Unreachable"),
        ({"labels": COLOURS.model_copy(update={"task": "OfTomorrow"})}, ExitCode.BAD_INPUT, "TaskTypeNotSupported"),
    ],
)
def test_what_is_wrong_outside_is_said(bucket: Bucket, change: dict[str, object], code: ExitCode, reason: str) -> None:
    ended, failure = bucket.job.failure(bucket.spec(None, **change))
    assert (ended, failure.reason) == (code, reason), failure.message


def test_an_empty_source_is_said(bucket: Bucket) -> None:
    code, failure = bucket.job.failure(bucket.spec(None, sources=(Source(uri=f"s3://{bucket.name}/empty"),)))
    assert (code, failure.reason) == (ExitCode.BAD_INPUT, "SourceEmpty")
    assert f"s3://{bucket.name}/empty" in failure.message


def test_refused_keys_and_tokens_and_absent_projects_are_told_apart(bucket: Bucket) -> None:
    project = make_project(bucket.server)
    bucket.job.access_key = "unknown"
    assert bucket.job.failure(bucket.spec(None))[1].reason == "StoreAccessDenied"
    bucket.job.access_key, bucket.job.secret_key = bucket.s3.access_key, "wrong"
    assert bucket.job.failure(bucket.spec(None))[1].reason == "StoreAccessDenied"
    bucket.job.secret_key = bucket.s3.secret_key
    bucket.job.token = "0" * 40
    assert bucket.job.failure(bucket.spec(project))[1].reason == "Unauthorized"
    bucket.job.token = bucket.server.token
    absent = LabelStudioConnection(url=bucket.server.url, project=999_999)
    assert bucket.job.failure(bucket.spec(absent))[1].reason == "LabellingProjectNotFound"
