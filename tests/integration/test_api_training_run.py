"""Bad TrainingRuns, each with the words the API server must refuse it with, and its like that is accepted; and that a run does not change."""

# ruff: noqa: E501 - tables are read across

from typing import Any

import pytest

from tests.integration.api_cases_shared import access_cases, environment_cases, name_cases, resources_cases, scheduling_cases
from tests.integration.api_server import MISSING, ApiServer, Case, api_server, rules, sample
from treadle.api.crd import build_crd
from treadle.api.kinds import TRAINING_RUN

__all__ = ["api_server"]

BASE = sample("smallest.yaml", "TrainingRun")
FULL = sample("training-run.yaml", "TrainingRun")
DIGEST = "sha256:" + "0" * 64

CASES = [
    *name_cases(),
    *access_cases("spec.access"),
    *resources_cases("spec.resources"),
    *scheduling_cases("spec."),
    *environment_cases("spec.env"),
    Case("no image", {"spec.image": MISSING}, "spec.image: Required value"),
    Case("an empty image", {"spec.image": ""}, "should be at least 1 chars long"),
    Case("an unknown field", {"spec.gpus": 1}, 'unknown field "spec.gpus"'),
    Case("a dataset from nowhere", {"spec.dataset": {}}, "set exactly one of project or uri", {"spec.dataset": MISSING}),
    Case("a dataset by project and URI", {"spec.dataset.uri": "s3://a/v1/", "spec.dataset.digest": DIGEST}, "set exactly one of project or uri",
         {"spec.dataset": {"uri": "s3://a/v1/", "digest": DIGEST}}),
    Case("a version of a URI", {"spec.dataset": {"uri": "s3://a/v1/", "digest": DIGEST, "version": "3"}}, "version needs project",
         {"spec.dataset": {"project": "a", "version": "3"}}),
    Case("a URI without its digest", {"spec.dataset": {"uri": "s3://a/v1/"}}, "set uri and digest together",
         {"spec.dataset": {"uri": "s3://a/v1/", "digest": DIGEST}}),
    Case("a version that is none", {"spec.dataset.version": "newest"}, "should match '^(latest|", {"spec.dataset.version": "v12"}),
    Case("an unknown split", {"spec.dataset.splits": ["training"]}, "supported values", {"spec.dataset.splits": ["train"]}),
    Case("a project in another namespace", {"spec.dataset.project": "retail/shelf"}, "spec.dataset.project"),
    Case("a command that is a string", {"spec.command": "python -m train"}, "must be of type array", {"spec.command": ["python", "-m", "train"]}),
    Case("a parameter with a space in its name", {"spec.parameters": [{"name": "a b", "value": "1"}]}, "spec.parameters[0].name",
         {"spec.parameters": [{"name": "a.b", "value": "1"}]}),
    Case("a parameter that is a number", {"spec.parameters": [{"name": "a", "value": 1}]}, "must be of type string"),
    Case("the same parameter twice", {"spec.parameters": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}, "Duplicate value"),
    Case("no nodes", {"spec.nodes": 0}, "should be greater than or equal to 1", {"spec.nodes": 2}),
    Case("a volume of nothing", {"spec.volumes": [{"name": "a", "mountPath": "/a"}]}, "set exactly one of claim, secret or configMap",
         {"spec.volumes": [{"name": "a", "mountPath": "/a", "claim": "c"}]}),
    Case("a volume over ours", {"spec.volumes": [{"name": "a", "mountPath": "/treadle/dataset", "claim": "c"}]}, "choose another path",
         {"spec.volumes": [{"name": "a", "mountPath": "/data", "claim": "c"}]}),
    Case("a volume's parent folder", {"spec.volumes": [{"name": "a", "mountPath": "/a", "claim": "c", "subPath": "b/../.."}]}, "remove '..' from subPath",
         {"spec.volumes": [{"name": "a", "mountPath": "/a", "claim": "c", "subPath": "b/c"}]}),
    Case("a path of the host", {"spec.volumes": [{"name": "a", "mountPath": "/a", "hostPath": "/"}]}, "unknown field"),
    Case("one of our labels", {"spec.labels": {"treadle.dev/run": "a"}}, "labels under treadle.dev/ are Treadle's", {"spec.labels": {"team": "a"}}),
    Case("registering untracked", {"spec.tracking": {"type": "None"}}, "register needs tracking", {"spec.tracking": {"type": "None"}, "spec.register": MISSING}),
    Case("gates without metrics", {"spec.tracking": {"type": "None"}, "spec.register": MISSING, "spec.gates": [{"name": "a", "metric": "b", "min": "0"}]},
         "gates need metrics", {"spec.tracking": {"type": "None"}, "spec.register": MISSING, "spec.output": {"uri": "s3://a/"},
                                "spec.gates": [{"name": "a", "metric": "b", "min": "0"}]}),
    Case("a measured model from nowhere", {"spec.tracking": {"type": "None"}, "spec.register": MISSING, "spec.evaluate": {"split": "test"}},
         "evaluate needs a model", {"spec.tracking": {"type": "None"}, "spec.register": MISSING, "spec.output": {"uri": "s3://a/"},
                                    "spec.evaluate": {"split": "test"}}),
    Case("a model measured on nothing", {"spec.dataset": MISSING, "spec.evaluate": {"split": "test"}}, "evaluate needs dataset",
         {"spec.evaluate": {"split": "test"}}),
    Case("approval of nothing", {"spec.approval": "Required", "spec.register": MISSING}, "approval needs register", {"spec.approval": "Required"}),
    Case("restarts from nothing", {"spec.stall": {"timeout": "20m", "action": "Restart"}}, "stall.action Restart needs checkpoint",
         {"spec.stall": {"timeout": "20m", "action": "Restart"}, "spec.checkpoint": {"claim": "a"}}),
    Case("a gate without a bound", {"spec.gates": [{"name": "a", "metric": "b"}]}, "set min, max or notWorseThan",
         {"spec.gates": [{"name": "a", "metric": "b", "max": "0.5"}]}),
    Case("a tolerance of a fixed bound", {"spec.gates": [{"name": "a", "metric": "b", "min": "1", "tolerance": "0.1"}]}, "tolerance needs notWorseThan",
         {"spec.gates": [{"name": "a", "metric": "b", "notWorseThan": {"alias": "champion"}, "tolerance": "0.1"}]}),
    Case("a bound in scientific notation", {"spec.gates": [{"name": "a", "metric": "b", "min": "1e-3"}]}, "should match",
         {"spec.gates": [{"name": "a", "metric": "b", "min": "-0.001"}]}),
    Case("a deadline without a unit", {"spec.deadline": "3600"}, "should match", {"spec.deadline": "3600s"}),
    Case("a deadline of two hours and three days", {"spec.deadline": "2h3d"}, "should match", {"spec.deadline": "3d2h"}),
    Case("a negative budget", {"spec.retries": {"application": -1}}, "should be greater than or equal to 0", {"spec.retries": {"application": 0}}),
    Case("a model with a slash", {"spec.register.model": "team/shelf"}, "spec.register.model", {"spec.register.model": "team.shelf"}),
    Case("an alias of a version", {"spec.register.alias": "3"}, "spec.register.alias", {"spec.register.alias": "staging"}),
]  # fmt: skip

