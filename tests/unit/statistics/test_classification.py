"""Metrics of class labels: hand-computed values, scikit-learn as the oracle, and what holds for all answers."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from treadle.statistics.classification import Confusion

PAIRS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcde")), min_size=1, max_size=40)


def test_three_items_by_hand() -> None:
    metrics = Confusion.of(["a", "a", "b"], ["a", "b", "b"]).metrics()
    assert metrics["accuracy"] == pytest.approx(2 / 3)
    assert metrics["items"] == 3
    assert (metrics["precision/a"], metrics["recall/a"], metrics["f1/a"]) == pytest.approx((1, 1 / 2, 2 / 3))
    assert (metrics["precision/b"], metrics["recall/b"], metrics["f1/b"]) == pytest.approx((1 / 2, 1, 2 / 3))
    assert metrics["f1"] == pytest.approx(2 / 3)


@given(PAIRS)
def test_what_scikit_learn_says(pairs: list[tuple[str, str]]) -> None:
    truths, answers = [truth for truth, _ in pairs], [answer for _, answer in pairs]
    metrics = Confusion.of(truths, answers).metrics()
    assert metrics["accuracy"] == pytest.approx(accuracy_score(truths, answers))
    for name, oracle in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
        assert metrics[name] == pytest.approx(oracle(truths, answers, average="macro", zero_division=0))
        labels = sorted({*truths, *answers})
        single = oracle(truths, answers, labels=labels, average=None, zero_division=0)
        assert [metrics[f"{name}/{label}"] for label in labels] == pytest.approx(list(single))


@given(PAIRS, st.randoms())
def test_the_order_of_items_means_nothing(pairs: list[tuple[str, str]], random: Random) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)
    assert Confusion.of(*zip(*pairs, strict=True)).metrics() == Confusion.of(*zip(*shuffled, strict=True)).metrics()


@given(PAIRS)
def test_right_answers_are_perfect(pairs: list[tuple[str, str]]) -> None:
    truths = [truth for truth, _ in pairs]
    assert {value for name, value in Confusion.of(truths, truths).metrics().items() if name != "items"} == {1.0}


def test_nothing_measured_is_not_a_number() -> None:
    assert math.isnan(Confusion.of([], []).metrics()["f1"])
