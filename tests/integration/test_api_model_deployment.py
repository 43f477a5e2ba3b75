"""Bad ModelDeployments, each with the words the API server must refuse it with, and its like that is accepted."""

# ruff: noqa: E501 - tables are read across

import pytest

from tests.integration.api_cases_shared import access_cases, environment_cases, name_cases, resources_cases, scheduling_cases
from tests.integration.api_server import MISSING, ApiServer, Case, api_server, rules, sample

__all__ = ["api_server"]

BASE = sample("smallest.yaml", "ModelDeployment")
CUSTOM = {"type": "Custom", "image": "registry.example/server:1"}
FEEDBACK = {"destination": "s3://a/"}

CASES = [
    *name_cases(),
    *access_cases("spec.access"),
    *resources_cases("spec.resources"),
    *scheduling_cases("spec."),
    *environment_cases("spec.runtime.env"),
    Case("no model", {"spec.model": MISSING}, "spec.model: Required value"),
    Case("an unknown field", {"spec.model.stage": "Production"}, 'unknown field "spec.model.stage"', {"spec.model.alias": "production"}),
    Case("a model from nowhere", {"spec.model": {}}, "set exactly one of name, run or uri", {"spec.model": {"run": "shelf-1"}}),
    Case("a model from two places", {"spec.model": {"name": "a", "uri": "s3://a/m/"}}, "set exactly one of name, run or uri", {"spec.model": {"uri": "s3://a/m/"}}),
    Case("an alias and a version", {"spec.model": {"name": "a", "alias": "b", "version": "3"}}, "set at most one of alias or version",
         {"spec.model": {"name": "a", "version": "3"}}),
    Case("an alias of a run", {"spec.model": {"run": "a", "alias": "b"}}, "alias needs name", {"spec.model": {"name": "a", "alias": "b"}}),
    Case("a version of a URI", {"spec.model": {"uri": "s3://a/m/", "version": "1"}}, "version needs name", {"spec.model": {"name": "a", "version": "1"}}),
    Case("a version that is a number", {"spec.model.version": 3}, "must be of type string", {"spec.model.version": "3"}),
    Case("a version that is a word", {"spec.model.version": "latest"}, "spec.model.version"),
    Case("promotion of a fixed version", {"spec.model": {"name": "a", "version": "3", "promoteTo": "champion"}}, "promoteTo needs an alias that is followed",
         {"spec.model": {"name": "a", "alias": "candidate", "promoteTo": "champion"}}),
    Case("promotion to itself", {"spec.model": {"name": "a", "alias": "champion", "promoteTo": "champion"}}, "set promoteTo to another alias",
         {"spec.model": {"name": "a", "alias": "champion"}}),
    Case("a custom runtime without an image", {"spec.runtime": {"type": "Custom"}}, "set image: type Custom", {"spec.runtime": CUSTOM}),
    Case("our runtime with a port", {"spec.runtime": {"port": 80}}, "remove command, port, readinessPath and proxy", {"spec.runtime": CUSTOM | {"port": 80}}),
    Case("pickles in a custom runtime", {"spec.runtime": CUSTOM | {"allowPickle": True}}, "remove allowPickle and onnx", {"spec.runtime": {"allowPickle": True}}),
    Case("a proxy before its own control channel", {"spec.runtime": CUSTOM | {"proxy": True, "port": 8081}}, "set another port than 8081",
         {"spec.runtime": CUSTOM | {"proxy": True, "port": 8000}}),
    Case("port 0", {"spec.runtime": CUSTOM | {"port": 0}}, "should be greater than or equal to 1"),
    Case("negative replicas", {"spec.replicas": -1}, "should be greater than or equal to 0", {"spec.replicas": 0}),
    Case("autoscaling without a maximum", {"spec.autoscaling": {"min": 1}}, "spec.autoscaling.max: Required value"),
    Case("more at least than at most", {"spec.autoscaling": {"min": 3, "max": 2}}, "raise max to min or more", {"spec.autoscaling": {"min": 2, "max": 2}}),
    Case("a negative average", {"spec.autoscaling": {"max": 2, "metrics": [{"name": "a", "average": "-1"}]}}, "should match"),
    Case("an unknown strategy", {"spec.rollout": {"strategy": "BlueGreen"}}, "supported values", {"spec.rollout": {"strategy": "Replace"}}),
    Case("judging in place", {"spec.rollout": {"strategy": "Replace", "analysis": {"minSamples": 10}}}, "remove steps and analysis",
         {"spec.rollout": {"strategy": "Canary", "analysis": {"minSamples": 10}}}),
    Case("agreement without a shadow", {"spec.rollout": {"steps": [{"weight": 10}], "analysis": {"minAgreement": "0.9"}}}, "add a shadow step",
         {"spec.rollout": {"steps": [{"shadow": "5m"}, {"weight": 10}], "analysis": {"minAgreement": "0.9"}}}),
    Case("steps that shrink", {"spec.rollout": {"steps": [{"weight": 50}, {"weight": 10}]}}, "order the steps by growing weight",
         {"spec.rollout": {"steps": [{"weight": 10}, {"weight": 50}]}}),
    Case("a step of everything that is not the last", {"spec.rollout": {"steps": [{"weight": 100}, {"shadow": "5m"}]}}, "make the step of weight 100 the last one",
         {"spec.rollout": {"steps": [{"shadow": "5m"}, {"weight": 100}]}}),
    Case("a step of everything alone", {"spec.rollout": {"steps": [{"weight": 100}]}}, "after at least one other",
         {"spec.rollout": {"steps": [{"weight": 10, "hold": "5m"}, {"weight": 50}, {"weight": 100, "hold": "5m"}]}}),
    Case("a step that does nothing", {"spec.rollout": {"steps": [{}]}}, "set exactly one of shadow or weight", {"spec.rollout": {"steps": [{"shadow": "5m"}]}}),
    Case("a shadow that holds", {"spec.rollout": {"steps": [{"shadow": "5m", "hold": "5m"}]}}, "hold needs weight",
         {"spec.rollout": {"steps": [{"weight": 5, "hold": "5m"}]}}),
    Case("a weight of 0", {"spec.rollout": {"steps": [{"weight": 0}]}}, "should be greater than or equal to 1"),
    Case("eleven steps", {"spec.rollout": {"steps": [{"weight": n} for n in range(1, 12)]}}, "must have at most 10 items"),
    Case("an error rate in percent", {"spec.rollout": {"analysis": {"maxErrorRate": "1%"}}}, "maxErrorRate", {"spec.rollout": {"analysis": {"maxErrorRate": "0.01"}}}),
    Case("a latency without a unit", {"spec.rollout": {"analysis": {"maxLatencyP95": "250"}}}, "maxLatencyP95", {"spec.rollout": {"analysis": {"maxLatencyP95": "250ms"}}}),
    Case("a Gateway that is not named", {"spec.rollout": {"traffic": "Gateway"}}, "rollout.traffic Gateway needs expose",
         {"spec.rollout": {"traffic": "Gateway"}, "spec.expose": {"gateway": "public"}}),
    Case("explanations of what is sensitive", {"spec.explain": {"enabled": True}, "spec.sensitive": True}, "sensitive deployments explain nothing",
         {"spec.explain": {"enabled": True}}),
    Case("feedback of nothing", {"spec.feedback": FEEDBACK | {"select": []}}, "should have at least 1 items", {"spec.feedback": FEEDBACK | {"select": [{"when": "Drifted"}]}}),
    Case("uncertain below nothing", {"spec.feedback": FEEDBACK | {"select": [{"when": "Uncertain"}]}}, "set below for Uncertain",
         {"spec.feedback": FEEDBACK | {"select": [{"when": "Uncertain", "below": "0.6"}]}}),
    Case("a share of what drifted", {"spec.feedback": FEEDBACK | {"select": [{"when": "Drifted", "percent": 1}]}}, "set percent for Random",
         {"spec.feedback": FEEDBACK | {"select": [{"when": "Random", "percent": 1}]}}),
    Case("feedback to a web server", {"spec.feedback": {"destination": "http://a/", "select": [{"when": "Drifted"}]}}, "should match '^((s3|az|pvc)://"),
    Case("a window without a unit", {"spec.monitoring": {"drift": {"window": "1"}}}, "window", {"spec.monitoring": {"drift": {"window": "1h"}}}),
    Case("a path without its slash", {"spec.expose": {"gateway": "public", "path": "shelf"}}, "should match '^/", {"spec.expose": {"gateway": "public", "path": "/shelf"}}),
]  # fmt: skip


def identity(case: Case) -> str:
    return case.what


@pytest.mark.parametrize("case", CASES, ids=identity)
def test_a_bad_deployment_is_refused_with_advice(api_server: ApiServer, case: Case) -> None:
    assert case.message in api_server.refuses(BASE, case)


@pytest.mark.parametrize("case", [case for case in CASES if case.good], ids=identity)
def test_its_like_is_accepted_once_the_advice_is_followed(api_server: ApiServer, case: Case) -> None:
    assert api_server.accepts(BASE, case) == ""


def test_every_rule_of_a_deployment_is_tried_both_ways() -> None:
    for rule in rules("ModelDeployment"):
        tried = [case for case in CASES if case.message in rule]
        assert tried, f"no object breaks: {rule}"
        assert any(case.good for case in tried), f"no object keeps: {rule}"
