"""The measures of agreement that users choose from are those that are measured."""

import typing

import pytest

from treadle.api.annotation_quality import Agreement
from treadle.statistics.shapes import SHAPES
from treadle.tasks import TASKS, Task

CHOSEN = set(typing.get_args(Agreement.model_fields["metric"].annotation)) - {"Auto"}


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.type)
def test_every_further_measure_of_a_task_type_is_one_of_its_shape_and_can_be_chosen(task: Task) -> None:
    assert set(task.measures[1:]) <= set(SHAPES[task.shape].agreement([], ["a"]).others) | {"PercentAgreement"}
    assert set(task.measures) <= CHOSEN


def test_whatever_can_be_chosen_fits_a_task_type() -> None:
    assert {measure for task in TASKS.values() for measure in task.measures} == CHOSEN
