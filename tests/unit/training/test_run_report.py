"""The Job that makes the page about a run: what it is told, and that it always fits."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tests.unit.training.things import DIGEST, INSTALLATION, TRAINING_RUN, make_run
from treadle.api.reasons import Reason
from treadle.connections.installation import Refusal, parse_installation
from treadle.contracts import JOB_LIMIT, JOB_VARIABLE
from treadle.contracts.report import ReportSpec
from treadle.engine._memory import Memory
from treadle.engine._ports import Seen
from treadle.plan import ref_of
from treadle.training.run import Run
from treadle.training.run_report import bound, report_job

QUOTES = '"' * 2048
ATTEMPT: dict[str, Any] = {
    "number": 1,
    "outcome": "Succeeded",
    "startedAt": "2026-01-01T01:00:00Z",
    "finishedAt": "2026-01-01T01:30:00Z",
    "gpuSeconds": 3600,
    "node": "n1",
}
STATUS: dict[str, Any] = {
    "result": {"outcome": "Succeeded", "reason": "RunSucceeded", "message": "all is well", "finishedAt": "2026-01-01T02:00:00Z"},
    "attempts": [ATTEMPT],
    "dataset": {"project": "digits", "version": 1, "digest": DIGEST, "uri": "s3://datasets/digits/v0001/"},
    "tracking": {"id": "r1", "experimentId": "1", "closed": True, "url": "http://mlflow:5000/#/experiments/1/runs/r1"},
    "evaluation": {
        "result": "Succeeded",
        "details": {"uri": "s3://mlflow/1/r1/artifacts/treadle/evaluation-aaaa.json", "sha256": "a" * 64},
        "baselines": [{"alias": "champion", "version": "4"}],
    },
}


def observed(status: dict[str, Any], **spec: Any) -> Run:
    wanted = {"evaluate": {"split": "test"}, "dataset": {"project": "digits"}, **spec}
    made = make_run(uid="uid-trainingrun-digits", **{name: value for name, value in wanted.items() if value is not None})
    run = {**made, "status": status}
    memory = Memory(["TrainingRun"])
    memory.learn([Seen({**run, "metadata": {"resourceVersion": "1", **run["metadata"]}})])
    view = memory.view(ref_of(run))
    seen = view.look()
    assert seen is not None
    return TRAINING_RUN.observe(seen, view)


def spec_of(run: Run) -> ReportSpec:
    job = report_job(run)
    assert job is not None
    assert not isinstance(job, Refusal)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["image"] == INSTALLATION.images.jobs
    text = next(variable["value"] for variable in container["env"] if variable["name"] == JOB_VARIABLE)
    assert len(text.encode()) <= JOB_LIMIT
    return ReportSpec.model_validate_json(text)


def test_the_page_is_told_what_went_in_and_what_came_of_it() -> None:
    gates = [{"name": "floor", "metric": "f1", "min": "0.9"}]
    verdicts = [{"name": "floor", "verdict": "Passed", "message": "f1 0.95 >= 0.9", "value": "0.95"}]
    registered = {"model": "digits", "version": "7", "alias": "candidate", "aliasMoved": True}
    run = observed({**STATUS, "gates": verdicts, "registered": registered}, gates=gates, resources={"gpu": 2}, rerunOf="digits-v0")
    spec = spec_of(run)
    assert spec.uri == "s3://mlflow/1/r1/artifacts/treadle/report.html"
    assert [(gate.bound, gate.verdict) for gate in spec.gates] == [("f1 ≥ 0.9", "Passed")]
    assert (spec.attempts[0].seconds, spec.attempts[0].gpu_seconds) == (1800, 3600)
    facts = {fact.name: fact.value for fact in spec.facts}
    assert facts["dataset"] == "version 1 of digits"
    assert facts["model"] == "digits version 7, candidate"
    assert facts["repeats"] == "digits-v0"
    assert [(row.version, row.alias) for row in spec.baselines] == [("4", "champion")]


def test_the_largest_run_fits() -> None:
    name = "g" * 38
    gates = [{"name": f"{name}{n:02}", "metric": "m" * 250, "notWorseThan": {"alias": "a" * 60}, "tolerance": "0.1"} for n in range(20)]
    verdicts = [{"name": gate["name"], "verdict": "Unknown", "message": "ü" * 500} for gate in gates]
    attempts = [{"number": n, "outcome": "Infrastructure", "message": QUOTES[:1000], "node": "n" * 200} for n in range(1, 21)]
    parameters = [{"name": f"{'p' * 97}{n:03}", "value": QUOTES} for n in range(100)]
    metrics = [{"name": f"{'m' * 97}{n:03}", "value": "0.123456"} for n in range(20)]
    compared = [{"alias": f"{'a' * 62}{n}", "version": f"{n}", "metrics": metrics} for n in range(1, 6)]
    evaluation = {**STATUS["evaluation"], "baselines": compared}
    status = {**STATUS, "gates": verdicts, "attempts": attempts, "evaluation": evaluation}
    spec = spec_of(observed(status, gates=gates, parameters=parameters, image="i" * 512))
    assert spec.parameters[-1].value == "and 70 more"
    assert len(spec.gates) == 20


def test_what_was_not_evaluated_has_no_page() -> None:
    run = observed({**STATUS, "evaluation": {"result": "Failed", "message": "it could not be"}})
    assert report_job(run) is None
    plan = TRAINING_RUN.plan(replace(run, reports=()), datetime(2026, 1, 1, 3, tzinfo=UTC))
    assert not plan.actions


def test_a_store_that_may_not_be_used_any_more_is_told() -> None:
    installation = parse_installation(
        """
        id: demo
        images: {jobs: registry.example/jobs:1, runtime: registry.example/runtime:1}
        connections:
          store: {default: {endpoint: "http://s3:7070", namespaces: [elsewhere]}}
          mlflow: {default: {url: "http://mlflow:5000", shared: true, artifactStore: "s3://mlflow/"}}
        """
    )
    run = replace(observed(STATUS), installation=installation)
    (told,) = [said for said in TRAINING_RUN.plan(run, datetime(2026, 1, 1, 3, tzinfo=UTC)).conditions if said.type == "Reported"]
    assert (told.status, told.reason) == (False, Reason.ConnectionNotGranted)


def test_a_run_that_is_judged_by_what_it_logged_has_a_page_among_its_files() -> None:
    tracking = {**STATUS["tracking"], "artifacts": "s3://mlflow/1/r1/artifacts"}
    status = {name: value for name, value in STATUS.items() if name != "evaluation"} | {"tracking": tracking}
    spec = spec_of(observed(status, evaluate=None, gates=[{"name": "floor", "metric": "f1", "min": "0.9"}]))
    assert (spec.uri, spec.details) == ("s3://mlflow/1/r1/artifacts/treadle/report.html", None)
    assert spec.artifacts == "s3://mlflow/1/r1/artifacts"
    assert spec.tracked_run == "r1"


def test_a_bound_is_told_in_words() -> None:
    gate = observed(
        STATUS, gates=[{"name": "g", "metric": "f1", "min": "0.5", "notWorseThan": {"alias": "champion"}, "tolerance": "0.02"}]
    ).spec.gates[0]
    assert bound(gate) == "f1 ≥ 0.5, not worse than champion by more than 0.02"
