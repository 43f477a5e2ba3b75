"""Who decides the number of replicas, and that an autoscaler's work is never undone."""

from typing import Any

import pytest

from tests.unit.serving.test_build import observed
from treadle.plan import Apply
from treadle.serving.deploy import deploy
from treadle.serving.fleet import AUTOSCALER, Fleet
from treadle.serving.observe import Serving
from treadle.serving.scale import build_autoscaler, least, scale, size


def with_fleet(live: int, applied: str, **spec: Any) -> Serving:
    from dataclasses import replace

    serving = observed(**spec)
    assert serving.memory.stable
    revision = serving.memory.stable.revision
    fleet = Fleet(
        revision=revision,
        name=f"digits-{revision}",
        uid="uid-2",
        made_at=None,
        target=None,
        replicas=live,
        applied=applied,
        pods=live,
        ready=live,
        fresh=live,
        obstacle=None,
    )
    return replace(serving, fleets={revision: fleet})


def applied_replicas(serving: Serving) -> Any:
    (action,) = deploy(serving).actions
    assert isinstance(action, Apply)
    return action.object["spec"].get("replicas", "left alone")


SCALING = {"autoscaling": {"min": 2, "max": 5}}


@pytest.mark.parametrize(
    ("live", "applied", "spec", "expected"),
    [
        (3, "3", {"replicas": 3}, 3),
        (5, "3", {"replicas": 3}, 3),
        (3, "3", {"replicas": 3, **SCALING}, 3),
        (1, "1", SCALING, 2),
        (4, "3", {"replicas": 3, **SCALING}, "left alone"),
        (2, AUTOSCALER, {"replicas": 3, **SCALING}, "left alone"),
        (4, AUTOSCALER, {"replicas": 3}, 3),
    ],
)
def test_replicas_are_applied_until_an_autoscaler_changed_them(live: int, applied: str, spec: dict[str, Any], expected: Any) -> None:
    assert applied_replicas(with_fleet(live, applied, **spec)) == expected


def test_adding_pods_does_not_make_it_less_ready() -> None:
    serving = with_fleet(4, AUTOSCALER, **SCALING)
    assert (size(serving), least(serving)) == (4, 2)


def test_the_autoscaler_follows_the_stable_deployment() -> None:
    metrics = [{"name": "queue", "average": "1500m"}]
    serving = with_fleet(2, "2", autoscaling={"min": 2, "max": 5, "cpuPercent": 60, "metrics": metrics})
    made = build_autoscaler(serving)["spec"]
    assert made["scaleTargetRef"]["name"] == next(iter(serving.fleets.values())).name
    assert (made["minReplicas"], made["maxReplicas"]) == (2, 5)
    assert made["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 60}
    assert made["metrics"][1]["pods"]["target"] == {"type": "AverageValue", "averageValue": "1500m"}


def test_one_pod_needs_no_budget_and_two_do() -> None:
    assert scale(with_fleet(1, "1")).actions == ()
    assert [str(action) for action in scale(with_fleet(2, "2", replicas=2)).actions] == ["apply PodDisruptionBudget digits"]
