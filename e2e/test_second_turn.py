"""The loop turns a second time by itself: what the served model meets changes, and the next champion has learnt it."""

import pytest

from e2e.conftest import Environment
from e2e.demo.stations import PROMOTED_AGAIN, RELEASED_AGAIN
from e2e.support.api import mlflow
from e2e.support.turning import RestingLoop
from manifests.demo.data.digits import ITEMS


@pytest.fixture(scope="module")
def turned_again(loop: RestingLoop) -> RestingLoop:
    """The loop after its second turn. Visitors have sent what the first model does not know; two people have sat down again."""
    loop.wake()
    loop.start_annotators()
    loop.start_visitors()
    loop.follow((*RELEASED_AGAIN, *PROMOTED_AGAIN))
    return loop


def test_the_next_champion_has_learnt_what_the_first_one_met(environment: Environment, turned_again: RestingLoop) -> None:
    project, run, deployment = (
        turned_again.status(*which) for which in (("AnnotationProject", "digits"), ("TrainingRun", "digits-v2"), ("ModelDeployment", "digits"))
    )
    assert project["source"]["items"] > ITEMS
    assert {gate["name"]: gate["verdict"] for gate in run["gates"]} == {"floor": "Passed", "no-worse": "Passed"}
    assert (deployment["history"][-1]["version"], deployment["history"][-1]["outcome"]) == ("2", "Promoted")
    assert turned_again.ask_scanned().accuracy > 0.7
    with mlflow(environment) as api:
        assert (api.alias("digits", "champion"), api.alias("digits", "candidate")) == ("2", "2")


def test_nobody_who_used_the_model_meanwhile_was_left_without_an_answer(turned_again: RestingLoop) -> None:
    visits = turned_again.visits()
    assert visits["requests"] > 500
    assert visits["failed"] == 0, visits
    turned_again.stop_visitors()
