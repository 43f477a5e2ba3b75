"""Fixtures of the integration tests: real servers, one each for the session, and a real control plane with a namespace per test."""

import pytest

from tests.integration.control_plane import control_plane, place, toy_control_plane, toys
from tests.integration.label_studio_bench import bench
from tests.integration.other_stores import azure, gcs
from tests.integration.servers import label_studio, mlflow, s3

LONGEST = ("runtime_canary", "evaluation", "leadership", "task_lives", "rollouts_judged", "annotation_life", "crash", "mlflow_styles", "jobs_demo")
"""Files that take one or two minutes and more, longest first: one that begins last keeps one worker busy while the others are done."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""
    order = {f"test_{name}": number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


__all__ = ["azure", "bench", "control_plane", "gcs", "label_studio", "mlflow", "place", "s3", "toy_control_plane", "toys"]
