"""What anybody may have written into status, annotations and Deployments never breaks a look, and what is no memory changes no plan."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.serving.things import CANDIDATE, CHAMPION, INSTALLATION, make_deployment, numbered, version
from treadle.api import ModelDeploymentMemory, ModelDeploymentStatus
from treadle.engine._memory import Memory
from treadle.engine._ports import Answered, Seen
from treadle.plan import Plan, ref_of
from treadle.serving.observe import observe
from treadle.serving.plan import plan

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GARBAGE: tuple[Any, ...] = (None, "?", -7, 3.5, True, [], ["x"], {}, {"a": {"b": 1}}, [{"version": 1}], "x" * 5000)


def planned(status: Any, annotations: dict[str, str] | None = None, deployment: dict[str, Any] | None = None) -> Plan:
    this = make_deployment(annotations=annotations)
    this["metadata"] |= {"uid": "uid-1", "resourceVersion": "1", "generation": 1}
    this["status"] = status
    world = Memory(["ModelDeployment"])
    world.learn([Seen(this), *([Seen(deployment)] if deployment else []), Answered(CHAMPION, None)])
    world.learn(Answered(question, version("1")) for question in (CANDIDATE, numbered("1")))
    return plan(observe(this, world.view(ref_of(this)), installation=INSTALLATION), NOW)


REMEMBERED: dict[str, Any] = {
    "observedGeneration": 1,
    "stable": {"model": "digits", "version": "1", "revision": "dd20a2", "uri": "s3://mlflow/1/models/m-1/artifacts"},
}


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_in_status_fields_that_are_no_memory_changes_no_plan(garbage: Any) -> None:
    others = [field.alias or name for name, field in ModelDeploymentStatus.model_fields.items() if name not in ModelDeploymentMemory.model_fields]
    expected = planned(REMEMBERED)
    for name in [*others, "phase", "conditions", "unknown"]:
        assert planned({**REMEMBERED, name: garbage}) == expected, name


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_anywhere_in_status_never_breaks_a_look(garbage: Any) -> None:
    planned(garbage if isinstance(garbage, dict) else {})
    for name in [*ModelDeploymentMemory.model_fields, "observedGeneration"]:
        planned({**REMEMBERED, name: garbage})


@pytest.mark.parametrize("written", ["", "?", "[]", "{}", '{"asked":{"runtime":7},"uri":"","model":"","version":"","run":""}', '{"asked":{}}'])
def test_an_unreadable_note_on_a_deployment_is_written_anew(written: str) -> None:
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "digits-dd20a2",
            "namespace": "ml",
            "uid": "uid-2",
            "resourceVersion": "1",
            "labels": {"treadle.dev/revision": "dd20a2"},
            "annotations": {"treadle.dev/resolved": written},
            "ownerReferences": [{"uid": "uid-1", "controller": True}],
        },
    }
    expected = [str(action) for action in planned(REMEMBERED).actions]
    assert [str(action) for action in planned(REMEMBERED, deployment=deployment).actions] == expected


def test_what_tenants_write_is_not_sent_to_the_registry_unless_it_is_a_version() -> None:
    """One over-long request would fail, and with it the batch of questions that all tenants share."""
    this = make_deployment(annotations={"treadle.dev/pin": "9" * 70_000})
    this["metadata"] |= {"uid": "uid-1", "resourceVersion": "1", "generation": 1}
    world = Memory(["ModelDeployment"])
    world.learn([Seen(this), Answered(CHAMPION, None), Answered(CANDIDATE, version("1"))])
    told = plan(observe(this, world.view(ref_of(this)), installation=INSTALLATION), NOW)
    assert world.open_questions("mlflow/default") == {CHAMPION}
    assert [(c.reason.name, c.stalled) for c in told.conditions if c.type == "ModelResolved"] == [("ModelNotFound", True)]


def test_a_spec_change_that_cannot_serve_is_stalled_while_the_former_version_serves() -> None:
    this = make_deployment({"name": "digits", "version": "9"})
    this["metadata"] |= {"uid": "uid-1", "resourceVersion": "1", "generation": 2}
    this["status"] = REMEMBERED
    world = Memory(["ModelDeployment"])
    world.learn([Seen(this), Answered(numbered("9"), None)])
    told = plan(observe(this, world.view(ref_of(this)), installation=INSTALLATION), NOW)
    assert [(c.reason.name, c.stalled) for c in told.conditions if c.type == "ModelResolved"] == [("ModelNotFound", True)]
