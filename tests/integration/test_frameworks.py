"""The samples for frameworks: accepted as they stand, and the light ones trained, judged and registered. `make e2e-frameworks` does the others."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.integration.api_server import REPOSITORY, ApiServer, Object, api_server, samples
from tests.integration.control_plane import Place
from tests.integration.programs import program
from tests.integration.test_training_runs import Operator, running

__all__ = ["api_server"]

FOLDER = REPOSITORY / "manifests" / "samples" / "frameworks"
SAMPLES = samples("frameworks/*.yaml")
LIGHT = [this for this in SAMPLES if this["metadata"]["name"] in ("scikit-learn", "xgboost")]


@pytest.fixture
async def operator(place: Place, mlflow: str) -> AsyncIterator[Operator]:
    operator = Operator(place, mlflow)
    yield operator
    await operator.close()


def name_of(this: Object) -> str:
    return str(this["metadata"]["name"])


@pytest.mark.parametrize("this", SAMPLES, ids=name_of)
def test_a_sample_is_accepted_and_its_script_exists(api_server: ApiServer, this: dict[str, Any]) -> None:
    code, answer = api_server.create(this)
    assert code == 201, answer
    assert (FOLDER / this["spec"]["command"][-1]).is_file()


async def trained(operator: Operator, this: Object) -> None:
    """A run's program runs and ends well."""
    pod = await operator.pod(f"{name_of(this)}-1")
    await operator.runs(pod)
    await program(pod, FOLDER / this["spec"]["command"][-1], image="demo-train")
    await operator.ends(pod)


async def test_light_frameworks_are_trained_judged_and_registered(operator: Operator) -> None:
    async with running(operator):
        for this in LIGHT:
            await operator.apply(name_of(this), **this["spec"])
        await asyncio.gather(*(trained(operator, this) for this in LIGHT))
        for this in LIGHT:
            status = (await operator.phase(name_of(this), "Succeeded"))["status"]
            assert [gate["verdict"] for gate in status["gates"]] == ["Passed"]
            assert status["modelVersion"] == f"{operator.place.namespace}.sample-{name_of(this)}/1"
