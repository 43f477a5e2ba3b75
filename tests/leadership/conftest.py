"""Options and real servers of `make leadership`."""

import pytest

from tests.integration.control_plane import control_plane
from tests.integration.servers import mlflow, s3

__all__ = ["control_plane", "mlflow", "s3"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--wave", type=int, default=80, help="TrainingRuns that are ending or being launched when the leader falters")
    parser.addoption("--times", type=int, default=3, help="how often each fault and each update is lived through")
    parser.addoption("--without-jobs", action="store_true", help="the Jobs of those are gone, as they are a week later: the page is made sooner")
    parser.addoption("--finished", type=int, default=10_000, help="finished TrainingRuns that are present during a rolling update")
