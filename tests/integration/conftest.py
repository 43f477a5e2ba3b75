"""Fixtures of the integration tests: real servers, one each for the session, and a real control plane with a namespace per test."""

from tests.integration.control_plane import control_plane, place, toy_control_plane, toys
from tests.integration.label_studio_bench import bench
from tests.integration.other_stores import azure, gcs
from tests.integration.servers import label_studio, mlflow, s3

__all__ = ["azure", "bench", "control_plane", "gcs", "label_studio", "mlflow", "place", "s3", "toy_control_plane", "toys"]
