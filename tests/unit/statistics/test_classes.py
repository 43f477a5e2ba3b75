import pytest

from treadle.contracts.labels import ClassLabel
from treadle.statistics.shapes import Consensus, agreement_with_others
from treadle.statistics.shapes.classes import CLASSES, majority
from treadle.statistics.shapes.counting import counts


def labels(words: str) -> list[ClassLabel]:
    return [ClassLabel(label=word) for word in words.split()]


@pytest.mark.parametrize(
    ("answers", "agreed"),
    [
        ("", None),
        ("a", Consensus(ClassLabel(label="a"), 1.0)),
        ("a a", Consensus(ClassLabel(label="a"), 1.0)),
        ("a b", None),
        ("a b a", Consensus(ClassLabel(label="a"), 2 / 3)),
        ("a b c", None),
        ("a a b c", None),
    ],
)
def test_more_than_half_decide_and_less_is_disputed(answers: str, agreed: Consensus[ClassLabel] | None) -> None:
    assert majority(labels(answers)) == agreed
    assert majority(labels(answers)[::-1]) == agreed


def test_answers_become_a_table_of_counts() -> None:
    assert counts([["a", "a"], ["b"], []], ["a", "b"]).tolist() == [[2, 0], [0, 1], [0, 0]]
    with pytest.raises(KeyError):
        counts([["c"]], ["a", "b"])


def test_a_careless_person_agrees_less_with_the_others() -> None:
    items = [[("u1", ClassLabel(label="a")), ("u2", ClassLabel(label="a")), ("u3", ClassLabel(label=third))] for third in "aaab"]
    found = agreement_with_others(CLASSES, [*items, [("u4", ClassLabel(label="a"))]])
    assert found == {"u1": 1.0, "u2": 1.0, "u3": 0.75, "u4": None}
