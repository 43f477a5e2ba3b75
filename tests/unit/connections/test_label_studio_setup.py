"""How a labelling project is set up, as Label Studio tells it and as we wish it: what is as wished is left alone."""

from __future__ import annotations

import pytest

from treadle.connections._label_studio_project import NONE, Project, Tag
from treadle.connections.labelling import Setup


@pytest.mark.parametrize("overlap", [0, 1, 50, 100])
def test_a_project_that_keeps_its_setting_is_as_wished_whatever_the_overlap(overlap: int) -> None:
    wished = Setup(title="Digits", configuration="<View/>", annotations_per_item=2, overlap_percent=overlap)
    tag = Tag("here/ml/digits", "uid-1", guidelines=NONE)
    kept = Project(id=1, description=str(tag), label_config="<View/>", maximum_annotations=2, overlap_cohort_percentage=overlap)
    assert kept.setup == wished.digest


def test_with_an_overlap_of_nothing_one_answer_finishes_an_item() -> None:
    counters = {"task_number": 10, "finished_task_number": 9, "num_tasks_with_annotations": 10, "total_annotations_number": 10}
    for overlap, suspicious in ((0, True), (100, False)):
        project = Project(id=1, maximum_annotations=2, overlap_cohort_percentage=overlap, **counters)
        assert project.is_suspicious is suspicious
