"""What the chart says about itself, in Chart.yaml, README and schema, is true."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from e2e import chart_values
from e2e.generate import bundle
from tests.unit.chart.render import CHART, EVERYTHING, installed, of_kind, render, the
from treadle.api import AnnotationProjectSpec, ModelDeploymentSpec, TrainingRunSpec

METADATA: dict[str, Any] = yaml.safe_load((CHART / "Chart.yaml").read_text())
TOLD: dict[str, Any] = {name.removeprefix("artifacthub.io/"): yaml.safe_load(text) for name, text in METADATA["annotations"].items()}
SPECS = {"AnnotationProject": AnnotationProjectSpec, "TrainingRun": TrainingRunSpec, "ModelDeployment": ModelDeploymentSpec}


def test_the_images_it_names_are_the_images_it_runs() -> None:
    images = {image["name"]: image["image"] for image in TOLD["images"]}
    objects = render()
    (container,) = the(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    told = yaml.safe_load(the(objects, "ConfigMap")["data"]["installation.yaml"])["images"]
    assert images == {"operator": container["image"], **told}


def test_the_kinds_it_names_are_the_kinds_it_installs() -> None:
    crds = of_kind(render(), "CustomResourceDefinition")
    assert {(crd["spec"]["names"]["kind"], crd["metadata"]["name"]) for crd in crds} == {(crd["kind"], crd["name"]) for crd in TOLD["crds"]}


@pytest.mark.parametrize("this", TOLD["crdsExamples"], ids=lambda this: this["kind"])
def test_its_examples_are_valid(this: Any) -> None:
    SPECS[this["kind"]].model_validate(this["spec"])


def test_it_says_all_that_a_catalogue_asks_for() -> None:
    asked = {"license", "category", "operator", "operatorCapabilities", "crds", "crdsExamples", "images", "changes", "links", "prerelease"}
    assert asked <= set(TOLD)
    assert {"home", "icon", "sources", "maintainers", "keywords", "kubeVersion"} <= set(METADATA)


def test_it_names_no_key_as_releases_are_signed_without_one() -> None:
    assert "signKey" not in TOLD
    release = (CHART.parents[1] / ".github" / "workflows" / "release.yaml").read_text()
    assert 'cosign sign --yes "$REGISTRY/charts/treadle@$digest"' in release
    assert "--key" not in release


def test_every_value_is_described() -> None:
    text = (CHART / "values.yaml").read_text()
    described = chart_values.descriptions(text)
    told = list(chart_values.leaves(yaml.safe_load(text), described))
    assert len(told) > 50
    assert all(described[path].endswith((".", "`", ")")) for path, _ in told)


def test_a_value_without_a_description_is_told_by_name() -> None:
    text = "# -- One.\none: 1\nmore:\n  # -- Two.\n  two: 2\n  three: 3\n"
    with pytest.raises(ValueError, match=r"more\.three"):
        list(chart_values.leaves(yaml.safe_load(text), chart_values.descriptions(text)))


def test_the_values_for_tests_together_change_every_value() -> None:
    """So that no line of a template is left unrendered by the lint."""
    text = (CHART / "values.yaml").read_text()
    defaults = dict(chart_values.leaves(yaml.safe_load(text), chart_values.descriptions(text)))
    changed = set()
    for path in (CHART / "ci").glob("*.yaml"):
        values = yaml.safe_load(path.read_text())
        changed |= {key for key, default in defaults.items() if _at(values, key, default) != default}
    assert set(defaults) - changed == set()


def _at(values: Any, path: tuple[str, ...], default: Any) -> Any:
    for name in path:
        if not isinstance(values, dict) or name not in values:
            return default
        values = values[name]
    return values


def test_the_static_bundle_is_what_the_chart_installs() -> None:
    chart = installed(render('control.existingSecret="treadle-control"', "crds.keep=false"))
    static = [this for path in bundle() for this in yaml.load_all(path.read_text(), yaml.CSafeLoader)]
    by_name = {(this["kind"], this["metadata"]["name"]): this for this in static}
    assert by_name == {(this["kind"], this["metadata"]["name"]): this for this in chart}
    assert "Secret" not in {this["kind"] for this in static}, "everybody makes his own key"


def test_everything_has_been_rendered_once() -> None:
    kinds = {this["kind"] for this in render(values=EVERYTHING)}
    assert {"ServiceMonitor", "PrometheusRule", "ValidatingAdmissionPolicy", "PodDisruptionBudget", "NetworkPolicy"} <= kinds
