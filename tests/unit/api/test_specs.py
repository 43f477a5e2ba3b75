"""What a spec means where it is silent, and how one becomes another."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from treadle.api import AnnotationProjectSpec, ModelDeploymentSpec, TrainingRunSpec
from treadle.api.model_deployment import ModelSource
from treadle.api.training_run import DatasetReference

SAMPLES = Path(__file__).parents[3] / "manifests" / "samples"
SPECS = {"AnnotationProject": AnnotationProjectSpec, "TrainingRun": TrainingRunSpec, "ModelDeployment": ModelDeploymentSpec}


def spec_of(file: str, kind: str) -> Any:
    (this,) = [this for this in yaml.safe_load_all((SAMPLES / file).read_text()) if this["kind"] == kind]
    return SPECS[kind](**this["spec"])


def test_the_smallest_project_says_what_it_does() -> None:
    spec = spec_of("smallest.yaml", "AnnotationProject")
    (source,) = spec.all_sources
    assert (source.name, source.uri) == ("default", "s3://retail-raw/shelf/")
    assert (spec.workforce.annotations_per_item, spec.workforce.overlap_percent) == (1, 100)
    assert (spec.dataset.splits.train, spec.dataset.splits.validation, spec.dataset.splits.test) == (80, 10, 10)
    assert (spec.backend.type, spec.quality.agreement, spec.train) == ("LabelStudio", None, None)


def test_the_smallest_run_says_what_it_does() -> None:
    spec = spec_of("smallest.yaml", "TrainingRun")
    assert (spec.registration.model, spec.registration.alias) == ("shelf", None)
    assert (spec.retries.infrastructure, spec.retries.application, spec.nodes, spec.tracking) == (3, 0, 1, None)


def test_the_smallest_deployment_follows_candidate_and_promotes_to_champion() -> None:
    spec = spec_of("smallest.yaml", "ModelDeployment")
    assert (spec.model.followed_alias, spec.model.promotion_alias) == ("candidate", "champion")
    assert (spec.replicas, spec.rollout.strategy, spec.runtime.type) == (1, "Canary", "Treadle")


@pytest.mark.parametrize(
    ("source", "followed", "promoted"),
    [
        (ModelSource(name="a", alias="staging"), "staging", "champion"),
        (ModelSource(name="a", alias="staging", promote_to="live"), "staging", "live"),
        (ModelSource(name="a", alias="champion"), "champion", None),
        (ModelSource(name="a", version="3"), None, None),
        (ModelSource(run="a"), None, None),
        (ModelSource(uri="s3://a/m/"), None, None),
    ],
)
def test_only_an_alias_is_followed_and_only_what_is_followed_is_promoted(source: ModelSource, followed: str | None, promoted: str | None) -> None:
    assert (source.followed_alias, source.promotion_alias) == (followed, promoted)


def test_everything_in_a_full_sample_is_typed() -> None:
    run = spec_of("training-run.yaml", "TrainingRun")
    assert run.deadline == timedelta(hours=24)
    assert run.gates[1].tolerance == Decimal("0.005")
    deployment = spec_of("model-deployment.yaml", "ModelDeployment")
    assert deployment.rollout.analysis.max_latency_p95 == timedelta(milliseconds=250)
    project = spec_of("annotation-project.yaml", "AnnotationProject")
    assert project.sources[1].labels.as_ == "Annotation"


def test_a_template_and_a_dataset_make_a_run() -> None:
    template = spec_of("digits.yaml", "AnnotationProject").train.template.spec
    run = TrainingRunSpec(**dict(template), dataset=DatasetReference(project="digits", version="1"))
    assert run.to_object() == {
        "dataset": {"project": "digits", "version": "1"},
        "gates": [{"metric": "accuracy", "min": "0.85", "name": "floor"}],
        "image": "registry.example/treadle/demo-train:dev",
        "parameters": [{"name": "kernel", "value": "rbf"}],
        "register": {"model": "digits"},
        "resources": {"cpu": "500m", "gpu": 1, "memory": "1Gi"},
    }


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: str(path.name))
def test_every_sample_survives_writing_and_reading(path: Path) -> None:
    for this in yaml.safe_load_all(path.read_text()):
        spec = SPECS[this["kind"]](**this["spec"])
        assert type(spec).model_validate(spec.to_object()) == spec


def test_an_unknown_field_is_refused_and_specs_do_not_change() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        TrainingRunSpec.model_validate({"image": "a", "gpus": 1})
    with pytest.raises(ValidationError, match="frozen"):
        TrainingRunSpec(image="a").image = "b"  # type: ignore[misc]
