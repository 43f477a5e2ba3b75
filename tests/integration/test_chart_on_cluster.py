"""What the chart puts into a cluster, on a real API server: admission policies, `helm test`, and objects that GitOps tools find as Git says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.cluster import Cluster, Problem, tool
from e2e.cluster.waiting import until
from tests.gitops import CUSTOMIZATIONS
from tests.integration.api_server import ApiServer, Object, api_server, sample, samples
from tests.integration.control_plane import Place
from tests.unit.chart.render import CHART, RELEASE_NAMESPACE, of_kind, render
from treadle.api import names

__all__ = ["api_server"]
DIGEST = "@sha256:" + "0" * 64
ACME = '"registry.example/acme/"'
GUARDED = (
    "admission.approvals=true",
    "admission.images=true",
    "imagePolicy.requireDigest=true",
    'imagePolicy.allowed=["elsewhere/"]',
)


class Person:
    """Somebody with one of the chart's roles for people, and kubectl."""

    def __init__(self, server: ApiServer, role: str) -> None:
        self.server = server
        self.kubeconfig = server.cluster.kubeconfig_for(role)

    def tries(self, *words: str, stdin: Object | None = None) -> str:
        """What the API server refused with; empty when it did not."""
        command = [tool("kubectl"), f"--kubeconfig={self.kubeconfig}", f"--namespace={self.server.namespace}", *words]
        told = json.dumps(stdin) if stdin else None
        done = subprocess.run(command, input=told, capture_output=True, text=True, check=False, timeout=30)
        return done.stderr if done.returncode else ""


@pytest.fixture(scope="module")
def people(api_server: ApiServer) -> tuple[Person, Person]:
    """An editor, and an admin who may approve; the policies hold in the module's namespace."""
    wanted = [
        this
        for this in render(
            f'scope.namespaces=["{api_server.namespace}"]', *GUARDED, f'imagePolicy.namespaces={{"{api_server.namespace[:-1]}*": [{ACME}]}}'
        )
        if this["kind"].startswith("ValidatingAdmissionPolicy") or this["metadata"].get("labels", {}).get("treadle.dev/role")
    ]
    api_server.cluster.apply(*wanted)
    for person, roles in (("editor", ("edit", "view")), ("admin", ("edit", "view", "admin"))):
        for role in roles:
            api_server.kubectl("create", "rolebinding", f"{person}-{role}", f"--role=treadle-{role}", f"--user={person}")
    editor = Person(api_server, "editor")
    refused = run("x", "elsewhere/train:1")

    def holds() -> bool:
        return "not allowed" in editor.tries("create", "--dry-run=server", "--filename=-", stdin=refused)

    until("The admission policies", holds, timeout=30)
    return editor, Person(api_server, "admin")


def run(name: str, image: str) -> Object:
    return {"apiVersion": names.API_VERSION, "kind": "TrainingRun", "metadata": {"name": name}, "spec": {"image": image}}


def test_only_who_may_approve_approves_promotes_and_pins(people: tuple[Person, Person], api_server: ApiServer) -> None:
    editor, admin = people
    assert editor.tries("create", "--filename=-", stdin=sample("smallest.yaml", "ModelDeployment")) == ""
    for command in ("approve", "promote", "pin"):
        words = ("annotate", "modeldeployment", "shelf", f"treadle.dev/{command}=4", "--overwrite")
        assert f"treadle.dev/{command} may only be changed by who may update modeldeployments/approve" in editor.tries(*words)
        assert admin.tries(*words) == ""
        assert "may only be changed" in editor.tries("annotate", "modeldeployment", "shelf", f"treadle.dev/{command}-"), "nor may it be taken back"
    assert editor.tries("annotate", "modeldeployment", "shelf", "treadle.dev/abort=4") == "", "to stop something needs no approval"
    assert editor.tries("patch", "modeldeployment", "shelf", "--type=merge", "--patch", '{"spec": {"suspend": true}}') == ""


def test_a_pin_at_birth_needs_an_approval_too(people: tuple[Person, Person]) -> None:
    editor, admin = people
    pinned = sample("smallest.yaml", "ModelDeployment") | {"metadata": {"name": "born", "annotations": {names.PIN: "3"}}}
    assert "treadle.dev/pin may only be changed" in editor.tries("create", "--filename=-", stdin=pinned)
    assert admin.tries("create", "--filename=-", stdin=pinned) == ""


