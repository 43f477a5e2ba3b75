"""A sample of the fault matrix, with one operator for all of it; `make faults` goes through it all."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from e2e.cluster import Cluster
from tests.faults.api_server import api_server
from tests.faults.drill import Case, went_through
from tests.faults.outside import outside
from tests.faults.world import World, opened
from tests.integration.servers import LabelStudioServer, S3Server

pytestmark = pytest.mark.asyncio(loop_scope="module")
SAMPLE = ("api-storm", "mlflow-writes", "labels-away", "store-login")
CASES = [case for case in (*api_server(), *outside()) if case.name in SAMPLE]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    control_plane: Cluster, mlflow: str, label_studio: LabelStudioServer, s3: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """One for all cases."""
    async with opened(control_plane, mlflow, label_studio, s3, tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_fault_is_told_and_overcome(world: World, case: Case) -> None:
    row = await went_through(world, case)
    assert row.mistakes == []
