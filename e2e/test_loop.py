"""The loop turns once while the operator is killed at every station; then what users rely on is looked at on what came out."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.conftest import NAME, Environment
from e2e.dashboards.fleet import FLEET, PROJECT
from e2e.dashboards.models import RUN
from e2e.dashboards.operator import HEALTH
from e2e.dashboards.reading import Reading, alert_rules
from e2e.demo.__main__ import environment as shell_environment
from e2e.demo.loop import Loop
from e2e.environment import OPERATOR_NAMESPACE
from e2e.support.api import label_studio, mlflow
from e2e.support.documents import ON_THE_LOOP, Block, blocks_of, replaced, run_as_written
from e2e.support.rights import KIND, SELDOM, granted, patched, used
from e2e.support.turning import NAMESPACE
from e2e.support.waiting import until

DONE_BY_THE_FIXTURE = ("make demo\n", "make demo-down\n")
BLOCKS = [block for page in ON_THE_LOOP for block in blocks_of(page) if block.language == "sh" and block.text not in DONE_BY_THE_FIXTURE]
FILLED_IN = {
    "treadle-demo": NAMESPACE,
    "modeldeployment shelf": "modeldeployment digits",
    "NAMESPACE": NAMESPACE,
    "NAME": "digits",
    "CONNECTION": "mlflow",
}
"""What only the reader of a page knows."""
BESIDE_THE_LOOP = (FLEET, PROJECT, RUN, HEALTH)
ABOUT_THE_REST = [rule for rule in alert_rules() if "treadle_deployment" not in rule["expr"]]
"""What a rollout shows is looked at where there is one (`test_canary.py`)."""
HALF_WAY = """
import json, os, time, urllib.request
time.sleep(3)  # what took no time does not tell how long the rest takes
body = {"run_id": os.environ["MLFLOW_RUN_ID"], "key": "treadle.progress", "value": 0.5, "timestamp": int(time.time() * 1000), "step": 1}
url = os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/runs/log-metric"
urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"}), timeout=20)
time.sleep(3600)
"""


def test_nothing_was_made_twice_although_the_operator_was_killed_at_every_station(environment: Environment, loop: Loop) -> None:
    jobs = environment.get("jobs", f"--namespace={NAMESPACE}", "--selector=app.kubernetes.io/managed-by=treadle")["items"]
    attempts = Counter(job["metadata"]["name"].rpartition("-")[2] for job in jobs)
    assert set(attempts) == {"1"}, f"nothing failed, so there is no second attempt: {[job['metadata']['name'] for job in jobs]}"
    with mlflow(environment) as api:
        runs = api.runs_of("e2e", NAMESPACE, "digits-v1")
        assert [run["info"]["status"] for run in runs] == ["FINISHED"]
        assert [v["version"] for v in api.versions("digits")] == ["1"]
        assert api.alias("digits", "champion") == api.alias("digits", "candidate") == "1"
    with label_studio(environment) as studio:
        (project,) = studio.projects_of("e2e", NAMESPACE, "digits")
        keys = studio.task_keys(project["id"])
        assert len(keys) == len(set(keys)) == loop.status("AnnotationProject", "digits")["progress"]["items"]
    assert loop.status("AnnotationProject", "digits")["dataset"]["version"] == 1


def test_the_gates_judge_what_treadle_measured_and_not_what_the_program_says(environment: Environment, loop: Loop) -> None:
    run = loop.status("TrainingRun", "digits-v1")
    evaluation = run["evaluation"]
    assert (evaluation["result"], evaluation["attempt"]) == ("Succeeded", 1)
    measured = {metric["name"]: float(metric["value"]) for metric in evaluation["metrics"]}
    assert measured["items"] == evaluation["items"] > 10
    assert {gate["name"]: gate["reason"] for gate in run["gates"]} == {"floor": "GatesPassed", "no-worse": "NoBaseline"}
    assert float(run["gates"][0]["value"]) == measured["accuracy"]
    with mlflow(environment) as api:
        (version,) = api.versions("digits")
        files = api.files(run["tracking"]["id"], "treadle")
    tags = {tag["key"]: tag["value"] for tag in version["tags"]}
    digest = run["dataset"]["digest"].removeprefix("sha256:")
    assert json.loads(tags[f"treadle.evaluation.{digest[:16]}.test"])["f1"] == measured["f1"]
    assert json.loads(tags["treadle.smoke"])["uri"].startswith("s3://digits-raw/items/")
    stored = {name for name in files if name.endswith(".json")}
    assert stored == {run["evaluation"][file]["uri"].rpartition("/")[2] for file in ("reference", "details")}
    assert json.loads(tags["treadle.reference"]) == run["evaluation"]["reference"]


def test_the_page_about_the_run_is_among_its_files(environment: Environment, loop: Loop) -> None:
    def report() -> str | None:
        return (loop.status("TrainingRun", "digits-v1").get("report") or {}).get("uri")

    assert str(until("the report is made", report, timeout=120)).endswith("/treadle/report.html")
    with mlflow(environment) as api:
        page = api.file(loop.status("TrainingRun", "digits-v1")["tracking"]["id"], "treadle/report.html")
    for words in ("validation_accuracy", "Confusion matrix", "no version carries the alias champion", "version 1 of digits"):
        assert words in page


def test_applying_again_and_restarting_the_operator_writes_nothing(environment: Environment, loop: Loop) -> None:
    # Progress is told once a minute: that all items wait which quality asked for once more is the last news of the loop.
    asked = loop.status("AnnotationProject", "digits")["quality"]["askedAgain"]
    until("the last news is told", lambda: f"; {asked} wait for one more" in _labelled(loop), timeout=90, describe=lambda: _labelled(loop))
    before = {of: each.get("status") for of, each in loop.objects().items()}
    offset = environment.cluster.audit_log.stat().st_size
    loop.apply()
    environment.restart_operator()
    until("the new operator leads and renews its lease", lambda: _renewals(environment, offset) >= LEASE_RENEWALS, timeout=90)
    assert {of: each.get("status") for of, each in loop.objects().items()} == before
    assert environment.operator_writes(offset) == []


def test_the_served_model_knows_digits_it_never_saw(loop: Loop) -> None:
    answers = loop.ask_held_out()
    assert answers.asked >= 50
    assert answers.accuracy > 0.85
    assert answers.first_label == answers.first_truth


def test_the_careless_annotator_shows_in_the_agreement(loop: Loop) -> None:
    conditions = {c["type"]: c for c in loop.status("AnnotationProject", "digits")["conditions"]}
    assert "0.8" in conditions["QualityPassed"]["message"] or "0.9" in conditions["QualityPassed"]["message"]
    assert loop.status("AnnotationProject", "digits")["dataset"]["items"] < loop.status("AnnotationProject", "digits")["progress"]["items"]


@pytest.fixture(scope="module")
def readers_kubeconfig(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that a page may change, in the loop's namespace as the tutorial sets it."""
    path = tmp_path_factory.mktemp("reader") / "kubeconfig"
    path.write_text(environment.target.kubeconfig.read_text())
    run_as_written(f"kubectl config set-context --current --namespace {NAMESPACE}", path)
    return path


