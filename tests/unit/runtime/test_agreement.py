"""When two versions are said to have answered the same."""

import json
from typing import Any

import pytest

from treadle.runtime._agreement import same_answer


def infer(**outputs: tuple[list[int], list[Any]]) -> bytes:
    tensors = [{"name": name, "shape": shape, "datatype": "any", "data": data} for name, (shape, data) in outputs.items()]
    return json.dumps({"model_name": "digits", "model_version": str(len(outputs)), "outputs": tensors}).encode()


LABELLED = infer(label=([2], ["7", "1"]), score=([2], [0.9, 0.8]))


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param(infer(score=([2], [0.5, 0.6]), label=([2], ["7", "1"])), True, id="other scores, other order of tensors"),
        pytest.param(infer(label=([2], ["7", "4"]), score=([2], [0.9, 0.8])), False, id="another label"),
        pytest.param(infer(label=([1], ["7"]), score=([1], [0.9])), False, id="fewer items"),
        pytest.param(b"<html>", False, id="no answer at all"),
        pytest.param(b'{"outputs": [{"name": "label"}]}', False, id="half an answer"),
        pytest.param(b"[1]", False, id="a list"),
    ],
)
def test_labels_decide(other: bytes, same: bool) -> None:
    assert same_answer(LABELLED, other) is same


def test_the_highest_score_of_each_row_decides_where_there_are_only_scores() -> None:
    mine = infer(probabilities=([2, 3], [0.1, 0.7, 0.2, 0.5, 0.3, 0.2]))
    assert same_answer(mine, infer(probabilities=([2, 3], [0.3, 0.4, 0.3, 0.9, 0.1, 0.0])))
    assert not same_answer(mine, infer(probabilities=([2, 3], [0.3, 0.4, 0.3, 0.1, 0.9, 0.0])))


def test_single_numbers_agree_within_one_percent() -> None:
    mine = json.dumps({"predictions": [100.0, -3.5]}).encode()
    assert same_answer(mine, json.dumps({"predictions": [100.9, -3.5]}).encode())
    assert not same_answer(mine, json.dumps({"predictions": [103.0, -3.5]}).encode())


def test_answers_of_mlflows_protocol_are_compared_row_by_row() -> None:
    mine = json.dumps({"predictions": [{"label": "cat", "score": 0.9}, {"label": "dog", "score": 0.6}]}).encode()
    assert same_answer(mine, json.dumps({"predictions": [{"label": "cat", "score": 0.5}, {"label": "dog", "score": 0.9}]}).encode())
    assert not same_answer(mine, json.dumps({"predictions": [{"label": "cat", "score": 0.9}, {"label": "cat", "score": 0.6}]}).encode())
