"""The samples for GitOps tools and the installation page are true: values fit the chart, objects fit the kinds, waves fit the page."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.cluster import tool
from e2e.support.documents import blocks_of
from tests.gitops import HERE
from tests.unit.chart.render import of_kind, render
from treadle.api import AnnotationProjectSpec, ModelDeploymentSpec, TrainingRunSpec

SPECS = {"AnnotationProject": AnnotationProjectSpec, "TrainingRun": TrainingRunSpec, "ModelDeployment": ModelDeploymentSpec}
DOCS = HERE.parents[1] / "docs"


def values_of_samples() -> dict[str, Any]:
    """The chart's values in each sample."""
    application = yaml.safe_load((HERE / "argocd" / "operator.yaml").read_text())
    _, release = yaml.safe_load_all((HERE / "flux" / "operator.yaml").read_text())
    pages = {
        block.title: yaml.safe_load(block.text) for block in blocks_of("docs/install.md") if block.title.endswith(("values.yaml", "spaces.yaml"))
    }
    return {
        "Argo CD": application["spec"]["source"]["helm"]["valuesObject"],
        "Flux": release["spec"]["values"],
        **pages,
    }


@pytest.mark.parametrize("where", ["Argo CD", "Flux", "values.yaml", "namespaces.yaml"])
def test_the_values_fit_the_chart_and_need_no_cluster_to_be_rendered(where: str, tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(yaml.safe_dump(values_of_samples()[where]))
    objects = render(values=path)
    assert of_kind(objects, "Secret") == [], "a key that is made while rendering would be another one each time"
    assert of_kind(objects, "PodDisruptionBudget")


def test_the_folder_is_one_kustomization_of_valid_objects_in_the_pages_waves() -> None:
    command = [tool("kubectl"), "kustomize", HERE / "loop"]
    built = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    waves = {}
    for this in yaml.safe_load_all(built):
        SPECS[this["kind"]].model_validate(this["spec"])
        assert this["metadata"]["namespace"] == "retail"
        waves[this["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"]] = this["kind"]
    told = re.findall(r"^\| (\d) \| (\w+) \|", (DOCS / "gitops.md").read_text(), re.MULTILINE)
    assert dict(told) == waves


def test_argo_cds_settings_hold_every_script() -> None:
    data = yaml.safe_load((HERE / "argocd" / "argocd-cm.yaml").read_text())["data"]
    for kind in SPECS:
        folder = HERE / "argocd" / "resource_customizations" / "treadle.dev" / kind
        assert data[f"resource.customizations.health.treadle.dev_{kind}"] == (folder / "health.lua").read_text()
        actions = yaml.safe_load(data[f"resource.customizations.actions.treadle.dev_{kind}"])
        assert actions["discovery.lua"] == (folder / "actions" / "discovery.lua").read_text()
        scripts = {path.parent.name: path.read_text() for path in folder.glob("actions/*/action.lua")}
        assert {action["name"]: action["action.lua"] for action in actions["definitions"]} == scripts
