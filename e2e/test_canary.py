"""New versions under steady load, on real pods: one proves itself and takes over, others do not, each in its way, and no caller notices any."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from e2e.conftest import Environment, make_namespace
from e2e.dashboards.models import DEPLOYMENT
from e2e.dashboards.reading import Reading, alert_rules
from e2e.demo.answer import port_forward
from e2e.environment import SERVICES_NAMESPACE
from e2e.support import api
from e2e.support.scripts import finished, run_script
from e2e.support.waiting import until

NAMESPACE = "e2e-canary"
MODEL = "e2e-canary"
STEPS = [{"shadow": "8s"}, {"weight": 40, "hold": "8s"}]
ANALYSIS = {"minSamples": 150, "minAgreement": "0.85"}
MONITORING = {"drift": {"window": "1m"}}
PER_DAY = 400
FEEDBACK = {
    "destination": f"s3://mlflow/feedback/{NAMESPACE}/",
    "select": [{"when": "Disputed"}, {"when": "Random", "percent": 1}],
    "maxPerDay": PER_DAY,
}
ABOUT_DEPLOYMENTS = [rule for rule in alert_rules() if "treadle_deployment" in rule["expr"]]
LIST_FEEDBACK = """
import json, os
from treadle.contracts.feedback import FeedbackSpec
from treadle.jobs._store import Store
spec = FeedbackSpec.model_validate_json(os.environ["TREADLE_JOB"])
store = Store(spec.store)
told = [json.loads(store.read(entry.uri))["when"] for entry in store.list(spec.destination + "told")]
print(json.dumps({"told": told, "items": [entry.uri for entry in store.list(spec.destination + "items")]}))
"""
"""Runs beside the runtime, where the keys are."""


class Rollouts:
    """A deployment under load, and what one does to it."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def status(self) -> dict[str, Any]:
        """Of the deployment, now."""
        return dict(self.environment.get("modeldeployment", "digits", f"--namespace={NAMESPACE}").get("status", {}))

    def condition(self, type_: str) -> dict[str, Any]:
        """Of the deployment, now; empty when it is not said."""
        return next((c for c in self.status().get("conditions", ()) if c["type"] == type_), {})

    def wait(self, what: str, look: Callable[[dict[str, Any]], bool], timeout: float = 180) -> dict[str, Any]:
        """The first status that looks like this."""
        return until(what, lambda: found if look(found := self.status()) else None, timeout=timeout, describe=self.status)

    def refused(self, version: str) -> dict[str, Any]:
        """What is said of a version once it was given up, and the registry says so too."""

        def tagged(status: dict[str, Any]) -> bool:
            return any(each["version"] == version and each.get("tagged") for each in status.get("refused", ()))

        status = self.wait(f"version {version} is refused", tagged)
        return next(dict(each) for each in status["refused"] if each["version"] == version)

    def candidate(self, version: str) -> None:
        """Move the alias, as training does after its gates."""
        with port_forward(self.environment.target, SERVICES_NAMESPACE, "mlflow", 5000) as url:
            api.set_alias(url, MODEL, "candidate", version)

    def pods(self, revision: str) -> list[str]:
        """Names of a revision's pods."""
        selector = f"--selector=treadle.dev/deployment=digits,treadle.dev/revision={revision}"
        return [pod["metadata"]["name"] for pod in self.environment.get("pods", f"--namespace={NAMESPACE}", selector)["items"]]

    def load(self) -> dict[str, Any]:
        """The last line of the load."""
        said = self.environment.kubectl("logs", "job/load", f"--namespace={NAMESPACE}", "--tail=1").strip()
        return dict(json.loads(said)) if said else {"requests": 0, "failed": 0, "versions": {}}


