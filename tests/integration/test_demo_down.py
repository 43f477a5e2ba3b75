"""`make demo-down` on a cluster of somebody else: what the demo installed goes, with its rights; what others have stays."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from e2e.cluster import Cluster, tool
from e2e.environment.existing import DEMO_NAMESPACE, Existing
from e2e.environment.operator import INSTALLATION, OPERATOR_NAMESPACE, RELEASE
from e2e.environment.target import MADE_BY, namespace
from tests.integration.control_plane import Place
from tests.unit.chart.render import CHART

KINDS = ("annotationprojects.treadle.dev", "modeldeployments.treadle.dev", "trainingruns.treadle.dev")


@pytest.fixture
def cluster(control_plane: Cluster) -> Iterator[Cluster]:
    """The control plane; in the end it is as other tests expect it."""
    yield control_plane
    helm(control_plane, "uninstall", RELEASE, "--ignore-not-found")
    control_plane.kubectl("delete", "namespace", "--ignore-not-found", DEMO_NAMESPACE, OPERATOR_NAMESPACE)
    control_plane.apply_kinds(*(yaml.safe_load(path.read_text()) for path in sorted((CHART / "files" / "crds").iterdir())))


def helm(cluster: Cluster, *words: str | Path) -> None:
    command = [tool("helm"), *words, f"--namespace={OPERATOR_NAMESPACE}", f"--kubeconfig={cluster.kubeconfig}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def install(cluster: Cluster, installation: str) -> None:
    cluster.apply(json.loads(namespace(DEMO_NAMESPACE)), json.loads(namespace(OPERATOR_NAMESPACE)))
    taken = ("--take-ownership", "--force-conflicts")  # the session's tests have brought the CRDs already
    helm(cluster, "upgrade", "--install", RELEASE, CHART, f"--set=installation={installation}", *taken)


def there(cluster: Cluster) -> set[str]:
    """What there is of the installation, by name."""
    listed = cluster.kubectl("get", "namespaces,clusterroles,customresourcedefinitions", "--output=json")
    ours = (DEMO_NAMESPACE, OPERATOR_NAMESPACE, RELEASE, *KINDS)
    return {f"{this['kind']} {this['metadata']['name']}" for this in json.loads(listed)["items"] if this["metadata"]["name"] in ours}


def test_what_the_demo_installed_goes_and_objects_of_others_keep_their_definitions(cluster: Cluster, place: Place) -> None:
    theirs = {"apiVersion": "treadle.dev/v1alpha1", "kind": "TrainingRun", "metadata": {"name": "theirs", "namespace": place.namespace}}
    cluster.apply(theirs | {"spec": {"image": "registry.example/train:1"}})
    install(cluster, INSTALLATION)
    assert f"ClusterRole {RELEASE}" in there(cluster)
    said: list[str] = []
    Existing(cluster.kubeconfig).down(said.append)
    assert there(cluster) == {f"CustomResourceDefinition {kind}" for kind in KINDS}
    assert place.kubectl("get", "trainingrun", "theirs", "--output=name").strip() == "trainingrun.treadle.dev/theirs"
    assert any("the definitions of the kinds stay" in line and place.namespace in line for line in said), said


def test_an_installation_of_others_stays_as_it_is(cluster: Cluster) -> None:
    install(cluster, "production")
    cluster.kubectl("label", "namespace", OPERATOR_NAMESPACE, DEMO_NAMESPACE, f"{MADE_BY}-")
    said: list[str] = []
    Existing(cluster.kubeconfig).down(said.append)
    assert there(cluster) == {
        f"Namespace {DEMO_NAMESPACE}",
        f"Namespace {OPERATOR_NAMESPACE}",
        f"ClusterRole {RELEASE}",
        *(f"CustomResourceDefinition {kind}" for kind in KINDS),
    }
    assert "installed as production" in said[-1]
