"""Every wish about a labelling project against a real Label Studio: once, twice, and cut after each HTTP call."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.label_studio_bench import CONNECTION, NAMES, Bench, Deletions, bench_at, configuration, cut_everywhere, setup
from tests.integration.servers import label_studio_server
from treadle.api.reasons import Reason
from treadle.connections.installation import Owner
from treadle.connections.label_studio import LabelStudio
from treadle.connections.labelling import (
    CloseLabellingProject,
    LabellingProgress,
    LabellingProject,
    Progress,
)
from treadle.plan import Effect, Trouble
from treadle.tasks import with_reason


async def test_a_project_is_made_once_and_found_again(bench: Bench) -> None:
    assert await bench.ask(bench.find()) == [None]
    made = await bench.carry_out(bench.ensure())
    assert made is not None
    assert made == await bench.carry_out(bench.ensure())
    assert bench.mine() == [made.id]
    assert made.setup == setup().digest
    assert bench.http.get(f"/api/projects/{made.id}/").json()["expert_instruction"] == "Look twice:<br>&lt;b&gt;1&lt;/b&gt; &amp; 7"
    assert made.url == f"https://label.example/projects/{made.id}/data"
    assert await bench.ask(bench.find(), LabellingProgress(connection=CONNECTION, project=made.id)) == [made, Progress()]


def test_label_studio_tells_the_oldest_project_first_where_it_is_asked_to(bench: Bench) -> None:
    """So a project that somebody makes while the list is read moves no other one out of sight."""
    made = [bench.twin(""), bench.twin("")]
    listed = bench.http.get("/api/projects/", params={"ordering": "id", "include": "id,description", "page_size": 100}).json()["results"]
    numbers = [project["id"] for project in listed]
    assert numbers == sorted(numbers)
    assert set(made) <= set(numbers) or len(numbers) == 100


async def test_wanting_it_cut_after_each_call_leaves_one_project(bench: Bench) -> None:
    async def prepare() -> Effect:
        return bench.ensure()

    async def check() -> None:
        made = await bench.carry_out(bench.ensure())
        assert made is not None
        assert made.setup == setup().digest
        assert bench.mine() == [made.id]

    await cut_everywhere(bench, prepare, check)


async def test_changing_it_cut_after_each_call_ends_as_wanted(bench: Bench) -> None:
    wanted = setup("0", "1", "2", annotations_per_item=2, overlap_percent=50)

    async def prepare() -> Effect:
        await bench.carry_out(bench.ensure())
        return bench.ensure(wanted)

    async def check() -> None:
        made = await bench.carry_out(bench.ensure(wanted))
        assert made is not None
        assert made.setup == wanted.digest
        assert bench.mine() == [made.id]

    await cut_everywhere(bench, prepare, check)


async def test_an_overlap_of_nothing_is_kept_as_any_other(bench: Bench) -> None:
    wanted = setup(annotations_per_item=2, overlap_percent=0)
    made = await bench.carry_out(bench.ensure(wanted))
    assert made is not None
    assert made.setup == wanted.digest


async def test_closing_it_cut_after_each_call_leaves_none(bench: Bench) -> None:
    project = 0

    async def prepare() -> Effect:
        nonlocal project
        made = await bench.carry_out(bench.ensure())
        assert made is not None
        project = made.id
        return bench.close(project)

    async def check() -> None:
        assert await bench.carry_out(bench.close(project)) is None
        assert await bench.carry_out(bench.close(project)) is None
        assert bench.mine() == []

    await cut_everywhere(bench, prepare, check)


async def test_an_empty_twin_is_closed_and_one_with_answers_is_kept(bench: Bench) -> None:
    first = await bench.carry_out(bench.ensure())
    assert first is not None
    description = bench.http.get(f"/api/projects/{first.id}/").json()["description"]
    twins = [bench.twin(description) for _ in range(2)]
    bench.annotate(bench.make_task(twins[1])[0])
    assert await bench.ask(bench.find()) == [replace(first, twins=(twins[0],))], "told, so that it is closed although the set-up is as wished"
    assert await bench.carry_out(bench.ensure()) == first
    assert bench.mine() == [first.id, twins[1]]
    assert await bench.ask(bench.find()) == [first]


async def test_what_is_closed_with_a_twin_is_not_told_to_be_gone_before_the_twin_is(bench: Bench) -> None:
    first = await bench.carry_out(bench.ensure())
    assert first is not None
    late = bench.twin(bench.http.get(f"/api/projects/{first.id}/").json()["description"])
    second = await bench.carry_out(bench.close(first.id))
    assert second is not None
    assert second.id == late
    assert await bench.carry_out(bench.close(late)) is None
    assert bench.mine() == []


async def test_projects_are_deleted_one_at_a_time(bench: Bench) -> None:
    """Two deletions at once make Label Studio's process lose its signal handlers: what people answer is never counted again."""
    owners = [Owner("here", "ml", next(NAMES), "uid-1") for _ in range(6)]
    closing = []
    for owner in owners:
        made = await bench.carry_out(bench.ensure(owner=owner))
        assert made is not None
        closing.append(CloseLabellingProject(connection=CONNECTION, owner=owner, project=made.id))
    network = Deletions()
    client = LabelStudio(bench.settings, transport=network)
    await asyncio.gather(*(client.carry_out(wish) for wish in closing))
    await client.close()
    assert (network.total, network.most_at_once) == (6, 1)


