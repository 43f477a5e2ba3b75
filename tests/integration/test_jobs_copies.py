"""Items in a claim, which no browser reaches, are copied into a real Label Studio; what people answer is kept in the claim."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from tests.integration.job_runs import JobProcess
from tests.integration.labelling_people import COLOURS, Person, make_project
from tests.integration.servers import LabelStudioServer
from treadle.contracts import StoreConnection
from treadle.contracts.quality import QualityResult, QualitySpec
from treadle.contracts.release import ReleaseResult, ReleaseSpec
from treadle.contracts.sync import Source, SyncResult, SyncSpec


def test_people_annotate_copies_of_what_lies_in_a_claim(label_studio: LabelStudioServer, tmp_path: Path) -> None:
    claim = tmp_path / "claims" / "shelf"
    (claim / "raw").mkdir(parents=True)
    contents = {}
    for shade, name in enumerate(("a.png", "b b.png")):
        content = io.BytesIO()
        Image.new("L", (40, 20), shade).save(content, "PNG")
        contents[name] = content.getvalue()
        (claim / "raw" / name).write_bytes(content.getvalue())
    store, job = StoreConnection(claims=str(tmp_path / "claims")), JobProcess(tmp_path, "", "", label_studio.token)
    project, person = make_project(label_studio), Person(label_studio.url, label_studio.token)
    source, sets = Source(name="raw", uri="pvc://shelf/raw/"), "pvc://shelf/sets/"
    wanted = SyncSpec(labels=COLOURS, sources=(source,), destination=sets, store=store, label_studio=project, copy_media=True)
    synced = job.result(wanted, SyncResult)
    assert (synced.items, synced.added) == (2, 2)
    assert job.result(wanted, SyncResult).added == 0
    tasks = person.tasks(project.project)
    shown = {person.call("GET", task["data"]["image"]).content for task in tasks}
    assert shown == set(contents.values()), "annotators see the very bytes"

    for task in tasks:
        person.answer(task["id"], "red")
    measured = job.result(QualitySpec(labels=COLOURS, destination=sets, store=store, label_studio=project, items=synced.listing), QualityResult)
    asked = ReleaseSpec(labels=COLOURS, destination=sets, store=store, snapshot=measured.snapshot, items=synced.listing)
    released = job.result(asked, ReleaseResult)
    assert (released.items, released.uri) == (2, "pvc://shelf/sets/v0001/")
    assert (claim / "sets" / "v0001" / "manifest.json").is_file()
