"""Pairs of texts in a real browser: what people see of a row of a manifest, and what is proposed to them."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

from tests.integration.browser import browser
from tests.integration.job_runs import JobProcess, store_at
from tests.integration.labelling_people import CHOSEN, Person, make_project, open_task
from tests.integration.servers import LabelStudioServer, S3Server
from treadle.contracts.labels import LabelSchema
from treadle.contracts.sync import Source, SourceFields, SourceLabels, SyncResult, SyncSpec
from treadle.tasks import TASKS

VERDICTS = LabelSchema(task="PairwisePreference", labels=TASKS["PairwisePreference"].silent)
ROWS = (
    {
        "id": 7,
        "prompt": f"Why is the sky blue?\n\nIn one sentence. {'word' * 200}",
        "first": "It mirrors <b>the sea</b>.",
        "second": f"Air scatters light. {'word' * 100}",
        "model_of_second": "secret/2",
    },
    {"id": 8, "first": "Yes."},
)
TEXTS = "Array.from(document.querySelectorAll('.lsf-richtext'), text => ({said: text.innerText, at: text.getBoundingClientRect()}))"
SIDE_BY_SIDE = """(([prompt, first, second]) => second
    && prompt.said.startsWith('Why') && first.said.includes('<b>the sea</b>') && second.said.startsWith('Air')
    && prompt.at.bottom <= first.at.top && first.at.top === second.at.top
    && first.at.right < second.at.left && first.at.width === second.at.width && Math.abs(prompt.at.right - second.at.right) < 1)"""


async def test_people_see_both_texts_side_by_side_below_the_prompt_and_find_what_is_proposed(
    s3: S3Server, label_studio: LabelStudioServer, tmp_path: Path
) -> None:
    bucket = s3.make_bucket(f"pairs-{uuid4().hex[:8]}")
    uri, root = f"s3://{bucket}/pairs.jsonl", s3.folder / bucket
    (root / "pairs.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    (root / "judge.jsonl").write_text(json.dumps({"uri": f"{uri}#7", "label": "Second"}))
    labels = SourceLabels(format="Jsonl", uri=f"s3://{bucket}/judge.jsonl", kind="Prediction")
    project = make_project(label_studio, VERDICTS)
    sync = SyncSpec(
        labels=VERDICTS,
        sources=(Source(name="pairs", uri=uri, fields=SourceFields(id="id"), labels=labels),),
        destination=f"s3://{bucket}/sets",
        store=store_at(s3.endpoint),
        label_studio=project,
    )
    synced = JobProcess(tmp_path, s3.access_key, s3.secret_key, label_studio.token).result(sync, SyncResult)
    assert (synced.items, synced.added, synced.unreadable) == (1, 1, 1)
    assert synced.examples == (f"{uri} line 2: the field second: it is missing",)

    (task,) = Person(label_studio.url, label_studio.token).tasks(project.project)
    assert "secret/2" not in json.dumps(task)
    async with browser(tmp_path) as tab:
        await open_task(tab, label_studio, project.project, task["id"])
        await tab.until(f"{SIDE_BY_SIDE}({TEXTS})")
        await tab.until(f"{CHOSEN} === 'Second[3]'")
        (tmp_path / "screen.png").write_bytes(await tab.picture())
