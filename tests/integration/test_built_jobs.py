"""The Jobs that projects and runs build are accepted by an API server, however much there is to do, and come back as they were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.api_server import ApiServer, api_server
from treadle.engine._objects import contains
from treadle.workloads.job import sharded_spec

__all__ = ["api_server"]

UNIT = Path(__file__).parents[1] / "unit"
GOLDENS = sorted(UNIT.glob("*/*_job.yaml"))


def accepted(server: ApiServer, job: dict[str, Any]) -> dict[str, Any]:
    made = {**job, "metadata": {**job["metadata"], "namespace": server.namespace}}
    path = f"/apis/batch/v1/namespaces/{server.namespace}/jobs"
    answer = server.client.post(path, params={"fieldValidation": "Strict", "dryRun": "All"}, json=made)
    assert answer.status_code == 201, answer.json()["message"]
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda path: path.stem)
def test_a_built_job_comes_back_as_it_was_written(api_server: ApiServer, golden: Path) -> None:
    job = yaml.safe_load(golden.read_text())
    found = accepted(api_server, job)
    assert contains(found["spec"], job["spec"]), f"the API server writes it otherwise: {found['spec']}"


@pytest.mark.parametrize("shards", [1, 2, 3, 50])
def test_work_in_any_number_of_pieces_is_accepted(api_server: ApiServer, shards: int) -> None:
    job = yaml.safe_load((UNIT / "annotation" / "prelabel_job.yaml").read_text())
    accepted(api_server, job | {"spec": sharded_spec(job["spec"]["template"], shards)})
