"""The series that Treadle exports, as PromQL names them, with their labels."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from e2e.metrics_page import of_objects, of_operator, of_serving


@cache
def metric_labels() -> Mapping[str, frozenset[str]]:
    """Name of a series to the names of its labels."""
    metrics = (*of_operator(), *of_objects(), *of_serving())
    return {series: frozenset(metric.labels) | {"le"} for metric in metrics for series in metric.series}
