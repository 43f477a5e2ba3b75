"""Asks a Prometheus all that the dashboards and the alerts ask, and says what stays without an answer."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml

from e2e.dashboards.panels import Dashboard, Query

ALERTS = Path(__file__).resolve().parents[2] / "charts" / "treadle" / "files" / "alerts.yaml"
POINTS = 500
"""Moments at which a query is evaluated at most."""


def alert_rules() -> list[dict[str, Any]]:
    """The rules that the chart installs."""
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def filled(expr: str) -> str:
    """The expression as Grafana sends it, with everything chosen."""
    return re.sub(r"\$\w+", ".*", re.sub(r"\$__\w+", "10s", expr))


class Reading:
    """What a Prometheus has seen from the moment `since` on, in seconds since 1970: a panel shows that whole time."""

    def __init__(self, client: httpx.Client, since: float) -> None:
        self._client, self._since = client, since

    def found(self, expr: str) -> list[dict[str, str]]:
        """The labels of the series that an expression found and that ever were a number."""
        now = self._now()
        when = {"start": str(self._since), "end": str(now), "step": str(max(1.0, (now - self._since) / POINTS))}
        series = self._get("/query_range", query=filled(expr), **when)["result"]
        return [one["metric"] for one in series if any(value != "NaN" for _, value in one["values"])]

    def silent_panels(self, pages: Iterable[Dashboard]) -> Iterator[str]:
        """Queries that found nothing, or series without a label by which they are called."""
        for page in pages:
            for query in (query for row in page.rows for panel in row.panels for query in panel.queries):
                yield from (f"{page.title}: {complaint}" for complaint in self._silent(query))

    def silent_choices(self, pages: Iterable[Dashboard]) -> Iterator[str]:
        """Variables that offer nothing."""
        for page in pages:
            for variable in page.variables:
                selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable.query).groups()  # type: ignore[union-attr]
                if not self._get(f"/label/{label}/values", **{"match[]": filled(selector)}):
                    yield f"{page.title}: {selector} has no {label}"

    def silent_alerts(self, rules: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        """Figures of alerts that are not there, or lack a label that the expression or the texts name. That an alert fires is promtool's to show."""
        for rule in rules:
            self.found(rule["expr"])
            selectors = re.findall(r"(treadle_\w+)(\{[^}]*\})?", rule["expr"])
            series = {name: self.found(name) for name, _ in selectors}
            yield from (f"{rule['alert']}: no series of {name}" for name, found in series.items() if not found)
            labels = {label for found in series.values() for one in found for label in one}
            named = {word for _, selector in selectors for word in re.findall(r"(\w+)(?:=~|!=|=|!~)", selector)}
            told = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
            if any(series.values()) and (lacking := (named | told) - labels):
                yield f"{rule['alert']}: no label {', '.join(sorted(lacking))} at {', '.join(series)}"

    def _silent(self, query: Query) -> Iterator[str]:
        found = self.found(query.expr)
        if not found:
            yield f"{filled(query.expr)} finds nothing"
        for label in re.findall(r"{{(\w+)}}", query.legend):
            # What stands in for nothing has no labels.
            if "vector(0)" not in query.expr and not all(series.get(label) for series in found):
                yield f"{filled(query.expr)} has no {label}: {found[:3]}"

    def _now(self) -> float:
        """By its own clock."""
        return float(self._get("/query", query="time()")["result"][0])

    def _get(self, path: str, **parameters: str) -> Any:
        answer = self._client.get(path, params=parameters).json()
        if answer["status"] != "success":
            raise AssertionError(f"{path} {parameters}: {answer}")
        return answer["data"]
