from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.contracts.labels import Box, Boxes
from treadle.statistics.shapes import agreement_with_others
from treadle.statistics.shapes.boxes import BOXES, PARTS, iou

agreement, consensus, similarity = BOXES.agreement, BOXES.consensus, BOXES.similarity


def box(label: str, x: float, y: float, width: float, height: float) -> Box:
    return Box(label=label, x=x, y=y, width=width, height=height)


def boxes(*each: Box) -> Boxes:
    return Boxes(boxes=each)


CAN = box("can", 0, 0, 10, 10)
NEAR = box("can", 2, 0, 10, 10)
FAR = box("can", 50, 50, 10, 10)

LABELS = st.sampled_from("ab")
PIXELS = st.integers(0, 20_000).map(lambda thousandths: thousandths / 1000)
EXTENTS = st.integers(1, 20_000).map(lambda thousandths: thousandths / 1000)
BOX = st.builds(Box, label=LABELS, x=PIXELS, y=PIXELS, width=EXTENTS, height=EXTENTS)
ANSWER = st.lists(BOX, max_size=5).map(lambda drawn: Boxes(boxes=tuple(drawn)))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (CAN, 1.0),
        (FAR, 0.0),
        (NEAR, 80 / 120),
        (box("can", 10, 0, 10, 10), 0.0),
        (box("can", 0, 0, 5, 10), 0.5),
        (box("bottle", 2.5, 2.5, 5, 5), 0.25),
    ],
)
def test_intersection_over_union(other: Box, expected: float) -> None:
    assert iou(CAN, other) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (boxes(), boxes(), 1.0),
        (boxes(CAN), boxes(), 0.0),
        (boxes(CAN), boxes(NEAR), 1.0),
        (boxes(CAN), boxes(box("bottle", 0, 0, 10, 10)), 0.0),
        (boxes(CAN, FAR), boxes(NEAR), 2 / 3),
        (boxes(CAN, FAR), boxes(NEAR, box("can", 90, 0, 5, 5)), 0.5),
        (boxes(CAN, CAN), boxes(CAN), 2 / 3),
    ],
)
def test_likeness_is_the_share_of_boxes_that_find_a_partner(one: Boxes, other: Boxes, expected: float) -> None:
    assert similarity(one, other) == pytest.approx(expected, abs=1e-12)


def test_as_many_partners_are_found_as_there_can_be() -> None:
    """Whoever takes the best partner first leaves the second box alone: A fits 1 and 2, B fits 1 only, and 1 is the best for both."""
    a, b = box("can", 0, 0, 10, 10), box("can", 3, 0, 10, 10)
    best, spare = box("can", 1, 0, 10, 10), box("can", -0.0, 0, 7, 10)
    assert [iou(b, spare) < 0.5, iou(a, spare) >= 0.5, iou(a, best) > iou(a, spare)] == [True, True, True]
    assert PARTS.matched((a, b), (best, spare)) == [(0, 1), (1, 0)]


@given(st.lists(BOX, max_size=6), st.lists(BOX, max_size=6))
def test_matching_is_as_large_as_trying_everything_finds(one: list[Box], other: list[Box]) -> None:
    few, many = sorted((one, other), key=len)
    best = max(
        sum(left.label == right.label and iou(left, right) >= 0.5 for left, right in zip(few, order, strict=False)) for order in permutations(many)
    )
    assert len(PARTS.matched(one, other)) == best