def test_images_from_elsewhere_are_refused_wherever_they_stand(people: tuple[Person, Person]) -> None:
    editor, _ = people
    good = "registry.example/acme/train" + DIGEST

    def said(this: Object) -> str:
        return editor.tries("create", "--dry-run=server", "--filename=-", stdin=this)

    assert said(run("a", good)) == ""
    assert "image registry.example/acme/train:1 must be named by digest" in said(run("b", "registry.example/acme/train:1"))
    assert "image elsewhere/x" in said(run("c", f"elsewhere/x{DIGEST}"))
    shown = run("d", good)
    shown["spec"] |= {"checkpoint": {"claim": "c"}, "tensorboard": {"logDir": "/treadle/checkpoint/logs", "image": f"elsewhere/board{DIGEST}"}}
    assert "image elsewhere/board" in said(shown)
    project = sample("smallest.yaml", "AnnotationProject")
    trains = project | {"spec": project["spec"] | {"train": {"template": {"spec": {"image": f"elsewhere/train{DIGEST}"}}}}}
    assert "image elsewhere/train" in said(trains)
    functions = project | {"spec": project["spec"] | {"labelingFunctions": [{"name": "f", "image": f"elsewhere/f{DIGEST}"}]}}
    assert "image elsewhere/f" in said(functions)
    assert said(project) == ""


def test_helm_test_finds_the_kinds_served_and_says_so(control_plane: Cluster, tmp_path: Path) -> None:
    control_plane.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": RELEASE_NAMESPACE}})
    hooks = [this for this in render() if "helm.sh/hook" in this["metadata"].get("annotations", {})]
    control_plane.apply(*(this for this in hooks if this["kind"] != "Pod"))
    (pod,) = [this for this in hooks if this["kind"] == "Pod"]
    (tmp_path / "token").write_text(control_plane.kubectl("create", "token", "treadle-test", f"--namespace={RELEASE_NAMESPACE}").strip())
    (tmp_path / "ca.crt").write_bytes((control_plane.layout.pki / "ca.crt").read_bytes())
    environment = {"ACCOUNT": str(tmp_path), "API_SERVER": control_plane.server, "NAMESPACE": RELEASE_NAMESPACE}
    command = [sys.executable, "-c", *pod["spec"]["containers"][0]["args"]]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("served, and the smallest one is taken") == 3
    assert "smoke" not in control_plane.kubectl(
        "get", "annotationprojects,trainingruns,modeldeployments", f"--namespace={RELEASE_NAMESPACE}", "--ignore-not-found"
    ), "nothing is kept"


LIVED = {
    "AnnotationProject": "healthy_labeling_accepting_annotations",
    "TrainingRun": "healthy_succeeded_run_succeeded",
    "ModelDeployment": "healthy_rolling_out_pods_ready",
}
"""A state of each kind, as the operator left it in a story."""


def live(this: Object, cluster: Cluster, *in_: str) -> None:
    """Write what the operator writes: a whole status, and where the object is deleted with care, the finalizer."""
    captured: Any = yaml.safe_load((CUSTOMIZATIONS / this["kind"] / "testdata" / f"{LIVED[this['kind']]}.yaml").read_text())
    where = (*in_, this["kind"].lower(), this["metadata"]["name"], "--type=merge")
    cluster.kubectl("patch", *where, "--subresource=status", "--patch", json.dumps({"status": captured["status"]}))
    if this["kind"] == "AnnotationProject":
        cluster.kubectl("patch", *where, "--patch", json.dumps({"metadata": {"finalizers": [names.FINALIZER]}}))


def declared(live: Any, said: Any) -> Any:
    """Of what lives, what the manifest speaks about: Argo CD leaves out fields that only the live object has."""
    if isinstance(live, dict) and isinstance(said, dict):
        return {name: declared(value, said[name]) for name, value in live.items() if name in said}
    if isinstance(live, list) and isinstance(said, list) and len(live) == len(said):
        return [declared(*pair) for pair in zip(live, said, strict=True)]
    return live