async def test_a_line_that_tells_why_items_came_is_added_to_a_project_with_answers_and_taken_away_again(bench: Bench) -> None:
    made = await bench.carry_out(bench.ensure())
    assert made is not None
    first, second = bench.make_task(made.id, 2)
    bench.annotate(first)
    told = setup(configuration=with_reason(configuration("0", "1")))
    changed = await bench.carry_out(bench.ensure(told))
    assert changed is not None
    assert (changed.id, changed.setup) == (made.id, told.digest)
    bench.make_task(made.id)
    bench.annotate(second)
    assert await bench.carry_out(bench.ensure(told)) == changed
    assert await bench.carry_out(bench.ensure()) == made


async def test_a_configuration_that_is_no_configuration_makes_no_project(bench: Bench) -> None:
    with pytest.raises(Trouble) as trouble:
        await bench.carry_out(bench.ensure(setup(configuration="<View><Choices></View>")))
    assert trouble.value.condition.reason is Reason.LabellingConfigurationInvalid
    assert bench.mine() == []


@pytest.mark.parametrize("work", ["an answer", "a skip", "a draft"])
async def test_a_project_with_human_work_is_never_closed(bench: Bench, work: str) -> None:
    made = await bench.carry_out(bench.ensure())
    assert made is not None
    (task,) = bench.make_task(made.id)
    if work == "a draft":
        assert bench.http.post(f"/api/tasks/{task}/drafts", json={"result": [], "lead_time": 1}).status_code == 201
    else:
        bench.annotate(task, was_cancelled=work == "a skip")
    async with bench.connected() as (client, _):
        answers = await client.carry_out(bench.close(made.id))
    assert answers[bench.find()] == made
    progress = answers[LabellingProgress(connection=CONNECTION, project=made.id)]
    assert isinstance(progress, Progress)
    assert progress.human_work == 1
    assert bench.mine() == [made.id]


async def test_a_project_of_others_is_never_closed(bench: Bench) -> None:
    other = bench.http.post("/api/projects/", json={"title": "Other", "description": "mine"}).json()["id"]
    assert await bench.carry_out(bench.close(other)) is None
    assert bench.http.get(f"/api/projects/{other}/").status_code == 200


async def test_adopting_takes_an_existing_project_with_its_words_and_answers(bench: Bench) -> None:
    other = bench.http.post("/api/projects/", json={"title": "Other", "description": "Our words", "label_config": configuration("0", "1")}).json()[
        "id"
    ]
    bench.annotate(bench.make_task(other)[0], "1")
    assert await bench.ask(bench.find(other)) == [None]
    adopted = await bench.carry_out(bench.ensure(adopt=other))
    assert adopted is not None
    assert adopted.id == other
    assert await bench.ask(bench.find(other)) == [adopted]
    assert bench.http.get(f"/api/projects/{other}/").json()["description"].startswith("Our words\n")
    stranger = Owner("here", "another-namespace", "thief", "uid-2")
    with pytest.raises(Trouble) as trouble:
        await bench.carry_out(bench.ensure(adopt=other, owner=stranger))
    assert trouble.value.condition.reason is Reason.OwnedElsewhere


async def test_adopting_what_is_not_there_says_so(bench: Bench) -> None:
    with pytest.raises(Trouble) as trouble:
        await bench.carry_out(bench.ensure(adopt=987654))
    assert trouble.value.condition.reason is Reason.LabellingProjectNotFound


async def test_a_personal_access_token_works_as_well(bench: Bench, tmp_path: Path) -> None:
    assert bench.http.post("/api/jwt/settings", json={"api_tokens_enabled": True, "legacy_api_tokens_enabled": True}).status_code in (200, 201)
    reply = bench.http.post("/api/token/", json={})
    assert reply.status_code == 201, reply.text
    (tmp_path / "token").write_text(reply.json()["token"])
    made = await bench.carry_out(bench.ensure())
    assert await bench.ask(bench.find()) == [made]


async def test_a_wrong_token_is_told_as_such(bench: Bench, tmp_path: Path) -> None:
    for wrong in ("0" * 40, "a.b.c"):
        (tmp_path / "token").write_text(wrong)
        with pytest.raises(Trouble) as trouble:
            await bench.ask(bench.find())
        assert trouble.value.condition.reason is Reason.Unauthorized
        assert wrong not in trouble.value.condition.message


async def test_projects_made_at_the_same_time_become_one(tmp_path: Path) -> None:
    # On a server of its own: SQLite answers some of it with "database is locked", and two deletions at once make Label Studio count nothing any more.
    with label_studio_server(tmp_path / "server") as server, bench_at(server, tmp_path) as bench:
        made = await asyncio.gather(*(bench.carry_out(bench.ensure()) for _ in range(3)), return_exceptions=True)
        assert any(isinstance(answer, LabellingProject) for answer in made)
        last = await bench.carry_out(bench.ensure())
        assert last is not None
        assert bench.mine() == [last.id]