OTHERWISE: dict[str, Any] = {
    "image": "registry.example/other:2",
    "command": ["sh"],
    "args": [],
    "workingDir": "/other",
    "env": [{"name": "LR", "value": "0.2"}],
    "parameters": [{"name": "epochs", "value": "11"}],
    "resources": {"gpu": 2},
    "nodes": 2,
    "volumes": [{"name": "cache", "claim": "other", "mountPath": "/cache"}],
    "queue": "other",
    "priorityClassName": "other",
    "nodeSelector": {"pool": "cpu"},
    "tolerations": [],
    "labels": {"a": "b"},
    "access": {"serviceAccountName": "other"},
    "tracking": {"experiment": "other"},
    "deadline": "25h",
    "pendingTimeout": "3h",
    "stall": {"timeout": "21m"},
    "retries": {"infrastructure": 4},
    "checkpoint": {"claim": "other"},
    "output": {"uri": "s3://other/"},
    "evaluate": {"split": "validation"},
    "gates": [{"name": "floor", "metric": "f1", "min": "0.1"}],
    "approval": MISSING,
    "register": {"model": "other"},
    "tensorboard": {"logDir": "/other"},
    "sensitive": True,
    "dataset": {"project": "other"},
    "rerunOf": "other",
}
MUTABLE = {"suspend": True, "ttlAfterFinished": "8d"}


def identity(case: Case) -> str:
    return case.what


@pytest.mark.parametrize("case", CASES, ids=identity)
def test_a_bad_run_is_refused_with_advice(api_server: ApiServer, case: Case) -> None:
    assert case.message in api_server.refuses(BASE, case)


@pytest.mark.parametrize("case", [case for case in CASES if case.good], ids=identity)
def test_its_like_is_accepted_once_the_advice_is_followed(api_server: ApiServer, case: Case) -> None:
    assert api_server.accepts(BASE, case) == ""


@pytest.mark.parametrize("field", sorted(OTHERWISE))
def test_a_run_does_not_change(api_server: ApiServer, field: str) -> None:
    message = f"{field} cannot be changed, since a run is a record"
    change = Case("", {f"spec.{field}": OTHERWISE[field]}, "", before={})
    assert message in api_server.refuses(FULL, change)
    if field not in FULL["spec"]:
        return
    if field not in ("image", "nodes", "sensitive"):
        assert message in api_server.refuses(FULL, Case("", {f"spec.{field}": MISSING}, "", before={}))
        assert message in api_server.refuses(FULL, Case("", {}, "", before={f"spec.{field}": MISSING, **_companions(field)}))


@pytest.mark.parametrize("field", sorted(MUTABLE))
def test_a_run_can_be_suspended_and_kept_longer(api_server: ApiServer, field: str) -> None:
    assert api_server.refuses(FULL, Case("", {f"spec.{field}": MUTABLE[field]}, "", before={})) == ""


def test_every_field_of_a_run_is_tried() -> None:
    schema = build_crd(TRAINING_RUN)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert set(schema["properties"]["spec"]["properties"]) == OTHERWISE.keys() | MUTABLE.keys()


def test_every_rule_of_a_run_is_tried_both_ways() -> None:
    for rule in {rule for rule in rules("TrainingRun") if "cannot be changed" not in rule}:
        tried = [case for case in CASES if case.message in rule]
        assert tried, f"no object breaks: {rule}"
        assert any(case.good for case in tried), f"no object keeps: {rule}"


def _companions(field: str) -> dict[str, Any]:
    """What must be missing too where `field` is, or the object that exists would be refused itself."""
    return {
        "register": {"spec.approval": MISSING},
        "dataset": {"spec.evaluate": MISSING},
        "checkpoint": {"spec.stall": MISSING},
    }.get(field, {})
