"""How far people are, against a real Label Studio, whose own counters are not always right."""

from __future__ import annotations

import asyncio

from tests.integration.label_studio_bench import CONNECTION, NAMES, Bench, setup
from treadle.connections.installation import Owner
from treadle.connections.labelling import (
    FindLabellingProject,
    LabellingProgress,
    Progress,
)


async def test_progress_counts_what_people_did(bench: Bench) -> None:
    made = await bench.carry_out(bench.ensure(setup("0", "1", annotations_per_item=2)))
    assert made is not None
    tasks = bench.make_task(made.id, 4)
    other = bench.second_person()
    bench.annotate(tasks[0], "0")
    bench.annotate(tasks[1], "0")
    bench.annotate(tasks[1], "1", other)
    bench.annotate(tasks[2], "0")
    bench.annotate(tasks[2], "0", other, was_cancelled=True)
    (progress,) = await bench.ask(LabellingProgress(connection=CONNECTION, project=made.id))
    assert progress == Progress(items=4, finished=2, annotated=3, annotations=4, skipped=1)


async def test_many_questions_take_two_calls(bench: Bench) -> None:
    owners = [Owner("here", "ml", next(NAMES), "uid-1") for _ in range(3)]
    made = [await bench.carry_out(bench.ensure(owner=owner)) for owner in owners]
    finds = [FindLabellingProject(connection=CONNECTION, owner=owner) for owner in owners]
    counts = [LabellingProgress(connection=CONNECTION, project=project.id) for project in made if project]
    assert await bench.ask(*finds, *counts, LabellingProgress(connection=CONNECTION, project=987654)) == [*made, *[Progress()] * 3, None]


async def test_an_item_that_two_people_answer_at_the_same_moment_counts_as_finished(bench: Bench) -> None:
    """Label Studio leaves such an item marked unfinished, and may count one answer of two."""
    made = await bench.carry_out(bench.ensure(setup("0", "1", annotations_per_item=2)))
    assert made is not None
    other = bench.second_person()
    first, second, third = bench.make_task(made.id, 3)
    for task in (first, second, third):
        bench.annotate(task, "0")
        bench.annotate(task, "0", other)
    for task in (first, second):
        assert bench.http.patch(f"/api/tasks/{task}/", json={"is_labeled": False}).json()["is_labeled"] is False
    counted = bench.http.get(f"/api/projects/{made.id}/").json()
    assert (counted["finished_task_number"], counted["total_annotations_number"]) == (1, 6)
    question = LabellingProgress(connection=CONNECTION, project=made.id)
    async with bench.connected() as (client, network):
        progress = (await client.answer([question]))[question]
        assert progress == Progress(items=3, finished=3, annotated=3, annotations=6)
        before = network.calls
        assert (await client.answer([question]))[question] == progress
        assert network.calls == before + 1, "counted anew only when the counters moved"


async def test_people_who_answer_together_finish_every_item(bench: Bench) -> None:
    made = await bench.carry_out(bench.ensure(setup("0", "1", annotations_per_item=2)))
    assert made is not None
    other = bench.second_person()
    for task in bench.make_task(made.id, 30):
        await asyncio.gather(asyncio.to_thread(bench.annotate, task, "0"), asyncio.to_thread(bench.annotate, task, "1", other))
    (progress,) = await bench.ask(LabellingProgress(connection=CONNECTION, project=made.id))
    assert progress == Progress(items=30, finished=30, annotated=30, annotations=60)


async def test_an_item_that_one_person_answers_twice_is_not_finished(bench: Bench) -> None:
    made = await bench.carry_out(bench.ensure(setup("0", "1", annotations_per_item=2)))
    assert made is not None
    (task,) = bench.make_task(made.id)
    bench.annotate(task, "0")
    bench.annotate(task, "0")
    (progress,) = await bench.ask(LabellingProgress(connection=CONNECTION, project=made.id))
    assert progress == Progress(items=1, finished=0, annotated=1, annotations=2)
