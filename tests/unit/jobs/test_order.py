"""The order in which people see items: what a strategy says of them, batches in front, accepted ones last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from treadle.contracts import Blob, LabelStudioConnection, StoreConnection
from treadle.contracts.labels import Box, Boxes, ClassLabel, ImageSize, LabelClass, LabelSchema, Rating, Relation, Span, Spans
from treadle.contracts.model import ClassPrediction
from treadle.contracts.rank import RankSpec
from treadle.jobs._order import Scene, order_of
from treadle.jobs._proposals import Proposal, proposal_of
from treadle.statistics.shapes import SHAPES
from treadle.tasks import TASKS

ITEMS = [(f"s3://raw/{number:03}.png", "a" * 64) for number in range(20)]
SCHEMA = LabelSchema(task="ImageClassification", labels=(LabelClass(name="can"), LabelClass(name="bottle")))


def rows(asked: Sequence[tuple[str, str]]) -> Any:
    return list(range(len(asked))), np.array([[float(key[9:12])] for key, _ in asked], dtype=np.float32)


def sure(chance: float) -> Proposal:
    return Proposal(ClassLabel(label="can"), chance, [[chance, 1 - chance]])


SCENE = Scene(
    items=ITEMS,
    proposals={item: sure(1 - index / 100) for index, item in enumerate(ITEMS)},
    votes={},
    done=frozenset(),
    answered=frozenset(),
    taken=frozenset(),
    anywhere=frozenset(),
    rows=rows,
    shape=SHAPES["Class"],
)


def spec(**wanted: Any) -> RankSpec:
    blob, project = Blob(uri="s3://sets/items/x.jsonl", sha256="0" * 64), LabelStudioConnection(url="http://label-studio", project=1)
    return RankSpec(labels=SCHEMA, destination="s3://sets/", store=StoreConnection(), label_studio=project, items=blob, **wanted)


def in_order(scene: Scene, **wanted: Any) -> list[int]:
    places = order_of(scene, spec(**wanted))
    assert all(0 <= place <= 1 for place in places.values())
    return [ITEMS.index(item) for item in sorted(places, key=lambda item: places[item])]


def test_the_least_certain_come_first() -> None:
    for strategy in ("LeastConfidence", "Margin", "Entropy"):
        assert in_order(SCENE, strategy=strategy) == list(reversed(range(20)))


def test_chance_is_the_same_every_time_and_another_order_than_the_names() -> None:
    assert in_order(SCENE) == in_order(SCENE)
    assert in_order(SCENE) not in (list(range(20)), list(reversed(range(20))))


def test_a_batch_is_put_in_front_and_what_is_done_is_not_in_it() -> None:
    scene = replace(SCENE, done=frozenset(ITEMS[18:]))
    assert in_order(scene, strategy="Margin", batch=3)[:3] == [17, 16, 15]


def test_what_is_far_from_all_answers_comes_first() -> None:
    scene = replace(SCENE, answered=frozenset(ITEMS[:1]), done=frozenset(ITEMS[:1]))
    assert in_order(scene, strategy="CoreSet", batch=2)[:2] == [19, 9]


def test_what_votes_differ_on_comes_first() -> None:
    can, bottle = ClassLabel(label="can"), ClassLabel(label="bottle")
    scene = replace(SCENE, votes={item: [can, bottle if index == 7 else can] for index, item in enumerate(ITEMS)})
    assert in_order(scene, strategy="Disagreement")[0] == 7


def test_accepted_items_come_last_and_audited_ones_lie_anywhere() -> None:
    scene = replace(SCENE, taken=frozenset(ITEMS[15:]), anywhere=frozenset(ITEMS[:5]))
    order = in_order(scene, strategy="Margin")
    assert set(order[-5:]) == {15, 16, 17, 18, 19}
    assert order[:10] != [14, 13, 12, 11, 10, 9, 8, 7, 6, 5]


# -- proposals


def proposed(task: str, answer: Any, image: ImageSize | None = None) -> Proposal | None:
    return proposal_of(answer, TASKS[task], SCHEMA.model_copy(update={"task": task}), image)


def test_an_answer_is_a_proposal_only_if_people_could_give_it() -> None:
    found = proposed("ImageClassification", ClassPrediction(label="can", score=0.7, scores={"can": 0.7, "bottle": 0.3}))
    assert found == Proposal(ClassLabel(label="can"), 0.7, [[0.7, 0.3]])
    assert proposed("ImageClassification", ClassPrediction(label="crate", score=0.7)) is None
    assert proposed("ImageClassification", Boxes()) is None
    assert proposed("NamedEntities", Spans(spans=(Span(label="crate", start=0, end=3),))) is None


def test_proposed_relations_are_as_sure_as_they_say_and_only_those_of_the_project() -> None:
    can, bottle = (Span(label=name, start=start, end=start + 3, score=0.9) for name, start in (("can", 0), ("bottle", 5)))

    def related(name: str, relations: Sequence[str]) -> Proposal | None:
        said = Spans(spans=(can, bottle), relations=(Relation(label=name, head=can.mention, tail=bottle.mention, score=0.7),))
        schema = LabelSchema(task="NamedEntities", labels=SCHEMA.labels, relations=tuple(LabelClass(name=each) for each in relations))
        return proposal_of(said, TASKS["NamedEntities"], schema, None)

    found = related("beside", ["beside"])
    assert found
    assert isinstance(found.label, Spans)
    assert [relation.label for relation in found.label.relations] == ["beside"]
    assert (found.confidence, [decision[0] for decision in found.decisions]) == (0.7, [0.9, 0.9, 0.7])
    assert related("inside", ["beside"]) is None
    assert related("can", ["beside"]) is None
    assert related("beside", []) is None


def test_boxes_are_as_sure_as_the_least_sure_one() -> None:
    boxes = Boxes(boxes=(Box(label="can", x=1, y=1, width=2, height=2, score=0.9), Box(label="can", x=5, y=5, width=2, height=2, score=0.6)))
    found = proposed("ObjectDetection", boxes, ImageSize(width=10, height=10))
    assert found
    assert found.confidence == 0.6
    assert [decision[0] for decision in found.decisions] == [0.9, 0.6]
    assert proposed("ObjectDetection", boxes) is None, "nobody knows where they are on the screen"
    outside = Boxes(boxes=(Box(label="can", x=8, y=8, width=9, height=9, score=0.9),))
    assert proposed("ObjectDetection", outside, ImageSize(width=10, height=10)) is None


def test_finding_nothing_is_neither_sure_nor_unsure() -> None:
    found = proposed("ObjectDetection", Boxes(), ImageSize(width=10, height=10))
    assert found
    assert found.confidence == 0.5


def test_a_rating_is_proposed_by_the_name_of_its_step() -> None:
    found = proposed("TextRating", ClassPrediction(label="bottle", score=0.8))
    assert found
    assert found.label == Rating(step=2, label="bottle")