@pytest.fixture(scope="module")
def readers_shell(readers_kubeconfig: Path) -> str:
    """What the reader's shell was told once, before all that they type: where the demo is."""
    return run_as_written("make --silent demo-env", readers_kubeconfig)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_the_commands_of_the_pages_work_as_they_are_written(loop: Loop, readers_kubeconfig: Path, readers_shell: str, block: Block) -> None:
    run_as_written(f"{readers_shell}\n{replaced(block.text, FILLED_IN)}", readers_kubeconfig, timeout=300)


def test_a_shell_is_told_where_the_demo_is(environment: Environment, loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert f"export KUBECONFIG={environment.target.kubeconfig}\n" in shell_environment(NAME)


def test_dashboards_and_alerts_find_what_they_look_for(
    environment: Environment, loop: Loop, reading: Reading, apply: Callable[..., None], condition: Callable[..., dict[str, Any]]
) -> None:
    def run(name: str, *command: str, **spec: Any) -> dict[str, Any]:
        content = {"image": environment.images["treadle-jobs"], "command": list(command), "resources": {"cpu": "10m", "memory": "64Mi"}, **spec}
        return {"apiVersion": "treadle.dev/v1alpha1", "kind": "TrainingRun", "metadata": {"name": name}, "spec": content}

    apply(
        run("half-way", "python", "-c", HALF_WAY),
        run("fails", "python", "-c", "raise SystemExit(1)", tracking={"type": "None"}, retries={"application": 0}),
        run("waits", "python", "-V", tracking={"connection": "nowhere"}),
    )
    condition("trainingrun", "waits", "Stalled", "True", "ConnectionNotFound")
    condition("trainingrun", "fails", "Succeeded", "False")

    def silent() -> list[str]:
        return [*reading.silent_panels(BESIDE_THE_LOOP), *reading.silent_choices(BESIDE_THE_LOOP), *reading.silent_alerts(ABOUT_THE_REST)]

    until("an answer to every panel", lambda: not silent(), timeout=90, describe=silent)


def _labelled(loop: Loop) -> str:
    conditions = {c["type"]: c for c in loop.status("AnnotationProject", "digits")["conditions"]}
    return str(conditions["LabelingComplete"]["message"])


LEASE_RENEWALS = 10
"""At one renewal every two seconds the outside was polled at least twice meanwhile."""


def _renewals(environment: Environment, offset: int) -> int:
    return sum(e.get("objectRef", {}).get("resource") == "leases" and e["verb"] == "update" for e in environment.operator_requests(offset))


def test_the_operator_used_exactly_the_rights_of_its_table(environment: Environment, loop: Loop) -> None:
    requests = environment.operator_requests()
    forbidden = [e for e in requests if e.get("responseStatus", {}).get("code") == 403]
    # In a namespace that is being deleted nothing new may be made; that is no matter of rights.
    said = [f"{e['verb']} {e['requestURI']}: {e['responseStatus'].get('message')}" for e in forbidden]
    assert [words for words in said if "being terminated" not in words] == []
    needed, given = used(requests), granted([environment.get("clusterrole", "treadle"), environment.get("role", "treadle-leader", OPERATORS)])
    assert needed - given == set()
    assert given - needed - set(SELDOM) == set(), "a right that nothing uses is one too many"


OPERATORS = f"--namespace={OPERATOR_NAMESPACE}"


def test_the_operator_wrote_no_spec(environment: Environment, loop: Loop, namespace: str, apply: Callable[..., None]) -> None:
    """Its role cannot say so of AnnotationProject, whose finalizer needs `patch`: what it sent does."""
    spec: dict[str, object] = {"task": {"type": "ImageClassification", "labels": [{"name": "0"}, {"name": "1"}]}, "deletionPolicy": "Delete"}
    spec |= {"source": {"uri": "s3://digits-raw/items/"}, "dataset": {"destination": f"s3://digits-datasets/{namespace}/"}, "suspend": True}
    apply({"apiVersion": "treadle.dev/v1alpha1", "kind": "AnnotationProject", "metadata": {"name": "held"}, "spec": spec})
    held = ("annotationproject", "held", f"--namespace={namespace}")
    until("the project is held", lambda: environment.get(*held)["metadata"].get("finalizers"), timeout=60)
    environment.kubectl("delete", *held, "--timeout=90s", timeout=100)
    status = {"/metadata/resourceVersion", "/status"}
    assert patched(environment.operator_requests()) == {
        (KIND, "annotationprojects", "patch"): {"/metadata/resourceVersion", "/metadata/finalizers"},
        (KIND, "annotationprojects/status", "patch"): status,
        (KIND, "trainingruns/status", "patch"): status,
        (KIND, "modeldeployments/status", "patch"): status,
    }


@pytest.mark.parametrize("propagation", ["background", "foreground"])
def test_deleting_and_applying_again_takes_up_what_is_its_own(environment: Environment, loop: Loop, propagation: str) -> None:
    before = loop.status("AnnotationProject", "digits")
    for kind, name in (("modeldeployment", "digits"), ("annotationproject", "digits"), ("trainingrun", "digits-small")):
        environment.kubectl("delete", kind, name, f"--namespace={NAMESPACE}", f"--cascade={propagation}", "--timeout=90s", timeout=100)
    until("no orphan is left", lambda: not _children(environment), timeout=90, describe=lambda: _children(environment))
    assert "digits-v1" in {name for _, name in loop.objects()}, "the generated run is the lineage record and stays"
    with label_studio(environment) as studio:
        assert len(studio.projects_of("e2e", NAMESPACE, "digits")) == 1, "a labelling project with annotations is never deleted"
    loop.apply()
    loop.follow()
    after = loop.status("AnnotationProject", "digits")
    assert labelled_in(after) == labelled_in(before)
    assert after["dataset"]["version"] == before["dataset"]["version"]
    with mlflow(environment) as api:
        assert len(api.runs_of("e2e", NAMESPACE, "digits-small")) == 1, "a finished run is taken up as finished"
        assert [v["version"] for v in api.versions("digits")] == ["1"]


def labelled_in(status: dict[str, Any]) -> tuple[int, str]:
    """Which labelling project it is. Its screen may be another one: a page's command applied the project as it is in the demo."""
    return status["labellingProject"]["id"], status["labellingProject"]["url"]


def _children(environment: Environment) -> list[str]:
    """Children of the deleted objects: everything of ours but what the generated run owns."""
    listed = environment.get("jobs,deployments,services,pods", f"--namespace={NAMESPACE}", "--selector=app.kubernetes.io/managed-by=treadle")["items"]
    return [f"{o['kind']} {o['metadata']['name']}" for o in listed if o["metadata"].get("labels", {}).get("treadle.dev/run") != "digits-v1"]
