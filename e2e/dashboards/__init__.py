"""Grafana dashboards, written as what they show; `make generate` turns them into the JSON that the chart installs."""

import json
from collections.abc import Mapping

from e2e.dashboards import fleet, models, operator
from e2e.dashboards.panels import Dashboard, rendered

DASHBOARDS: tuple[Dashboard, ...] = (fleet.FLEET, fleet.PROJECT, models.RUN, models.DEPLOYMENT, operator.HEALTH)


def dashboard_files() -> Mapping[str, str]:
    """The dashboards as JSON, by file name."""
    return {f"{dashboard.uid}.json": json.dumps(rendered(dashboard), indent=1) + "\n" for dashboard in DASHBOARDS}
