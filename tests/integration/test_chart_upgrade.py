"""Installing, upgrading and removing the chart with helm on a real API server: no object is ever lost, and nothing of the tenant's is touched."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.cluster import Cluster, tool
from tests.integration.api_server import samples
from tests.unit.chart.render import CHART

NAMESPACE = "upgraded"
OURS = ("--take-ownership", "--force-conflicts")
"""The session's tests have brought the CRDs already: the release takes them over."""
Helm = Callable[..., str]


@pytest.fixture
def helm(control_plane: Cluster) -> Iterator[Helm]:
    """helm in a namespace of its own; the release is removed at the end, its CRDs stay for the other tests."""

    def run(*words: str | Path) -> str:
        command = [tool("helm"), *words, f"--namespace={NAMESPACE}", f"--kubeconfig={control_plane.kubeconfig}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    control_plane.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    try:
        yield run
    finally:
        if "treadle" in run("list", "--short"):
            run("uninstall", "treadle")
        control_plane.kubectl("delete", "namespace", NAMESPACE, "--wait=false")
        control_plane.apply_kinds(*(yaml.safe_load(path.read_text()) for path in sorted((CHART / "files" / "crds").iterdir())))


def earlier(folder: Path) -> Path:
    """The chart as an earlier version: another number, and a field in each spec that is no more."""
    chart = shutil.copytree(CHART, folder / "treadle")
    (chart / "Chart.yaml").write_text((CHART / "Chart.yaml").read_text().replace("version: 0.1.0", "version: 0.0.9", 1))
    for path in (chart / "files" / "crds").iterdir():
        crd = yaml.safe_load(path.read_text())
        spec_of(crd)["legacy"] = {"type": "string", "maxLength": 10}
        path.write_text(yaml.safe_dump(crd))
    return chart


def spec_of(crd: Any) -> Any:
    """The fields of a kind's spec."""
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]


def test_an_upgrade_brings_its_kinds_and_keeps_every_object_and_so_does_removing_the_chart(
    helm: Helm, control_plane: Cluster, tmp_path: Path
) -> None:
    here = f"--namespace={NAMESPACE}"

    def known() -> dict[str, Any]:
        found = json.loads(control_plane.kubectl("get", "annotationprojects,trainingruns,modeldeployments", here, "--output=json"))
        return {this["kind"]: (this["metadata"]["uid"], this["metadata"]["generation"], this["spec"]) for this in found["items"]}

    def with_legacy() -> int:
        crds = control_plane.get("customresourcedefinitions")["items"]
        return sum("legacy" in spec_of(crd) for crd in crds if crd["spec"]["group"] == "treadle.dev")

    def key() -> str:
        return control_plane.kubectl("get", "secret", "treadle-control", here, "--output=jsonpath={.data}")

    helm("install", "treadle", earlier(tmp_path), *OURS)
    assert with_legacy() == 3
    for this in samples("smallest.yaml"):
        control_plane.kubectl("create", here, "--filename=-", stdin=json.dumps(this))
    before, first_key = known(), key()
    assert len(before) == 3
    helm("upgrade", "treadle", CHART, "--set=replicas=2")
    assert (with_legacy(), known(), key()) == (0, before, first_key), "new kinds, old objects, one key for ever"
    helm("rollback", "treadle", "1")
    assert (with_legacy(), known(), key()) == (3, before, first_key)
    helm("upgrade", "treadle", CHART)
    helm("uninstall", "treadle")
    assert (with_legacy(), known(), key()) == (0, before, first_key), "kinds, their objects and the key are kept"
