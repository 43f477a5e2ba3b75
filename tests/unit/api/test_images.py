"""Every image that a sample names is found, wherever it stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from treadle.api import AnnotationProjectSpec, ModelDeploymentSpec, TrainingRunSpec
from treadle.api.images import named_images

SPECS = {"AnnotationProject": AnnotationProjectSpec, "TrainingRun": TrainingRunSpec, "ModelDeployment": ModelDeploymentSpec}
SAMPLES = sorted((Path(__file__).parents[3] / "manifests" / "samples").glob("*.yaml"))


def written(value: Any) -> Iterator[str]:
    """What stands behind `image:` anywhere in a manifest."""
    for name, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if name == "image":
            yield part
        yield from written(part)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_image_of_a_sample_is_found(path: Path) -> None:
    for this in yaml.safe_load_all(path.read_text()):
        if this["kind"] in SPECS:
            assert sorted(named_images(SPECS[this["kind"]].model_validate(this["spec"]))) == sorted(written(this["spec"]))


def test_the_samples_name_images_in_lists_and_templates_too() -> None:
    spec = AnnotationProjectSpec.model_validate(
        {
            "task": {"type": "ImageClassification", "labels": [{"name": "a"}, {"name": "b"}]},
            "source": {"uri": "s3://raw/"},
            "dataset": {"destination": "s3://datasets/"},
            "labelingFunctions": [{"name": "one", "image": "a/functions:1"}],
            "train": {"template": {"spec": {"image": "a/train:1"}}},
        }
    )
    assert sorted(named_images(spec)) == ["a/functions:1", "a/train:1"]