@given(ANSWER, ANSWER)
def test_likeness_is_the_same_both_ways_and_whole_with_itself(one: Boxes, other: Boxes) -> None:
    assert similarity(one, other) == similarity(other, one)
    assert 0 <= similarity(one, other) <= 1
    assert similarity(one, one) == 1


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([], None),
        ([boxes()], boxes()),
        ([boxes(CAN, FAR)], boxes(CAN, FAR)),
        ([boxes(CAN), boxes(NEAR)], boxes(box("can", 1, 0, 10, 10))),
        ([boxes(CAN), boxes()], None),
        ([boxes(CAN), boxes(CAN), boxes()], boxes(CAN)),
        ([boxes(CAN), boxes(), boxes()], boxes()),
        ([boxes(CAN), boxes(NEAR), boxes(box("can", 4, 0, 10, 10))], boxes(box("can", 1, 0, 10, 10))),
        ([boxes(CAN), boxes(NEAR), boxes(box("can", 3, 0, 10, 10))], boxes(box("can", 2, 0, 10, 10))),
        ([boxes(CAN), boxes(CAN), boxes(box("bottle", 0, 0, 10, 10))], boxes(CAN)),
        ([boxes(CAN), boxes(box("jar", 0, 0, 10, 10)), boxes(box("bottle", 0, 0, 10, 10))], None),
        ([boxes(CAN), boxes(box("bottle", 0, 0, 10, 10))], None),
    ],
)
def test_more_than_half_decide_about_each_object(answers: list[Boxes], expected: Boxes | None) -> None:
    found = consensus(answers)
    assert (found.label if found else None) == expected


def test_a_person_on_a_bicycle_is_two_objects_at_one_place() -> None:
    both = boxes(box("person", 0, 0, 10, 20), box("bicycle", 0, 2, 10, 18))
    found = consensus([both, both, boxes(box("person", 0, 0, 10, 20))])
    assert found
    assert found.label == both
    assert found.agreement == pytest.approx((1 + 1 + 2 / 3) / 3)


@given(ANSWER)
def test_what_one_person_says_is_the_consensus_of_one(answer: Boxes) -> None:
    found = consensus([answer])
    assert found
    assert found.label == answer
    assert found.agreement == 1


@given(st.lists(ANSWER, min_size=1, max_size=4), st.randoms())
def test_the_consensus_does_not_depend_on_who_is_asked_first(answers: list[Boxes], random: object) -> None:
    shuffled = list(answers)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = consensus(answers), consensus(shuffled)
    assert (one.label if one else None) == (other.label if other else None)


@given(st.lists(BOX, max_size=5), st.integers(2, 4))
def test_people_who_say_the_same_agree_on_it(drawn: list[Box], people: int) -> None:
    distinct = boxes(*{(each.label, each.x, each.y): each for each in drawn}.values())
    found = consensus([distinct] * people)
    assert found
    assert found.label == distinct
    assert agreement([[distinct] * people], ["a", "b"]).overall == 1


def test_agreement_is_counted_per_item_and_per_label() -> None:
    jar = box("jar", 30, 0, 10, 10)
    items = [
        [boxes(CAN, jar), boxes(NEAR, jar)],
        [boxes(CAN), boxes(CAN, FAR)],
        [boxes(), boxes()],
        [boxes(CAN), boxes(CAN), boxes(jar)],
        [boxes(FAR)],
    ]
    found = agreement(items, ["can", "jar", "bottle"])
    assert found.overall == pytest.approx((1 + 2 / 3 + 1 + 1 / 3) / 4)
    assert found.others["MeanIou"] == pytest.approx((5 / 6 + 2 / 3 + 1 + 1 / 3) / 4)
    assert found.by_label["can"] == pytest.approx((1 + 2 / 3 + 1 / 3) / 3)
    assert found.by_label["jar"] == pytest.approx((1 + 1 / 3) / 2)
    assert found.by_label["bottle"] is None
    assert agreement([[boxes(CAN)]], ["can"]).overall is None


def test_who_misses_an_object_agrees_less_with_the_others() -> None:
    whole, half = boxes(CAN, FAR), boxes(CAN)
    found = agreement_with_others(BOXES, [[("u1", whole), ("u2", whole), ("u3", half)], [("u4", half)]])
    assert found == {"u1": None, "u2": None, "u3": pytest.approx(2 / 3), "u4": None}
