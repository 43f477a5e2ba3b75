"""What people do to a labelling project by hand, against a real Label Studio: it is noticed, and set back where that loses nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.integration.label_studio_bench import CONNECTION, Bench, configuration, setup
from treadle.api.reasons import Reason
from treadle.connections.labelling import (
    AnnotationsChanged,
)
from treadle.plan import Trouble


async def test_an_edited_answer_is_noticed_though_no_count_changes(bench: Bench) -> None:
    made = await bench.carry_out(bench.ensure())
    assert made is not None
    question = AnnotationsChanged(connection=CONNECTION, project=made.id)
    assert await bench.ask(question) == [None]
    task, _ = bench.make_task(made.id, 2)
    annotation = bench.annotate(task, "0")
    (before,) = await bench.ask(question)
    result = [{"from_name": "label", "to_name": "item", "type": "choices", "value": {"choices": ["1"]}}]
    assert bench.http.patch(f"/api/annotations/{annotation}/", json={"result": result}).status_code == 200
    (after,) = await bench.ask(question)
    assert after > before
    assert await bench.ask(question) == [after]


async def test_a_label_in_use_is_never_removed(bench: Bench) -> None:
    made = await bench.carry_out(bench.ensure(setup("0", "1")))
    assert made is not None
    bench.annotate(bench.make_task(made.id)[0], "1")
    with pytest.raises(Trouble) as trouble:
        await bench.carry_out(bench.ensure(setup("0")))
    assert trouble.value.condition.reason is Reason.LabelsInUse
    assert trouble.value.condition.stalled
    assert await bench.ask(bench.find()) == [made]
    grown = await bench.carry_out(bench.ensure(setup("0", "1", "2")))
    assert grown is not None
    assert grown.setup == setup("0", "1", "2").digest


async def test_a_label_that_somebody_removed_in_the_browser_is_there_again_with_its_answers(bench: Bench) -> None:
    made = await bench.carry_out(bench.ensure(setup("0", "1")))
    assert made is not None
    (task,) = bench.make_task(made.id)
    answer = bench.annotate(task, "1")
    assert bench.http.patch(f"/api/projects/{made.id}/", json={"label_config": configuration("0")}).status_code == 200, "nobody is warned"
    (edited,) = await bench.ask(bench.find())
    assert edited.setup != made.setup
    assert await bench.carry_out(bench.ensure(setup("0", "1"))) == made
    assert bench.http.get(f"/api/annotations/{answer}/").json()["result"][0]["value"]["choices"] == ["1"]


async def test_a_label_that_somebody_added_and_used_stays_until_its_answers_are_gone(bench: Bench) -> None:
    made = await bench.carry_out(bench.ensure(setup("0", "1")))
    assert made is not None
    assert bench.http.patch(f"/api/projects/{made.id}/", json={"label_config": configuration("0", "1", "mine")}).status_code == 200
    answer = bench.annotate(bench.make_task(made.id)[0], "mine")
    with pytest.raises(Trouble) as trouble:
        await bench.carry_out(bench.ensure(setup("0", "1")))
    assert trouble.value.condition.reason is Reason.LabelsInUse
    bench.http.delete(f"/api/annotations/{answer}/")
    assert await bench.carry_out(bench.ensure(setup("0", "1"))) == made


GUIDES = {
    "words": "Look twice:\n<b>1</b> & 7",
    "markup": '# Guide\n\n* 5 > 3 & "so" on: <script>alert(1)</script>\n\t`x`&nbsp;&amp;&lt; https://example.com/?a=1&b=2\n\n',
    "other letters": "Zwölf\u00a0Äpfel, \u201equoted\u201c \U0001f34e\r\nnext",
}


@pytest.mark.parametrize("guide", GUIDES)
async def test_guidelines_that_somebody_edited_are_set_back(bench: Bench, guide: str) -> None:
    wanted = setup(guidelines=GUIDES[guide])
    made = await bench.carry_out(bench.ensure(wanted))
    assert made is not None
    assert await bench.ask(bench.find()) == [made], "what Label Studio makes of them is no edit"
    assert made.setup == wanted.digest
    for edit in ({"expert_instruction": "Choose what you like."}, {"expert_instruction": ""}, {"show_instruction": False}):
        assert bench.http.patch(f"/api/projects/{made.id}/", json=edit).status_code == 200
        (edited,) = await bench.ask(bench.find())
        assert edited.setup != made.setup
        assert await bench.carry_out(bench.ensure(wanted)) == made
    told = bench.http.get(f"/api/projects/{made.id}/").json()
    assert told["show_instruction"] is True
    assert "Choose" not in told["expert_instruction"]


async def test_where_spec_has_no_guidelines_people_may_write_their_own(bench: Bench) -> None:
    made = await bench.carry_out(bench.ensure(setup(guidelines="")))
    assert made is not None
    assert bench.http.patch(f"/api/projects/{made.id}/", json={"expert_instruction": "Ours", "show_instruction": True}).status_code == 200
    assert await bench.ask(bench.find()) == [made]


async def test_a_project_whose_description_was_emptied_is_taken_up_again(bench: Bench) -> None:
    made = await bench.carry_out(bench.ensure())
    assert made is not None
    bench.annotate(bench.make_task(made.id)[0])
    assert bench.http.patch(f"/api/projects/{made.id}/", json={"description": ""}).status_code == 200
    assert await bench.ask(bench.find()) == [None]
    assert await bench.carry_out(replace(bench.ensure(), known=made.id)) == made
    assert bench.mine() == [made.id]


async def test_a_project_that_somebody_else_has_by_now_is_not_taken_up(bench: Bench) -> None:
    theirs = bench.twin("treadle.dev/owner: here/ml/other uid=uid-2 guidelines=")
    made = await bench.carry_out(replace(bench.ensure(), known=theirs))
    assert made is not None
    assert made.id != theirs
    anew = await bench.carry_out(replace(bench.ensure(owner=replace(bench.owner, name=f"{bench.owner.name}-b")), known=10**6))
    assert anew is not None, "what is gone is made anew"
