"""What is exported of objects: each once, by who leads, and no more than Prometheus can bear."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from treadle.engine import _sight
from treadle.engine._sight import Sight
from treadle.plan import Ref


def run(number: int, phase: str = "Running", ended: str | None = None) -> Any:
    result = {"result": {"outcome": phase, "finishedAt": ended}} if ended else {}
    status = {"phase": phase, "ranSeconds": number, **result}
    return {"kind": "TrainingRun", "metadata": {"name": f"run-{number}", "namespace": "ml"}, "status": status}


def shown(*objects: Any) -> tuple[Sight, CollectorRegistry]:
    known = {Ref("TrainingRun", "ml", this["metadata"]["name"]): this for this in objects}
    sight, registry = Sight(known.get), CollectorRegistry()
    registry.register(sight)
    for ref, this in known.items():
        sight.see(ref, this)
    return sight, registry


def lines(registry: CollectorRegistry, name: str) -> list[str]:
    return [line for line in generate_latest(registry).decode().splitlines() if line.startswith(f"{name}{{")]


def test_objects_are_counted_by_phase_and_told_by_name() -> None:
    _, registry = shown(run(1), run(2), run(3, "Failed", "2026-01-01T00:00:00Z"))
    assert sorted(lines(registry, "treadle_objects")) == [
        'treadle_objects{kind="TrainingRun",phase="Failed",tenant_namespace="ml"} 1.0',
        'treadle_objects{kind="TrainingRun",phase="Running",tenant_namespace="ml"} 2.0',
    ]
    assert 'treadle_run_seconds{name="run-2",tenant_namespace="ml"} 2.0' in lines(registry, "treadle_run_seconds")


@pytest.mark.parametrize("status", [None, {}, {"phase": ""}, {"phase": 7}, "nonsense"])
def test_an_object_that_says_no_phase_yet_is_counted_under_a_name(status: Any) -> None:
    """Prometheus takes an empty label for none: the series would have no name on a dashboard."""
    this = run(1) | {"status": status}
    _, registry = shown(this)
    assert lines(registry, "treadle_objects") == ['treadle_objects{kind="TrainingRun",phase="Pending",tenant_namespace="ml"} 1.0']


def test_of_ended_runs_only_the_latest_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sight, "ENDED", 2)
    _, registry = shown(*(run(day, "Succeeded", f"2026-01-0{day}T00:00:00Z") for day in range(1, 6)), run(9))
    assert [line.split('"')[1] for line in lines(registry, "treadle_run_seconds")] == ["run-9", "run-5", "run-4"]
    assert lines(registry, "treadle_objects_left_out") == ['treadle_objects_left_out{kind="TrainingRun"} 3.0']


def test_no_more_objects_are_told_than_prometheus_can_bear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sight, "SHOWN", 10)
    _, registry = shown(*map(run, range(25)))
    assert len(lines(registry, "treadle_run_seconds")) == 10
    assert lines(registry, "treadle_objects_left_out") == ['treadle_objects_left_out{kind="TrainingRun"} 15.0']
    assert lines(registry, "treadle_objects") == ['treadle_objects{kind="TrainingRun",phase="Running",tenant_namespace="ml"} 25.0']


def test_what_is_gone_is_told_no_more() -> None:
    sight, registry = shown(run(1), run(2))
    sight.forget(Ref("TrainingRun", "ml", "run-1"))
    assert len(lines(registry, "treadle_run_seconds")) == 1


def test_who_does_not_lead_tells_of_no_object() -> None:
    sight, registry = shown(run(1))
    sight.close()
    assert lines(registry, "treadle_objects") == []
