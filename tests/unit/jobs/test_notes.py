"""What deployments said of the items that they sent back: notes in a claim, real files and no server."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from treadle.contracts.feedback import FeedbackNote
from treadle.contracts.labels import ClassLabel, LabelClass, LabelSchema
from treadle.contracts.stores import StoreConnection
from treadle.contracts.sync import Item, Source
from treadle.jobs._labelling_tasks import Before, Said, labelling_tasks
from treadle.jobs._notes import Told, proposal, told_of, why
from treadle.jobs._store import Store
from treadle.tasks import TASKS

MOODS = LabelSchema(task="TextClassification", labels=(LabelClass(name="praise"), LabelClass(name="complaint")))
LIVE = Source(name="live", uri="pvc://data/", kind="Feedback")


def note(text: str, **more: Any) -> FeedbackNote:
    told = {"when": "Uncertain", "at": "2026-01-01T10:00:00+00:00", "deployment": "ml/mood", "model_version": "7", "revision": "abc"}
    return FeedbackNote.model_validate({**told, "digest": hashlib.sha256(text.encode()).hexdigest(), "extension": "txt", **more})


class Fed:
    """What deployments brought into a claim."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "data"
        self.root.mkdir()
        self.store = Store(StoreConnection(claims=str(folder)))

    def tell(self, path: str, content: str | FeedbackNote) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(content if isinstance(content, str) else content.to_json())

    @staticmethod
    def item(path: str, text: str, source: str = "live") -> Item:
        uri = f"pvc://data/{path}"
        return Item(key=uri, source=source, uri=uri, sha256=hashlib.sha256(text.encode()).hexdigest(), size=len(text))

    def told(self, *items: Item) -> Told:
        return told_of(self.store, (LIVE, Source(name="raw", uri="pvc://data/raw/")), items)


@pytest.fixture
def fed(tmp_path: Path) -> Fed:
    return Fed(tmp_path)


def test_a_note_belongs_to_the_item_with_its_content_and_the_latest_counts(fed: Fed) -> None:
    fed.tell("shelf/told/2026-01-01/00000000.json", note("one", when="Random"))
    fed.tell("shelf/told/2026-01-01/00000001.json", note("two"))
    fed.tell("shelf/told/2026-01-02/00000000.json", note("one", at="2026-01-02T10:00:00+00:00"))
    told = fed.told(fed.item("shelf/items/2026-01-01/a.txt", "one"), fed.item("shelf/items/2026-01-02/b.txt", "one"))
    assert {digest: (found.when, found.day) for digest, found in told.notes.items()} == {note("one").digest: ("Uncertain", "2026-01-02")}


def test_only_the_days_of_new_items_are_looked_at_and_only_where_deployments_write(fed: Fed) -> None:
    fed.tell("told/2026-01-01/00000000.json", "{")
    fed.tell("raw/told/2026-01-02/00000000.json", note("one"))
    items = [fed.item("items/2026-01-02/a.txt", "one"), fed.item("raw/items/2026-01-02/b.txt", "one", source="raw"), fed.item("else.txt", "one")]
    assert fed.told(*items) == Told({}, 0)


def test_what_is_no_note_is_counted_and_harms_nobody(fed: Fed) -> None:
    good = note("one")
    broken = ["", "{", "[]", good.to_json().replace("Uncertain", "Bored"), good.to_json() + " " * 20_000]
    for number, content in enumerate([*broken, good.to_json()[:-1] + ',"weather":"fine"}']):
        fed.tell(f"told/2026-01-01/{number:08}.json", content)
    told = fed.told(fed.item("items/2026-01-01/a.txt", "one"))
    assert (told.broken, told.notes) == (len(broken), {good.digest: good})


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"label": "praise", "score": 0.541}, "Uncertain: version 7 of ml/mood said praise, 54 % sure"),
        ({"when": "Drifted", "label": "praise"}, "Drifted: version 7 of ml/mood said praise"),
        ({"when": "Random", "score": 7.5}, "Random: version 7 of ml/mood"),
        ({"label": "a\nb\x00" + "é" * 400, "score": float("nan")}, "Uncertain: version 7 of ml/mood said a b" + "é" * 128 + "…"),
    ],
)
def test_people_read_why_on_one_line(said: dict[str, Any], words: str) -> None:
    assert why(note("one", **said)) == words


@pytest.mark.parametrize(
    ("said", "confidence"),
    [
        ({"label": "praise", "score": 0.54}, 0.54),
        ({"label": "praise"}, 0.5),
        ({"label": "praise", "score": float("inf")}, 0.5),
        ({"label": "boredom", "score": 0.9}, None),
        ({"label": "", "score": 0.9}, None),
        ({}, None),
    ],
)
def test_the_models_answer_is_proposed_where_people_could_give_it(said: dict[str, Any], confidence: float | None) -> None:
    proposed = proposal(note("one", **said), Fed.item("a.txt", "one"), TASKS["TextClassification"], MOODS)
    assert (proposed and proposed.confidence) == confidence
    assert proposed is None or proposed.label == ClassLabel(label="praise")


@pytest.mark.parametrize("type", ["NamedEntities", "Custom"])
def test_a_class_is_no_proposal_where_people_mark_something_else(type: str) -> None:  # noqa: A002
    assert proposal(note("one", label="praise"), Fed.item("a.txt", "one"), TASKS[type], MOODS) is None


def test_tasks_say_why_their_items_came_and_what_all_sources_propose_stands_under_one_name(fed: Fed) -> None:
    texts = {"one": "live", "two": "old", "three": "raw"}
    for text in texts:
        fed.tell(f"{text}.txt", text)
    items = [Fed.item(f"{text}.txt", text, source) for text, source in texts.items()]
    labels = {items[1].key: [Said(ClassLabel(label="complaint"), "Prediction", "old")]}
    told = note("one", label="praise", score=0.54)
    tasks: list[Any] = list(labelling_tasks(fed.store, TASKS["TextClassification"], items, Before(labels, {}, {told.digest: told}, MOODS)))
    assert [task["data"]["why"] for task in tasks] == ["Uncertain: version 7 of ml/mood said praise, 54 % sure", "", ""]
    proposed = [
        [(each["model_version"], each["score"], each["result"][0]["value"]["choices"]) for each in task.get("predictions", ())] for task in tasks
    ]
    assert proposed == [[("sources", 0.54, ["praise"])], [("sources", 1.0, ["complaint"])], []]
    plain: list[Any] = list(labelling_tasks(fed.store, TASKS["TextClassification"], items, Before(labels, {}, None, MOODS)))
    assert ["why" in task["data"] for task in plain] == [False] * 3, "a project without such a source shows no such line"
