"""A model that was saved with another version of its library says so."""

from pathlib import Path

import pytest
from sklearn import __version__ as installed

from tests.unit.predictors.models import save_iris
from treadle.contracts.serving import RuntimeSpec
from treadle.predictors import load_model
from treadle.runtime._service import Service

RELEASE = ".".join(installed.split(".")[:2])


@pytest.mark.parametrize(("saved", "told"), [("1.2.3", True), (f"{RELEASE}.99", False), (None, False)])
async def test_another_version_is_told_in_the_log_and_as_a_metric(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, saved: str | None, told: bool
) -> None:
    service = Service(RuntimeSpec(namespace="ml", deployment="iris", revision="abc123", model_name="iris", model_version="7"))
    service.loaded(load_model(save_iris(tmp_path, sklearn_version=saved)), 0.1)
    await service.close()
    assert (f"saved with scikit-learn {saved}, read with {installed}" in caplog.text) == told
    assert (b'package="scikit-learn",revision="abc123",saved="1.2.3"} 1.0' in service.metrics.exposition()) == told
