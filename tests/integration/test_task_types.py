"""Every task type on a real Label Studio: its screen is accepted, and what people mark becomes a dataset version."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest

from tests.integration.browser import browser
from tests.integration.environments import environment
from tests.integration.job_runs import JobProcess, store_at
from tests.integration.labelling_people import Person, make_project, open_task
from tests.integration.servers import LabelStudioServer, S3Server
from treadle.contracts.labels import ImageSize, LabelClass, LabelSchema, Relation, Span, Spans
from treadle.contracts.quality import QualityResult, QualitySpec
from treadle.contracts.release import ReleaseResult, ReleaseSpec
from treadle.contracts.sync import Source, SyncResult, SyncSpec
from treadle.tasks import TASKS
from treadle.tasks._brush import runs_of

PLACES = LabelSchema(task="NamedEntities", labels=(LabelClass(name="city"), LabelClass(name="person", description="no pets")))
ENCODE = """
import json, numpy
from label_studio_sdk.converter.brush import mask2rle
mask = numpy.zeros((30, 40), dtype=numpy.uint8)
mask[5:9, 10:20] = 255
mask[20, 39] = 255
print(json.dumps(mask2rle(mask)))
"""


@pytest.mark.parametrize("task", [name for name, task in TASKS.items() if task.configuration])
def test_the_screen_of_every_type_is_accepted(label_studio: LabelStudioServer, task: str) -> None:
    schema = LabelSchema(task=task, labels=PLACES.labels)
    person = Person(label_studio.url, label_studio.token)
    configuration = TASKS[task].configuration
    assert configuration
    person.call("POST", "/api/projects/validate/", json={"label_config": configuration(schema)})


def test_a_painted_mask_is_read_as_label_studio_s_own_library_writes_it() -> None:
    python = environment("label-studio") / "bin" / "python"
    packed = subprocess.run([str(python), "-c", ENCODE], capture_output=True, text=True, timeout=120, check=True).stdout
    runs = runs_of(json.loads(packed.splitlines()[-1]), ImageSize(width=40, height=30))
    assert runs == (210, 10, 30, 10, 30, 10, 30, 10, 499, 1)


def test_what_people_mark_in_texts_becomes_a_dataset(s3: S3Server, label_studio: LabelStudioServer, tmp_path: Path) -> None:
    bucket = s3.make_bucket(f"names-{uuid4().hex[:8]}")
    raw = s3.folder / bucket / "raw"
    raw.mkdir()
    texts = ["Ada lived in London.", "Nobody was there."]
    for number, text in enumerate(texts):
        (raw / f"{number}.txt").write_text(text)
    job = JobProcess(tmp_path, s3.access_key, s3.secret_key, label_studio.token)
    project = make_project(label_studio, PLACES)
    store, destination = store_at(s3.endpoint), f"s3://{bucket}/sets"
    source = Source(name="notes", uri=f"s3://{bucket}/raw/")
    synced = job.result(SyncSpec(labels=PLACES, sources=(source,), destination=destination, store=store, label_studio=project), SyncResult)
    assert synced.added == 2

    person = Person(label_studio.url, label_studio.token)
    for task in person.tasks(project.project):
        marks = [("person", 0, 3), ("city", 13, 19)] if task["data"]["text"] == texts[0] else []
        result = [
            {"from_name": "part", "to_name": "item", "type": "labels", "value": {"start": start, "end": end, "labels": [label]}}
            for label, start, end in marks
        ]
        person.call("POST", f"/api/tasks/{task['id']}/annotations/", json={"result": result})
    quality = QualitySpec(labels=PLACES, destination=destination, store=store, label_studio=project, items=synced.listing)
    measured = job.result(quality, QualityResult)
    assert (measured.agreed, measured.invalid, measured.metric) == (2, 0, "SpanF1")
    release = ReleaseSpec(labels=PLACES, destination=destination, store=store, snapshot=measured.snapshot, items=synced.listing)
    released = job.result(release, ReleaseResult)
    lines = (s3.folder / bucket / "sets" / "v0001" / "items.jsonl").read_text().splitlines()
    labels = [Spans.model_validate(json.loads(line)["label"]) for line in lines]
    assert [[(span.label, span.start, span.end) for span in label.spans] for label in labels] == [[("city", 13, 19), ("person", 0, 3)], []]
    assert released.items == 2


async def test_people_find_proposed_relations_drawn_and_submit_them_as_they_were(label_studio: LabelStudioServer, tmp_path: Path) -> None:
    ada, london = Span(label="person", start=0, end=3), Span(label="city", start=13, end=19)
    ways = (("lives in", ada, london), ("knows", ada, london), ("knows", london, ada))
    label = Spans(spans=(ada, london), relations=tuple(Relation(label=name, head=one.mention, tail=other.mention) for name, one, other in ways))
    schema = PLACES.model_copy(update={"relations": (LabelClass(name="lives in", color="#d44444"), LabelClass(name="knows"))})
    project, person, task = make_project(label_studio, schema), Person(label_studio.url, label_studio.token), TASKS["NamedEntities"]
    proposed = {"model_version": "sources", "score": 1.0, "result": task.show(label, None)}
    person.call("POST", f"/api/projects/{project.project}/import", json=[{"data": {"text": "Ada lived in London."}, "predictions": [proposed]}])
    (there,) = person.tasks(project.project)
    async with browser(tmp_path) as tab:
        await open_task(tab, label_studio, project.project, there["id"])
        await tab.until("window.Htx?.annotationStore?.selected?.relationStore?.size === 2")
        submit = "Array.from(document.querySelectorAll('button')).find(button => button.innerText.trim() === 'Submit')"
        await tab.until(f"{submit} && !{submit}.disabled")
        (tmp_path / "screen.png").write_bytes(await tab.picture())
        await tab.value(f"{submit}.click(); null")
        await tab.until(f"fetch('/api/tasks/{there['id']}/').then(answer => answer.json()).then(task => task.annotations.length === 1)")
    (after,) = person.tasks(project.project)
    assert task.parse(after["annotations"][0]["result"], schema) == label
