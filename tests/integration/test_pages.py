"""What the pages show, on a real API server: commands that need no pods, and every object that a page writes down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.support.documents import ON_AN_API_SERVER, Block, blocks_of, pages, run_as_written
from tests.integration.control_plane import Place

KINDS = ("AnnotationProject", "TrainingRun", "ModelDeployment")
SMALLEST = {this["kind"]: this for this in yaml.safe_load_all((Path(__file__).parents[2] / "manifests/samples/smallest.yaml").read_text())}


def written() -> list[Any]:
    """Objects of ours on the pages; a spec of a named kind is completed from the smallest one."""
    found = []
    for block in (block for page in pages() for block in blocks_of(page) if block.language == "yaml" and not block.title):
        for number, document in enumerate(yaml.safe_load_all(block.text)):
            if document.get("kind") in KINDS:
                smallest = SMALLEST[document["kind"]]
                spec = {name: value for name, value in smallest["spec"].items() if name != "source" or "sources" not in document["spec"]}
                found.append(pytest.param(smallest | {"spec": spec | document["spec"]}, id=f"{block}-{number}"))
    return found


@pytest.mark.parametrize("this", written())
def test_an_object_on_a_page_is_accepted(place: Place, this: Any) -> None:
    where = f"--namespace={place.namespace}"
    place.cluster.kubectl("create", where, "--dry-run=server", "--validate=strict", "--filename=-", stdin=json.dumps(this))


@pytest.mark.parametrize("block", [block for page in ON_AN_API_SERVER for block in blocks_of(page) if block.language == "sh"], ids=str)
def test_commands_that_need_no_pods_work_as_they_are_written(place: Place, block: Block) -> None:
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "argocd-cm", "namespace": "argocd"},
        "data": {"url": "https://argocd.corp"},
    }
    place.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}}, settings)
    run_as_written(block.text, place.cluster.kubeconfig)
    data = json.loads(place.cluster.kubectl("get", "configmap", "argocd-cm", "--namespace=argocd", "--output=json"))["data"]
    assert data["url"] == "https://argocd.corp", "what was there stays"
    assert len([name for name in data if name.startswith("resource.customizations.health.treadle.dev_")]) == len(KINDS)
