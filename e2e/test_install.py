"""The pages for a platform team, followed to the letter on a cluster where nothing is installed: Helm for the whole cluster and for some namespaces,
upgrade, rollback, restore, removal, and kustomize.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.cluster.progress import printed
from e2e.environment import Embedded, prepare
from e2e.environment.target import get, kubectl
from e2e.support.documents import ON_A_NEW_CLUSTER, ROOT, Block, blocks_of, replaced, run_as_written
from e2e.support.waiting import until

NAME = "treadle-install"
LATER = ("Upgrade", "High availability", "Back up", "Restore", "Look inside", "Remove")
"""Sections of the operations page, in the order in which the page tells of them."""


class Reader:
    """Somebody with a checkout, a cluster, and two tokens, who pastes."""

    def __init__(self, target: Embedded, images: dict[str, str], folder: Path) -> None:
        self.target, self.folder = target, folder
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(target.kubeconfig.read_text())
        for name in ("charts", "manifests"):
            (folder / name).symlink_to(ROOT / name)
        for name in ("mlflow", "label-studio"):
            (folder / f"{name}.token").write_text("secret")
        repository, _, tag = images["treadle-operator"].rpartition(":")
        self.images = {
            "repository: registry.example/treadle/operator, tag: 0.1.0": f"repository: {repository}, tag: {tag}",
            "newName: registry.example/treadle/operator, newTag: 0.1.0": f"newName: {repository}, newTag: {tag}",
        }

    def follow(self, page: str, *sections: str) -> str:
        """Write the files and paste the commands of some sections of a page; returns what was printed."""
        told = [self.does(block) for section in sections for block in blocks_of(page) if block.section == section]
        assert told, sections
        return "".join(told)

    def does(self, block: Block) -> str:
        """One block."""
        text = replaced(block.text, self.images)
        if block.title:
            (self.folder / block.title).write_text(text)
            return ""
        return run_as_written(text, self.kubeconfig, folder=self.folder, timeout=240) if block.language == "sh" else ""

    def kubectl(self, *words: str) -> str:
        """`kubectl words...`."""
        return kubectl(self.target, *words, timeout=120)

    def forget(self, *namespaces: str) -> None:
        """Delete namespaces and wait until they are gone."""
        self.kubectl("delete", "namespace", *namespaces, "--timeout=100s")


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader at a new cluster."""
    target = Embedded(NAME)
    images = dict(prepare(target, printed, ["treadle-operator"]))
    yield Reader(target, images, tmp_path_factory.mktemp("reader"))
    if not os.environ.get("TREADLE_E2E_KEEP"):
        target.down(printed)


def test_every_section_with_commands_is_followed_below() -> None:
    told = {(page, block.section) for page in ON_A_NEW_CLUSTER for block in blocks_of(page) if block.language == "sh"}
    install = {("docs/install.md", section) for section in ("For a whole cluster", "A tenant", "For some namespaces", "Without Helm")}
    assert told == install | {("docs/operations.md", section) for section in LATER} | {("charts/treadle/README.md", "")}


def test_the_charts_own_line_installs_it(reader: Reader) -> None:
    for block in blocks_of("charts/treadle/README.md"):
        reader.does(block)
    assert "treadle" in reader.kubectl("get", "deployments", "--namespace=treadle-system", "--output=name")
    run_as_written("helm uninstall treadle --namespace treadle-system", reader.kubeconfig)
    reader.kubectl("delete", "crd", "annotationprojects.treadle.dev", "trainingruns.treadle.dev", "modeldeployments.treadle.dev")
    reader.forget("treadle-system")


def test_a_whole_cluster_and_a_tenant(reader: Reader) -> None:
    told = reader.follow("docs/install.md", "For a whole cluster", "A tenant")
    assert "Succeeded" in told, "helm test passed"
    assert "AnnotationProject shelf" in told
    assert ready(reader, "treadle-system") == 2


def test_upgrade_rollback_restore_and_removal_keep_what_tenants_have(reader: Reader) -> None:
    before = objects(reader, "retail-a")
    told = reader.follow("docs/operations.md", *LATER[:-1])
    assert "treadle_leader" in told
    assert objects(reader, "retail-a") == before
    for block in (block for block in blocks_of("docs/operations.md") if block.section == "Remove" and "helm" in block.text):
        reader.does(block)
    assert objects(reader, "retail-a") == before, "kinds and objects are kept"
    reader.forget("treadle-system", "retail-a")
    for block in (block for block in blocks_of("docs/operations.md") if block.section == "Remove" and "helm" not in block.text):
        reader.does(block)
    assert "treadle.dev" not in reader.kubectl("get", "crds", "--output=name")


def test_some_namespaces_with_two_replicas_and_connections(reader: Reader) -> None:
    told = reader.follow("docs/install.md", "For some namespaces")
    assert "AnnotationProject shelf" in told
    assert "treadle" not in reader.kubectl(
        "get", "clusterroles,clusterrolebindings", "--selector=app.kubernetes.io/instance=treadle", "--output=name"
    )
    assert ready(reader, "ml-platform") == 2
    assert "treadle" in reader.kubectl("get", "poddisruptionbudgets", "--namespace=ml-platform", "--output=name")
    until("the operator looks at the tenant's objects", lambda: looked_at(reader, "retail-b"), timeout=60)
    kubectl(reader.target, "apply", "--namespace=default", f"--filename={ROOT}/manifests/samples/smallest.yaml")
    leader = holder(reader)
    reader.kubectl("delete", "pod", leader.rpartition("-")[0], "--namespace=ml-platform", "--wait=false")
    until("the other replica leads", lambda: holder(reader) not in ("", leader), timeout=60)
    assert looked_at(reader, "default") == set(), "nobody watches that namespace"
    kubectl(reader.target, "delete", "--namespace=default", f"--filename={ROOT}/manifests/samples/smallest.yaml")
    run_as_written("helm uninstall treadle --namespace ml-platform", reader.kubeconfig)
    reader.forget("ml-platform", "retail-b")


def test_without_helm(reader: Reader) -> None:
    reader.follow("docs/install.md", "Without Helm")
    assert ready(reader, "treadle-system") == 1


def ready(reader: Reader, namespace: str) -> int:
    """Ready replicas of the operator."""
    return int(get(reader.target, "deployment", "treadle", f"--namespace={namespace}")["status"].get("readyReplicas", 0))


def holder(reader: Reader) -> str:
    """Who leads."""
    return str(get(reader.target, "lease", "treadle", "--namespace=ml-platform")["spec"].get("holderIdentity") or "")


def looked_at(reader: Reader, namespace: str) -> set[str]:
    """Kinds whose object has a status from the operator."""
    found = get(reader.target, "annotationprojects,trainingruns,modeldeployments", f"--namespace={namespace}")["items"]
    return {this["kind"] for this in found if this["status"].get("conditions")}


def objects(reader: Reader, namespace: str) -> dict[str, str]:
    """Kind to UID and spec of what a tenant has."""
    found = get(reader.target, "annotationprojects,trainingruns,modeldeployments", f"--namespace={namespace}")["items"]
    return {this["kind"]: f"{this['metadata']['uid']} {json.dumps(this['spec'])}" for this in found}