@pytest.mark.parametrize("mode", ["client", "server", "replace"])
def test_a_reconciled_object_has_no_difference_to_its_manifest(place: Place, mode: str) -> None:
    """Neither by default, nor with server-side apply, nor with Replace=true: an operator that writes no spec leaves nothing to fight about."""
    objects = [this | {"metadata": {"name": f"{this['metadata']['name']}-{mode}"}} for this in samples("*.yaml") if this["kind"] in LIVED]
    how = ["--server-side", "--field-manager=argocd"] if mode == "server" else []
    for this in objects:
        told = json.dumps(this)
        server, where = place.cluster, f"--namespace={place.namespace}"
        server.kubectl("create" if mode == "replace" else "apply", where, *how, "--filename=-", stdin=told)
        live(this, server, where)
        if mode == "replace":
            server.kubectl("replace", where, "--filename=-", stdin=told)
        else:
            assert server.kubectl("diff", where, *how, "--filename=-", stdin=told) == ""
        kept: Any = json.loads(server.kubectl("get", this["kind"].lower(), this["metadata"]["name"], where, "--output=json"))
        assert declared(kept["spec"], this["spec"]) == this["spec"], "as Argo CD compares: nothing that Git says is another"
        assert kept["status"]["conditions"], "a status is not lost by a replacement"
        server.kubectl(
            "patch", this["kind"].lower(), this["metadata"]["name"], where, "--type=merge", "--patch", '{"metadata": {"finalizers": null}}'
        )


def test_the_static_bundle_is_accepted_whole(control_plane: Cluster) -> None:
    """By a strict API server, as a dry run."""
    folder = CHART.parents[1] / "manifests" / "install"
    control_plane.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": RELEASE_NAMESPACE}})
    said = control_plane.kubectl("apply", "--dry-run=server", "--validate=strict", f"--kustomize={folder}")
    assert said.count("(server dry run)") == len([line for line in said.splitlines() if line])
    assert "deployment.apps/treadle" in said


@pytest.mark.parametrize("values", sorted((CHART / "ci").glob("*.yaml")), ids=lambda path: path.stem.removesuffix("-values"))
def test_all_that_the_chart_makes_is_accepted_by_a_strict_api_server(control_plane: Cluster, values: Path) -> None:
    """As a dry run. Kinds of the Prometheus operator are left out: they are not installed here."""
    objects = [this for this in render(values=values) if not this["apiVersion"].startswith("monitoring.coreos.com/")]
    namespaces = {this["metadata"].get("namespace", RELEASE_NAMESPACE) for this in objects}
    control_plane.apply(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in sorted(namespaces)))
    control_plane.apply(*of_kind(objects, "ServiceAccount"))  # for real: a pod is refused whose account does not exist
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    said = control_plane.kubectl("apply", "--dry-run=server", "--validate=strict", "--filename=-", stdin=listed)
    assert said.count("(server dry run)") == len(objects)


def test_who_reads_metrics_reads_them_through_the_api_server_and_nothing_else(control_plane: Cluster) -> None:
    (role,) = [this for this in of_kind(render(), "Role") if this["metadata"]["labels"].get("treadle.dev/role") == "metrics"]
    control_plane.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": RELEASE_NAMESPACE}}, role)
    control_plane.kubectl(
        "create", "rolebinding", "reader", f"--role={role['metadata']['name']}", "--user=reader", f"--namespace={RELEASE_NAMESPACE}"
    )
    reader = control_plane.kubeconfig_for("reader")
    proxied = f"/api/v1/namespaces/{RELEASE_NAMESPACE}/services/treadle-metrics:%s/proxy/metrics"

    def said(path: str) -> str:
        with pytest.raises(Problem) as refused:  # no pod runs here: whoever is let through finds nobody
            control_plane.kubectl("get", "--raw", path, as_user=reader)
        return str(refused.value)

    until("The reader's right", lambda: "Forbidden" not in said(proxied % "8080"), timeout=10)
    assert "Forbidden" not in said(proxied % "metrics")
    assert "Forbidden" in said(proxied % "8081")
    assert "Forbidden" in said("/metrics"), "those of the API server are not ours to give"
