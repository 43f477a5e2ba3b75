"""Argo CD's health checks and actions, on objects as the operator left them in the stories, in the form of Argo CD's own tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.gitops import CUSTOMIZATIONS, argo_action, argo_actions, argo_health
from treadle.api import names
from treadle.cli import _orders as orders

KINDS = ("AnnotationProject", "TrainingRun", "ModelDeployment")


class Case(NamedTuple):
    """A captured object and what Argo CD is to say of it."""

    kind: str
    path: str
    health: dict[str, str]

    def __str__(self) -> str:
        return f"{self.kind} {Path(self.path).stem}"

    @property
    def this(self) -> Any:
        return read(self.kind, Path(self.path).stem)


def read(kind: str, name: str) -> Any:
    return yaml.safe_load((CUSTOMIZATIONS / kind / "testdata" / f"{name}.yaml").read_text())


def cases() -> Iterator[Case]:
    for kind in KINDS:
        for test in yaml.safe_load((CUSTOMIZATIONS / kind / "health_test.yaml").read_text())["tests"]:
            yield Case(kind, test["inputPath"], test["healthStatus"])


CASES = list(cases())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_health_of_a_captured_object(case: Case) -> None:
    assert argo_health(case.this) == case.health


def test_every_captured_object_is_a_case() -> None:
    files = {f"{path.parents[1].name}/testdata/{path.name}" for path in CUSTOMIZATIONS.glob("*/testdata/*.yaml")}
    assert {f"{case.kind}/{case.path}" for case in CASES} == files


@pytest.mark.parametrize("kind", KINDS)
def test_every_health_is_captured(kind: str) -> None:
    assert {case.health["status"] for case in CASES if case.kind == kind} == {"Progressing", "Suspended", "Degraded", "Healthy"}


def test_human_work_blocks_no_wave() -> None:
    """A project that people annotate is Healthy, or the next sync wave would wait for days."""
    assert argo_health(read("AnnotationProject", "healthy_labeling_accepting_annotations"))["status"] == "Healthy"


def test_a_new_version_on_its_way_is_healthy() -> None:
    assert argo_health(read("ModelDeployment", "healthy_rolling_out_pods_ready"))["status"] == "Healthy"


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_generation_is_waited_for(kind: str) -> None:
    (healthy, *_) = [case for case in CASES if case.kind == kind and case.health["status"] == "Healthy"]
    this = healthy.this
    this["metadata"]["generation"] += 1
    assert argo_health(this)["status"] == "Progressing"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_action_that_is_offered_does_what_kubectl_treadle_does(case: Case) -> None:
    for name, action in argo_actions(case.this).items():
        if action["disabled"]:
            continue
        order = ordered(name, case.this)
        changed, wanted = argo_action(case.this, name), merged(case.this, order.patch)
        assert {**changed["metadata"].get("annotations", {})} == wanted["metadata"].get("annotations", {}), name
        assert changed["spec"].get("suspend") == wanted["spec"].get("suspend"), name


def ordered(action: str, this: Any) -> orders.Order:
    """What `kubectl treadle` would do; it raises where the command is not possible."""
    match action:
        case "suspend" | "resume":
            return orders.suspend(this, resume=action == "resume")
        case "promote":
            return orders.promote(this, None)
        case "rollback":
            return orders.undo(this)
        case "approve":
            return orders.approve(this)
        case _:
            return {"cancel": orders.cancel, "abort": orders.abort, "unpin": orders.unpin, "release": orders.release}[action](this)


def merged(this: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(this) if isinstance(this, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def offered(this: Any) -> set[str]:
    return {name for name, action in argo_actions(this).items() if not action["disabled"]}


def test_actions_are_offered_where_they_can_be_carried_out() -> None:
    proving = read("ModelDeployment", "healthy_rolling_out_pods_ready")
    assert offered(proving) == {"promote", "abort", "suspend"}
    assert offered(read("TrainingRun", "suspended_finishing_awaiting_approval")) == {"approve", "cancel", "suspend"}
    assert offered(read("AnnotationProject", "healthy_released_accepting_annotations")) == {"release", "suspend"}
    assert offered(read("AnnotationProject", "suspended_suspended_accepting_annotations")) >= {"resume"}
    assert offered(read("TrainingRun", "healthy_succeeded_run_succeeded")) == set()


def test_an_earlier_version_can_be_pinned_and_unpinned() -> None:
    serving = read("ModelDeployment", "healthy_serving_pods_ready")
    serving["status"]["previous"] = [{"version": "0", "revision": "abc"}]
    pinned = argo_action(serving, "rollback")
    assert pinned["metadata"]["annotations"] == {names.PIN: "0"}
    assert "unpin" in offered(pinned)
    assert argo_action(pinned, "unpin")["metadata"]["annotations"] == {}


@pytest.mark.parametrize("kind", KINDS)
def test_every_action_that_is_offered_has_its_script(kind: str) -> None:
    scripts = {path.parent.name for path in (CUSTOMIZATIONS / kind / "actions").glob("*/action.lua")}
    assert set(argo_actions(read(kind, "progressing_unseen"))) == scripts