@pytest.fixture(scope="module")
def rollouts(environment: Environment, reading: Reading) -> Iterator[Rollouts]:
    """Version 1 serves with two pods and is the champion; then load begins. Prometheus reads from the beginning."""
    make_namespace(environment, NAMESPACE)
    run = Rollouts(environment)
    tracking = f"http://mlflow.{SERVICES_NAMESPACE}.svc.cluster.local:5000"
    run_script(environment, NAMESPACE, "versions", "six_versions.py", MODEL=MODEL, MLFLOW_TRACKING_URI=tracking)
    finished(environment, NAMESPACE, "versions")
    spec = {
        "model": {"name": MODEL},
        "replicas": 2,
        "rollout": {"steps": STEPS, "analysis": ANALYSIS},
        "feedback": FEEDBACK,
        "monitoring": MONITORING,
    }
    deployment = {"apiVersion": "treadle.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "digits"}, "spec": spec}
    environment.kubectl("apply", f"--namespace={NAMESPACE}", "-f", "-", stdin=json.dumps(deployment))
    run.wait("version 1 is the champion", lambda status: is_champion(status, "1"))
    run_script(environment, NAMESPACE, "load", "steady_load.py", URL=f"http://digits.{NAMESPACE}.svc.cluster.local/v2/models/digits/infer")
    environment.kubectl("wait", "pod", f"--namespace={NAMESPACE}", "--selector=job-name=load", "--for=condition=Ready", "--timeout=60s", timeout=70)
    until("load", lambda: run.load() if run.load()["requests"] > 50 else None, timeout=60)
    yield run
    environment.kubectl("delete", "modeldeployment", "digits", f"--namespace={NAMESPACE}", "--timeout=60s", timeout=70)
    environment.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def is_champion(status: dict[str, Any], version: str) -> bool:
    said = {c["type"]: c for c in status.get("conditions", ())}
    return status.get("model") == f"{MODEL}/{version}" and said.get("Promoted", {}).get("status") == "True" and said["Available"]["status"] == "True"


def test_a_good_version_takes_over_although_pods_and_the_operator_die_and_no_request_fails(environment: Environment, rollouts: Rollouts) -> None:
    rollouts.candidate("2")
    status = rollouts.wait("it is judged by copies", lambda status: status.get("canary", {}).get("stage") == "Judging")
    environment.kill_operator()
    status = rollouts.wait("it gets traffic", lambda status: status.get("canary", {}).get("weight") == 40)
    until("both versions answer", lambda: {"1", "2"} <= set(rollouts.load()["versions"]) or None, timeout=60, describe=rollouts.load)
    (canary,) = rollouts.pods(status["canary"]["revision"])
    environment.kubectl("delete", "pod", canary, f"--namespace={NAMESPACE}", "--grace-period=0", "--force")
    environment.kubectl("delete", "pod", rollouts.pods(status["stable"]["revision"])[0], f"--namespace={NAMESPACE}", "--wait=false")
    status = rollouts.wait("it is the champion", lambda status: is_champion(status, "2"))
    assert status["history"][-1]["outcome"] == "Promoted"
    assert "2 steps passed" in status["history"][-1]["why"]
    until("only version 2 answers", lambda: set(rollouts.load()["versions"]) == {"2"} or None, timeout=60, describe=rollouts.load)
    load = rollouts.load()
    assert load["failed"] == 0, load


@pytest.mark.parametrize(
    ("version", "how"),
    [
        pytest.param("3", "agreement", id="answers otherwise"),
        pytest.param("4", "errors", id="fails on some inputs"),
        pytest.param("5", "p95", id="is slow"),
    ],
)
def test_a_version_that_is_worse_is_rolled_back_and_no_request_fails(environment: Environment, rollouts: Rollouts, version: str, how: str) -> None:
    rollouts.candidate(version)
    refused = rollouts.refused(version)
    assert refused["reason"] == "AnalysisFailed"
    assert how in refused["message"]
    status = rollouts.status()
    assert status["model"] == f"{MODEL}/2"
    assert (status["history"][-1]["version"], status["history"][-1]["outcome"]) == (version, "RolledBack")
    assert rollouts.condition("RolloutProgressing")["reason"] == "AlreadyRefused"
    with api.mlflow(environment) as registry:
        tags = {v["version"]: {tag["key"]: tag["value"] for tag in v.get("tags", ())} for v in registry.versions(MODEL)}
        assert tags[version]["treadle.rollout"] == "RolledBack"
        assert registry.alias(MODEL, "champion") == "2"
    load = rollouts.load()
    assert load["failed"] == 0, load
    assert set(load["versions"]) == {"2"}


def test_a_person_aborts_a_version_that_gets_traffic_and_no_request_fails(environment: Environment, rollouts: Rollouts) -> None:
    rollouts.candidate("6")
    rollouts.wait("it gets traffic", lambda status: status.get("canary", {}).get("weight") == 40)
    until("both versions answer", lambda: {"2", "6"} <= set(rollouts.load()["versions"]) or None, timeout=60, describe=rollouts.load)
    environment.kubectl("annotate", "modeldeployment", "digits", f"--namespace={NAMESPACE}", "treadle.dev/abort=6")
    assert rollouts.refused("6")["reason"] == "RolloutAborted"
    until("only version 2 answers", lambda: set(rollouts.load()["versions"]) == {"2"} or None, timeout=30, describe=rollouts.load)
    status, load = rollouts.status(), rollouts.load()
    assert status["model"] == f"{MODEL}/2"
    assert (status["history"][-1]["version"], status["history"][-1]["outcome"]) == ("6", "Aborted")
    assert load["failed"] == 0, load


def test_the_same_version_with_other_resources_takes_over_and_no_request_fails(environment: Environment, rollouts: Rollouts) -> None:
    before = rollouts.status()["stable"]["revision"]
    rollouts.candidate("2")
    patch = json.dumps({"spec": {"resources": {"memory": "1280Mi"}}})
    environment.kubectl("patch", "modeldeployment", "digits", f"--namespace={NAMESPACE}", "--type=merge", "-p", patch)

    def updated(status: dict[str, Any]) -> bool:
        return status["stable"]["revision"] != before and is_champion(status, "2")

    status = rollouts.wait("version 2 serves with other resources", updated)
    until("the former pods are gone", lambda: not rollouts.pods(before) or None, timeout=90, describe=lambda: rollouts.pods(before))
    assert "canary" not in status, "the same version has nothing to prove"
    load = rollouts.load()
    assert load["failed"] == 0, load
    assert set(load["versions"]) == {"2"}


def test_telling_items_have_come_to_the_store_within_the_days_bound(environment: Environment, rollouts: Rollouts) -> None:
    (pod, *_) = rollouts.pods(rollouts.status()["stable"]["revision"])

    def kept() -> dict[str, Any] | None:
        said = environment.kubectl("exec", pod, "-c", "feedback", f"--namespace={NAMESPACE}", "--", "python", "-c", LIST_FEEDBACK)
        found = dict(json.loads(said.strip().splitlines()[-1]))
        return found if {"Random", "Disputed"} <= set(found["told"]) else None

    found = until("random and disputed items", kept, timeout=60)
    assert len(found["told"]) <= PER_DAY
    assert all(uri.endswith(".png") for uri in found["items"])
    assert rollouts.condition("FeedbackFlowing")["status"] == "True"
    assert rollouts.condition("DriftDetected")["reason"] in ("ReferenceMissing", "TooFewRequests", "NoDrift")


def test_the_dashboard_of_deployments_shows_what_happened(rollouts: Rollouts, reading: Reading) -> None:
    def silent() -> list[str]:
        return [*reading.silent_panels([DEPLOYMENT]), *reading.silent_choices([DEPLOYMENT]), *reading.silent_alerts(ABOUT_DEPLOYMENTS)]

    # Drift is told once a window is whole, of a pod that had another one to learn from.
    until("an answer to every panel", lambda: not silent(), timeout=300, describe=silent)
