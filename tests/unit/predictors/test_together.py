"""Several requests and one call of the model: each gets what it would have got alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.predictors.models import PIXELS, png, save_digits, save_iris
from treadle.predictors import BadInput, Model, answer_together, load_model

COLUMNS = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")


def flowers(*rows: tuple[float, ...]) -> dict[str, Any]:
    return {name: np.asarray([row[place] for row in rows]) for place, name in enumerate(COLUMNS)}


def labels(answers: Any) -> list[Any]:
    return [answer if isinstance(answer, Exception) else answer.outputs["label"].tolist() for answer in answers]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(save_digits(tmp_path_factory.mktemp("digits")))


def test_requests_of_one_form_are_answered_by_one_call(digits: Model) -> None:
    calls: list[int] = []

    def ask(model: Model, features: Any) -> Any:
        calls.append(len(features))
        return model.infer_given(features)

    requests = [{"input-0": PIXELS[start : start + size]} for start, size in ((1500, 1), (1510, 3), (1520, 2))]
    together = answer_together(digits, requests, ask)
    assert calls == [6]
    alone = [digits.infer(request) for request in requests]
    assert labels(together) == labels(alone)
    for mine, theirs in zip(together, alone, strict=True):
        assert not isinstance(mine, Exception)
        assert mine.rows == theirs.rows
        assert mine.given.tolist() == theirs.given.tolist()
        assert mine.outputs["score"] == pytest.approx(theirs.outputs["score"], abs=1e-12)


def test_tables_are_put_one_below_the_other(tmp_path: Path) -> None:
    iris = load_model(save_iris(tmp_path))
    first, second = flowers((5.1, 3.5, 1.4, 0.2)), flowers((6.7, 3.0, 5.2, 2.3), (5.1, 3.5, 1.4, 0.2))
    assert labels(answer_together(iris, [first, second], Model.infer_given)) == [["0"], ["2", "0"]]


def test_a_request_that_is_wrong_spoils_it_for_no_other(digits: Model) -> None:
    good, wide, holes = {"input-0": PIXELS[:1]}, {"input-0": np.zeros((1, 63))}, {"input-0": np.full((1, 64), np.nan)}
    refused = BadInput("not understood")
    first, second, third, fourth, fifth = answer_together(digits, [good, wide, refused, holes, good], Model.infer_given)
    assert not isinstance(first, Exception)
    assert not isinstance(fifth, Exception)
    assert third is refused
    assert isinstance(second, BadInput)
    assert "63" in str(second)
    assert isinstance(fourth, BadInput), "only the model itself refuses a hole, and then each is asked about alone"


def test_items_and_numbers_go_together(digits: Model) -> None:
    item, numbers = {"item": np.asarray([png(1500)], dtype=object)}, {"input-0": PIXELS[1501:1502]}
    assert labels(answer_together(digits, [item, numbers], Model.infer_given)) == labels([digits.infer(item), digits.infer(numbers)])
