"""The parts of a dashboard, and what Grafana makes of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24
"""Columns of Grafana's grid."""
HEIGHTS = {"stat": 4, "timeseries": 8, "table": 9, "bargauge": 8}
STYLES: dict[str, dict[str, Any]] = {
    "stat": {"colorMode": "value", "graphMode": "area", "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}},
    "timeseries": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}, "tooltip": {"mode": "multi", "sort": "desc"}},
    "table": {"showHeader": True, "cellHeight": "sm"},
    "bargauge": {"displayMode": "gradient", "orientation": "horizontal", "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}},
}


@dataclass(frozen=True)
class Query:
    """An expression and how its series are called; `{{label}}` stands for a label."""

    expr: str
    legend: str


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What is shown, why, and in which unit (a name of Grafana's).

    `thresholds` are values from which on the colour changes, with the colour; `columns` are the labels that a table shows, in order.
    """

    title: str
    description: str
    queries: tuple[Query, ...]
    unit: str = "short"
    type: Literal["stat", "timeseries", "table", "bargauge"] = "timeseries"
    width: int = 12
    thresholds: tuple[tuple[float, str], ...] = ()
    stacked: bool = False
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """Panels under a heading, from left to right."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Variable:
    """A choice that people make on top of the dashboard: the values of a label of a metric."""

    name: str
    query: str


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """A page: its identity, heading, choices and rows."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = ()


def rendered(dashboard: Dashboard) -> dict[str, Any]:
    """The dashboard as Grafana imports it."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": ["treadle"],
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "links": [{"type": "dashboards", "tags": ["treadle"], "title": "Treadle", "asDropdown": True, "keepTime": True, "includeVars": True}],
        "templating": {"list": [_source(), *map(_variable, dashboard.variables)]},
        "panels": list(_placed(dashboard.rows)),
    }


def _source() -> dict[str, Any]:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "current": {}, "hide": 0, "refresh": 1}


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "label": variable.name.replace("_", " ").capitalize(),
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": variable.query, "refId": variable.name},
        "definition": variable.query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
        "hide": 0,
    }


def _placed(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Every panel in its place of the grid, with its number."""
    number, y = 0, 0
    for row in rows:
        number += 1
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "panels": [], "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": y}}
        y, x, tallest = y + 1, 0, 0
        for panel in row.panels:
            if x + panel.width > WIDTH:
                y, x, tallest = y + tallest, 0, 0
            height = HEIGHTS[panel.type]
            number += 1
            yield {"id": number, "gridPos": {"h": height, "w": panel.width, "x": x, "y": y}, **_panel(panel)}
            x, tallest = x + panel.width, max(tallest, height)
        y += tallest


def _panel(panel: Panel) -> dict[str, Any]:
    steps = [{"color": "green", "value": None}, *({"color": color, "value": value} for value, color in panel.thresholds)]
    custom = {"fillOpacity": 25, "stacking": {"mode": "normal", "group": "A"}} if panel.stacked else {"fillOpacity": 10}
    made: dict[str, Any] = {
        "type": panel.type,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "targets": [_target(query, chr(ord("A") + number), panel.type) for number, query in enumerate(panel.queries)],
        "options": STYLES[panel.type],
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "thresholds": {"mode": "absolute", "steps": steps},
                **({"custom": custom} if panel.type == "timeseries" else {}),
            },
            "overrides": [],
        },
    }
    if panel.columns:
        order = {name: place for place, name in enumerate((*panel.columns, "Value"))}
        made["transformations"] = [
            {"id": "organize", "options": {"indexByName": order, "excludeByName": {"Time": True}, "renameByName": {}, "includeByName": {}}}
        ]
    return made


def _target(query: Query, name: str, type_: str) -> dict[str, Any]:
    instant = {"instant": True, "range": False, "format": "table"} if type_ == "table" else {"instant": False, "range": True}
    return {"refId": name, "datasource": SOURCE, "expr": query.expr, "legendFormat": query.legend, "editorMode": "code", **instant}
