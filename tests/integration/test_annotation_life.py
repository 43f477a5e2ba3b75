"""AnnotationProjects on a real API server with the real Job controller, Label Studio and S3; the test plays kubelet and people."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from e2e.support.rights import KIND, patched
from manifests.demo.data.digits import items
from tests.integration.annotation_world import World, conditions
from tests.integration.control_plane import Place
from tests.integration.labelling_people import Person
from tests.integration.servers import LabelStudioServer, S3Server
from treadle.cli import main as kubectl_treadle
from treadle.engine import Access, KubernetesCluster, Wire
from treadle.plan import Object

COUNT = 10
LABELS = [{"name": str(digit)} for digit in range(10)]
TEMPLATE = {"template": {"spec": {"image": "registry.example/acme/train:1"}}}


@pytest.fixture
async def world(place: Place, s3: S3Server, label_studio: LabelStudioServer, tmp_path: Path) -> AsyncIterator[World]:
    admin = KubernetesCluster(Wire(Access(str(place.cluster.kubeconfig))))
    yield World(place=place, admin=admin, s3=s3, label_studio=label_studio, folder=tmp_path)
    await admin.close()


def bucket_of_digits(s3: S3Server) -> str:
    name = s3.make_bucket(f"digits-{uuid4().hex[:8]}")
    (s3.folder / name / "items").mkdir()
    for path, png in list(items())[:COUNT]:
        (s3.folder / name / "items" / path).write_bytes(png)
    return name


def make_project(world: World, bucket: str, **spec: Any) -> dict[str, Any]:
    silent = {
        "task": {"type": "ImageClassification", "labels": LABELS},
        "source": {"uri": f"s3://{bucket}/items/"},
        "dataset": {"destination": f"s3://{bucket}/sets/"},
        "resync": "1h",
    }
    metadata = {"name": "digits", "namespace": world.place.namespace}
    return {"apiVersion": "treadle.dev/v1alpha1", "kind": "AnnotationProject", "metadata": metadata, "spec": silent | spec}


def project_number(this: Object) -> int:
    return int(this["status"]["labellingProject"]["id"])


def answer_everything(world: World, number: int, *people: Person, differ: int = 0) -> None:
    """Everybody answers every item alike, except for the first `differ` ones."""
    for index, person in enumerate(people):
        for order, task in enumerate(person.tasks(number)):
            person.answer(task["id"], str(index if order < differ else order % 3))


def is_ready(this: Object) -> bool:
    return conditions(this).get("Ready", ("", ""))[0] == "True"


def is_released(this: Object) -> bool:
    return conditions(this).get("DatasetReleased", ("", ""))[0] == "True"


async def test_items_become_answers_a_version_and_a_run_and_a_recreated_project_takes_up_its_own(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket, place = bucket_of_digits(world.s3), world.place
    people = [Person(world.label_studio.url, world.label_studio.token)]
    people.append(Person(world.label_studio.url, world.label_studio.make_user(f"{place.namespace}@example.com")))
    wanted = make_project(world, bucket, workforce={"annotationsPerItem": 2}, quality={"agreement": {"minimum": "0.70"}}, train=TEMPLATE)
    async with world.kubelet():
        async with world.operator():
            since = place.now()
            place.cluster.apply(wanted)
            number = project_number(await world.until("items can be annotated", is_ready))
            assert {len(person.tasks(number)) for person in people} == {COUNT}
            answer_everything(world, number, *people, differ=1)
            done = await world.until("version 1 is released", is_released)
            assert (done["status"]["dataset"]["version"], done["status"]["dataset"]["items"]) == (1, COUNT - 1)
            run = await world.until("its run is made", lambda this: True, "TrainingRun", "digits-v1")
            assert run["spec"]["dataset"] == {"project": "digits", "version": "1"}
            assert "ownerReferences" not in run["metadata"]
            await world.until("the run is remembered", lambda this: "trained" in this["status"])
            statuses = [write for write in place.writes(since) if write.startswith("patch annotationprojects/digits/status")]
            assert len(statuses) <= 14, statuses
            assert place.refused(since) == []
        words = ["dataset", "diff", "digits", "1", "v1", "--namespace", place.namespace, "--kubeconfig", str(place.cluster.kubeconfig)]
        assert await asyncio.to_thread(kubectl_treadle, words) == 0
        assert "v1 and v1 hold the same" in capsys.readouterr().out
        before = json.dumps(dict(await world.get("AnnotationProject") or {}), sort_keys=True)
        since = place.now()
        async with world.operator():
            place.cluster.apply(wanted)
            await world.until("the operator works again", lambda this: True)
            place.kubectl("annotate", "annotationproject", "digits", "example.com/touched=yes")
            await world.until("it was looked at", lambda this: "example.com/touched" in this["metadata"]["annotations"])
        assert place.writes(since) == [], "a restart and the same object again write nothing"
        assert json.loads(before)["status"] == dict(await world.get("AnnotationProject") or {})["status"]

        jobs = world.jobs()
        assert len(jobs) == 3
        place.kubectl("delete", "annotationproject", "digits", "--cascade=foreground", "--timeout=30s")
        assert world.jobs() == [], "its Jobs go with it, its run stays"
        assert (await world.get("TrainingRun", "digits-v1")) is not None
        async with world.operator():
            place.cluster.apply(wanted)
            again = await world.until("its own version is found again", is_released)
            assert project_number(again) == number
            assert again["status"]["dataset"]["version"] == 1
            assert again["status"]["dataset"]["digest"] == done["status"]["dataset"]["digest"]
        assert sorted(p.name for p in (world.s3.folder / bucket / "sets").iterdir() if p.name.startswith("v0")) == ["v0001"]
        assert len(json.loads(place.kubectl("get", "trainingruns", "--output=json"))["items"]) == 1


async def test_only_an_empty_labelling_project_is_deleted_with_its_object(world: World) -> None:
    bucket, place = bucket_of_digits(world.s3), world.place
    person = Person(world.label_studio.url, world.label_studio.token)
    wanted = make_project(world, bucket, deletionPolicy="Delete")
    async with world.kubelet(), world.operator():
        for work in (0, 1):
            place.cluster.apply(wanted)
            this = await world.until("items can be annotated", is_ready)
            number = project_number(this)
            for task in person.tasks(number)[:work]:
                person.answer(task["id"], "0")
            assert this["metadata"]["finalizers"] == ["treadle.dev/labelling-project"]
            await asyncio.to_thread(place.kubectl, "delete", "annotationproject", "digits", "--timeout=30s")
            listed = person.call("GET", "/api/projects/", params={"page_size": 1000}).json()["results"]
            assert (number in {project["id"] for project in listed}) == bool(work)
    sent = patched(place.cluster.audit_events(user=f"operator-{place.namespace}"))
    assert sent == {
        (KIND, "annotationprojects", "patch"): {"/metadata/resourceVersion", "/metadata/finalizers"},
        (KIND, "annotationprojects/status", "patch"): {"/metadata/resourceVersion", "/status"},
    }, "the right to patch a project is used for its finalizer alone"


async def test_what_people_delete_and_edit_by_hand_is_said_and_repaired(world: World) -> None:
    bucket, place = bucket_of_digits(world.s3), world.place
    person = Person(world.label_studio.url, world.label_studio.token)
    other = Person(world.label_studio.url, world.label_studio.make_user(f"{place.namespace}@example.com"))
    said = {"0": 0, "1": 1, "2": 2}

    def answers(number: int) -> list[str]:
        return sorted(a["result"][0]["value"]["choices"][0] for task in person.tasks(number) for a in task["annotations"])

    def kept(this: Object) -> int:
        snapshot = this["status"]["source"]["snapshot"]["uri"].removeprefix(f"s3://{bucket}/")
        return len((world.s3.folder / bucket / snapshot).read_text().splitlines())

    def repaired(what: str) -> Any:
        return lambda this: any(each["what"] == what and "repairedAt" in each for each in this["status"].get("incidents", ()))

    async with world.kubelet(), world.operator():
        place.cluster.apply(make_project(world, bucket, resync="10s"))
        number = project_number(await world.until("items can be annotated", is_ready))
        for label, index in said.items():
            other.answer(person.tasks(number)[index]["id"], label)
        await world.until("the answers are kept", lambda this: kept(this) == len(said))

        screen = person.call("GET", f"/api/projects/{number}/").json()["label_config"]
        without = re.sub(r'<Choice value="2"[^>]*/>', "", screen)
        assert without != screen
        person.call("PATCH", f"/api/projects/{number}/", json={"label_config": without})
        this = await world.until("the edit is repaired", repaired("SetupEdited"))
        assert conditions(this)["WorkProtected"] == ("True", "WorkRepaired")
        assert person.call("GET", f"/api/projects/{number}/").json()["label_config"] == screen

        person.call("DELETE", f"/api/tasks/{person.tasks(number)[0]['id']}/")
        await world.until("the task is repaired", repaired("TasksDeleted"))
        assert answers(number) == sorted(said)

        person.call("DELETE", f"/api/projects/{number}/")
        this = await world.until("the project is repaired", repaired("ProjectLost"))
        assert project_number(this) != number
        assert answers(project_number(this)) == sorted(said)
        assert len(person.tasks(project_number(this))) == COUNT


async def test_an_unreachable_store_and_a_missing_bucket_are_told(world: World) -> None:
    place = world.place
    async with world.kubelet(), world.operator():
        place.cluster.apply(make_project(world, "no-such-bucket"))
        this = await world.until("the failure is told", lambda this: conditions(this).get("SourceSynced", ("", ""))[1] == "BucketNotFound")
        assert conditions(this)["Stalled"][0] == "True"
        assert "no-such-bucket" in next(c for c in this["status"]["conditions"] if c["type"] == "SourceSynced")["message"]
