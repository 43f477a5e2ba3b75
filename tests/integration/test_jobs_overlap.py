"""Disputed items get one more annotator, with a real Label Studio: it is offered to a third person, and to nobody twice."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from PIL import Image

from tests.integration.job_runs import JobProcess, store_at
from tests.integration.labelling_people import COLOURS, Person, make_project
from tests.integration.servers import LabelStudioServer, S3Server
from treadle.contracts import Blob
from treadle.contracts.quality import AnnotatorLimit, ConsensusPolicy, QualityResult, QualitySpec, ReviewPolicy
from treadle.contracts.sync import Source, SyncResult, SyncSpec


def test_a_disputed_item_is_offered_to_one_more_person_up_to_the_maximum(s3: S3Server, label_studio: LabelStudioServer, tmp_path: Path) -> None:
    bucket = s3.make_bucket(f"overlap-{uuid4().hex[:8]}")
    (s3.folder / bucket / "raw").mkdir()
    for shade, name in enumerate(("a.png", "b.png", "c.png")):
        content = io.BytesIO()
        Image.new("L", (40, 20), shade).save(content, "PNG")
        (s3.folder / bucket / "raw" / name).write_bytes(content.getvalue())
    job, store, sets = JobProcess(tmp_path, s3.access_key, s3.secret_key, label_studio.token), store_at(s3.endpoint), f"s3://{bucket}/sets"
    project = make_project(label_studio, answers=2)
    source = Source(name="raw", uri=f"s3://{bucket}/raw/")
    synced = job.result(SyncSpec(labels=COLOURS, sources=(source,), destination=sets, store=store, label_studio=project), SyncResult)
    people = [Person(label_studio.url, label_studio.make_user(f"{uuid4().hex[:8]}@example.com")) for _ in range(4)]

    def measure(items: Blob | None = synced.listing, **more: Any) -> QualityResult:
        asked = {"answers_per_item": 2, "most_answers": 3} | more
        return job.result(QualitySpec(labels=COLOURS, destination=sets, store=store, label_studio=project, items=items, **asked), QualityResult)

    def looked() -> SyncResult:
        spec = SyncSpec(labels=COLOURS, sources=(source,), destination=sets, store=store, label_studio=project, answers_per_item=2)
        return job.result(spec, SyncResult)

    def finished() -> int:
        # Label Studio's own counter is not always set when its machine is busy, which the operator makes up for.
        return sum(len(task["annotations"]) >= task["overlap"] for task in people[0].tasks(project.project))

    def offered(person: Person) -> str:
        offer = person.call("GET", f"/api/projects/{project.project}/next/").json()["id"]
        return next(str(task["data"]["image"]).rpartition("/")[2] for task in people[0].tasks(project.project) if task["id"] == offer)

    people[0].answer_all(project.project, {"a.png": "red", "b.png": "red", "c.png": "red"})
    people[1].answer_all(project.project, {"a.png": "blue", "b.png": "red", "c.png": "green"})
    first = int(people[0].call("GET", "/api/current-user/whoami").json()["id"])
    measured = measure(limits=(AnnotatorLimit(annotator=f"u{first}", items=2),))
    assert (measured.complete, measured.agreed, measured.disputed, measured.asked_again, measured.above_limit) == (3, 1, 2, 2, 1)
    tasks = people[0].tasks(project.project)
    assert measured.settled_at == max(datetime.fromisoformat(task["updated_at"]) for task in tasks), "what quality itself changed is known"
    assert finished() == 1
    assert offered(people[2]) in ("a.png", "c.png")

    waiting = measure()
    assert waiting.settled_at is None, "nobody was asked"
    assert (waiting.disputed, waiting.asked_again, waiting.complete) == (2, 2, 1), "asked once; what waits is disputed all the same"
    assert looked().asked_again == 2, "whoever knows nothing of the measurement sees it at the tasks"
    here, elsewhere = s3.folder / bucket / "raw" / "a.png", tmp_path / "a.png"
    here.rename(elsewhere)
    gone = looked()
    assert gone.asked_again == measure(gone.listing).asked_again == 2, "its task is unfinished although its item is gone: nobody waits for it"
    elsewhere.rename(here)
    people[2].answer_all(project.project, {"a.png": "blue", "c.png": "blue"})
    assert finished() == 3
    assert looked().asked_again == 0
    done = measure(consensus=ConsensusPolicy(review=ReviewPolicy(disputed=True, reviewers=("u999999",))))
    assert (done.agreed, done.in_review, done.asked_again) == (2, 1, 0), "with three answers c.png waits for a reviewer"
