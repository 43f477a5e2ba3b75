"""The whole fault matrix, with a page that tells of it; `make faults`. A sample is part of the integration tests."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from e2e.cluster import Cluster
from tests.faults.api_server import api_server
from tests.faults.drill import Case, Row, went_through
from tests.faults.outside import outside
from tests.faults.report import EVIDENCE, page
from tests.faults.world import World, opened
from tests.integration.servers import LabelStudioServer, S3Server

pytestmark = pytest.mark.asyncio(loop_scope="module")
CASES = [*api_server(), *outside()]
ROWS: list[Row] = []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    control_plane: Cluster, mlflow: str, label_studio: LabelStudioServer, s3: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """One for all cases. Once all were gone through, whatever came of them, the page is written."""
    async with opened(control_plane, mlflow, label_studio, s3, tmp_path_factory.mktemp("faults")) as made:
        yield made
    if len(ROWS) == len(CASES):
        kubernetes = json.loads(control_plane.kubectl("get", "--raw=/version"))["gitVersion"]
        EVIDENCE.write_text(page(ROWS, kubernetes))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_fault_is_told_and_overcome(world: World, case: Case) -> None:
    row = await went_through(world, case)
    ROWS.append(row)
    assert row.mistakes == []
