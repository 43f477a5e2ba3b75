"""`kubectl treadle` against a real API server."""

import json
from pathlib import Path

import pytest
import yaml

from tests.integration.control_plane import Place
from treadle.cli import complete, main

DIGITS = Path(__file__).parents[2] / "manifests" / "samples" / "digits.yaml"
INSTALLATION = """
id: test
images: {jobs: "treadle-jobs:0.1.0", runtime: "treadle-runtime:0.1.0"}
connections:
  store: {default: {endpoint: "http://s3.test:7070", region: us-east-1, tenantSecret: treadle-store}}
  mlflow: {default: {url: "http://mlflow.test:5000", artifactStore: "s3://mlflow/", shared: true}}
  labelStudio: {default: {url: "http://label-studio.test:8080", tokenFile: /run/token, tenantSecret: treadle-label-studio, shared: true}}
"""


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    path = tmp_path / "installation.yaml"
    path.write_text(INSTALLATION)
    return path


def run(place: Place, *words: str) -> int:
    return main([words[0], f"--kubeconfig={place.cluster.kubeconfig}", f"--namespace={place.namespace}", *words[1:]])


def test_a_plan_tells_what_would_happen_and_nothing_does(place: Place, configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(place, "plan", "-f", str(DIGITS), "--config", str(configuration)) == 0
    told = capsys.readouterr().out
    assert "AnnotationProject digits (new)" in told
    assert "assuming that labelStudio/default knows nothing yet: FindLabellingProject()" in told
    assert "EnsureLabellingProject(" in told
    assert "create Job digits-sync-" in told
    assert "ModelDeployment digits (new)" in told
    assert "ModelNotFound" in told
    assert place.kubectl("get", "ap,trun,mdep,jobs,deployments", "--output=name") == ""


def test_a_plan_of_a_change_is_made_from_what_exists(place: Place, configuration: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    place.kubectl("apply", "--server-side", f"--filename={DIGITS}")
    version = place.kubectl("get", "ap", "digits", "--output=jsonpath={.metadata.resourceVersion}")
    assert run(place, "plan", "-f", str(DIGITS), "--config", str(configuration)) == 0
    assert "AnnotationProject digits (unchanged)" in capsys.readouterr().out
    suspended = tmp_path / "suspended.yaml"
    suspended.write_text(DIGITS.read_text().replace("spec:\n  task:", "spec:\n  suspend: true\n  task:"))
    assert run(place, "plan", "-f", str(suspended), "--config", str(configuration)) == 0
    told = capsys.readouterr().out
    assert "AnnotationProject digits (changed)" in told
    assert "Suspended" in told
    assert "create Job" not in told
    assert place.kubectl("get", "ap", "digits", "--output=jsonpath={.metadata.resourceVersion}") == version


def test_a_plan_of_a_bad_object_says_what_the_api_server_says(
    place: Place, configuration: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(DIGITS.read_text().replace("annotationsPerItem: 2", "annotationsPerItem: 1"))
    assert run(place, "plan", "-f", str(bad), "--config", str(configuration)) == 1
    assert "set workforce.annotationsPerItem to 2 or more" in capsys.readouterr().err


def test_the_configuration_is_found_where_the_chart_put_it(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(place, "plan", "-f", str(DIGITS)) == 1
    assert "0 installations of the operator are found: give the configuration of one by --config FILE" in capsys.readouterr().err
    labels = {"app.kubernetes.io/name": "treadle"}
    metadata = {"name": "treadle", "namespace": place.namespace, "labels": labels}
    place.cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"installation.yaml": INSTALLATION}})
    try:
        assert run(place, "plan", "-f", str(DIGITS)) == 0
    finally:
        place.kubectl("delete", "configmap", "treadle")


def test_status_and_diagnosis_of_what_the_operator_wrote(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.kubectl("apply", "--server-side", f"--filename={DIGITS}")
    condition = {
        "type": "SourceSynced",
        "status": "False",
        "reason": "BucketNotFound",
        "message": "no bucket digits-raw",
        "lastTransitionTime": "2026-05-17T12:00:00Z",
    }
    status = {"status": {"observedGeneration": 1, "phase": "SettingUp", "conditions": [condition]}}
    place.kubectl("patch", "ap", "digits", "--subresource=status", "--type=merge", f"--patch={json.dumps(status)}")
    assert run(place, "status") == 0
    assert capsys.readouterr().out.splitlines() == [
        "AnnotationProject digits  SettingUp",
        "    SourceSynced=False BucketNotFound: no bucket digits-raw",
        "ModelDeployment digits  not looked at yet",
    ]
    assert run(place, "diagnose", "pod/digits") == 1
    assert run(place, "diagnose", "AnnotationProject/digits") == 0
    assert "do: Create it, or correct the URI named in the message." in capsys.readouterr().out


def test_a_run_is_repeated_with_everything_pinned_and_compared(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    spec = {"image": "registry.example/train:1", "dataset": {"project": "digits"}, "parameters": [{"name": "c", "value": "10"}]}
    first = {
        "apiVersion": "treadle.dev/v1alpha1",
        "kind": "TrainingRun",
        "metadata": {"name": "digits-v1", "namespace": place.namespace},
        "spec": spec,
    }
    place.cluster.apply(first)
    image = f"registry.example/train@sha256:{'a' * 64}"
    dataset = {"project": "digits", "version": 1, "digest": "d" * 64, "uri": "s3://sets/digits/v0001/"}
    measured = {"result": "Succeeded", "metrics": [{"name": "accuracy", "value": "0.9"}]}
    status = {"status": {"observedGeneration": 1, "imageDigest": image, "dataset": dataset, "evaluation": measured}}
    place.kubectl("patch", "trun", "digits-v1", "--subresource=status", "--type=merge", f"--patch={json.dumps(status)}")

    assert run(place, "rerun", "digits-v1", "--dry-run", "-o", "yaml") == 0
    told = yaml.safe_load(capsys.readouterr().out)
    assert told["spec"] == {
        "image": image,
        "dataset": {"uri": "s3://sets/digits/v0001/", "digest": f"sha256:{'d' * 64}"},
        "parameters": [{"name": "c", "value": "10"}],
        "nodes": 1,
        "sensitive": True,
        "rerunOf": "digits-v1",
    }, "the project is gone: nobody can say that its data is not sensitive"
    assert place.kubectl("get", "trun", "--output=name").split() == ["trainingrun.treadle.dev/digits-v1"]

    assert run(place, "rerun", "digits-v1") == 0
    assert capsys.readouterr().out == "trainingrun.treadle.dev/digits-v1-r1 made: repeats digits-v1\n"
    assert run(place, "rerun", "digits-v1-r1", "--name", "digits-v1") == 1
    assert "already exists" in capsys.readouterr().err
    assert run(place, "rerun", "nothing") == 1
    assert "there is no TrainingRun nothing" in capsys.readouterr().err

    assert run(place, "diff", "digits-v1", "digits-v1") == 0
    assert run(place, "diff", "digits-v1", "digits-v1-r1") == 1, "the metric is not there yet"
    assert "Nothing that went into digits-v1 and digits-v1-r1 differs." in capsys.readouterr().out
    assert run(place, "diff", "digits-v1", "digits-v1-r1", "-o", "json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["inputs"], found["metrics"]) == ([], [{"metric": "accuracy", "a": 0.9, "b": None, "change": None}])
    assert run(place, "diff", "digits-v1", "nothing") == 2


def test_a_command_is_written_as_the_annotation_that_the_operator_reads(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.kubectl("apply", "--server-side", f"--filename={DIGITS}")
    assert run(place, "abort", "digits") == 1
    assert "no version of ModelDeployment digits is proving itself" in capsys.readouterr().err
    assert run(place, "pin", "digits", "3", "--dry-run") == 0
    assert run(place, "unpin", "digits") == 1
    assert run(place, "pin", "digits", "3") == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("modeldeployment.treadle.dev/digits: version 3 is pinned")
    pinned = place.kubectl("get", "mdep", "digits", r"--output=jsonpath={.metadata.annotations.treadle\.dev/pin}")
    assert pinned == "3"
    assert run(place, "unpin", "digits") == 0


def test_suspending_leaves_the_rest_of_spec_as_it_is(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.kubectl("apply", "--server-side", f"--filename={DIGITS}")
    before = place.kubectl("get", "ap", "digits", "--output=jsonpath={.spec}")
    assert run(place, "suspend", "digits") == 1
    assert "say annotationproject/digits or modeldeployment/digits" in capsys.readouterr().err
    assert run(place, "suspend", "ap/digits") == 0
    assert place.kubectl("get", "ap", "digits", "--output=jsonpath={.spec.suspend}") == "true"
    assert run(place, "resume", "ap/digits") == 0
    assert place.kubectl("get", "ap", "digits", "--output=jsonpath={.spec}") == before


@pytest.fixture
def viewer(place: Place) -> Path:
    """The kubeconfig of somebody who has no more than the chart's Role to look at objects."""
    rules = [
        {"apiGroups": ["treadle.dev"], "resources": ["annotationprojects", "trainingruns", "modeldeployments"], "verbs": ["get", "list", "watch"]}
    ]
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "treadle-view"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": f"viewer-{place.namespace}"}
    for kind, more in (("Role", {"rules": rules}), ("RoleBinding", {"roleRef": reference, "subjects": [subject]})):
        metadata = {"name": "treadle-view", "namespace": place.namespace}
        place.cluster.apply({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, **more})
    return place.cluster.kubeconfig_for(f"viewer-{place.namespace}")


def test_who_may_only_look_at_objects_is_told_what_else_there_would_be(place: Place, viewer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place.kubectl("apply", "--server-side", f"--filename={DIGITS}")
    here = (f"--kubeconfig={viewer}", f"--namespace={place.namespace}")
    assert main(["describe", *here, "ap/digits"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("AnnotationProject digits")
    assert "Pods:\n  you may not read pods here: pods is forbidden" in told
    assert "Events:\n  you may not read events here: events is forbidden" in told
    assert main(["suspend", *here, "ap/digits"]) == 1
    assert capsys.readouterr().err.startswith("error: annotationprojects.treadle.dev")
    assert main(["plan", *here, "-f", str(DIGITS)]) == 1
    assert "give it by --config FILE" in capsys.readouterr().err
    assert main(["status", *here, "--all-namespaces"]) == 1
    assert capsys.readouterr().err.startswith("error: Forbidden: the API server refused to list annotationprojects")


def test_the_state_of_the_loop_is_an_exit_code(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.kubectl("apply", "--server-side", f"--filename={DIGITS}")
    assert run(place, "status", "--check") == 3
    capsys.readouterr()
    assert run(place, "status", "ap/digits", "-o", "json") == 0
    assert [item["kind"] for item in json.loads(capsys.readouterr().out)["items"]] == ["AnnotationProject"]


def test_names_are_completed_for_the_kind_that_a_command_is_for(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place.kubectl("apply", "--server-side", f"--filename={DIGITS}")
    config = yaml.safe_load(Path(place.cluster.kubeconfig).read_text())
    for context in config["contexts"]:
        context["context"]["namespace"] = place.namespace
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    assert complete(["pin", "d"]) == 0
    assert capsys.readouterr().out.splitlines() == ["digits", ":4"]
    assert complete(["approve", "d"]) == 0
    assert capsys.readouterr().out.splitlines() == [":4"]
