"""What an object's status remembers, as tables and curves: versions and people of a project, attempts and figures of a run, drift of a deployment."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from treadle.cli._objects import dig
from treadle.plan import Object

Table = dict[str, Any]
Curve = dict[str, Any]


def tables_of(this: Object, children: Sequence[Object] = ()) -> list[Table]:
    """Tables that people ask for; one without rows is left out."""
    status: Mapping[str, Any] = dig(this, "status") or {}
    read = {"AnnotationProject": _of_project, "TrainingRun": _of_run, "ModelDeployment": _of_deployment}[this["kind"]]
    return [_without_empty_columns(title, head, rows) for title, head, rows in read(status, children) if rows]


def past_of(this: Object) -> list[Curve]:
    """Curves over time that the status itself knows: items and agreement of the released versions."""
    releases = _listed(dig(this, "status", "releases"))
    curves = []
    for words, field in (("agreement of versions", "agreement"), ("items of versions", "items")):
        points = [
            (when, value) for each in releases if (when := _seconds(each.get("releasedAt"))) and (value := _number(each.get(field))) is not None
        ]
        if len(points) > 1:
            curves.append({"words": words, "points": sorted(points)})
    return curves


def _of_project(status: Mapping[str, Any], children: Sequence[Object]) -> Iterator[tuple[str, list[str], list[list[Any]]]]:
    runs: dict[Any, list[str]] = {}
    for run in children:
        runs.setdefault(dig(run, "status", "dataset", "version"), []).append(
            f"{run['metadata']['name']} ({dig(run, 'status', 'phase') or 'Pending'})"
        )
    rows = [
        [
            f"v{each.get('version')}",
            each.get("releasedAt"),
            each.get("items"),
            each.get("excluded"),
            each.get("agreement"),
            ", ".join(runs.get(each.get("version"), ())),
        ]
        for each in sorted(_listed(status.get("releases")), key=lambda each: int(_number(each.get("version")) or 0), reverse=True)
    ]
    yield "Versions", ["version", "released", "items", "left out", "agreement", "trained on it"], rows
    people = [[each.get(field) for field in PEOPLE] for each in _listed(dig(status, "quality", "byAnnotator"))]
    yield "People", [*PEOPLE.values()], people


def _of_run(status: Mapping[str, Any], _: Sequence[Object]) -> Iterator[tuple[str, list[str], list[list[Any]]]]:
    baselines = {str(each.get("alias")): _values(each.get("metrics")) for each in _listed(dig(status, "evaluation", "baselines"))}
    measured = _values(dig(status, "evaluation", "metrics")) or _values(dig(status, "progress", "metrics"))
    yield (
        "Figures",
        ["figure", "this run", *baselines],
        [[name, value, *(known.get(name) for known in baselines.values())] for name, value in sorted(measured.items())],
    )
    attempts = [[each.get(field) for field in ATTEMPTS] for each in _listed(status.get("attempts"))]
    yield "Attempts", [*ATTEMPTS.values()], attempts


def _of_deployment(status: Mapping[str, Any], _: Sequence[Object]) -> Iterator[tuple[str, list[str], list[list[Any]]]]:
    drift: Mapping[str, Any] = found if isinstance(found := status.get("drift"), Mapping) else {}
    rows = (
        [["yes" if drift.get("detected") else "no", drift.get("since"), drift.get("judgedAt"), drift.get("last") or drift.get("raised")]]
        if drift.get("judgedAt")
        else []
    )
    yield "Drift", ["drift", "since", "last look", "what it said"], rows
    accuracy = [[each.get(field) for field in ACCURACY] for each in _listed(dig(status, "accuracy", "versions"))]
    yield "Accuracy", [*ACCURACY.values()], accuracy


PEOPLE = {
    "annotator": "who",
    "annotations": "answers",
    "agreement": "agreement with others",
    "reliability": "reliability",
    "gold": "gold items",
    "goldAccuracy": "of them right",
}
ACCURACY = {"version": "version", "value": "accuracy", "low": "at least", "high": "at most", "right": "right", "labels": "true labels told"}
ATTEMPTS = {
    "number": "attempt",
    "outcome": "outcome",
    "reason": "reason",
    "startedAt": "from",
    "finishedAt": "to",
    "node": "node",
    "gpuSeconds": "GPU seconds",
    "message": "message",
}


def _without_empty_columns(title: str, head: list[str], rows: list[list[Any]]) -> Table:
    kept = [column for column in range(len(head)) if any(row[column] not in (None, "") for row in rows)]
    return {"title": title, "head": [head[column] for column in kept], "rows": [[row[column] for column in kept] for row in rows]}


def _listed(value: Any) -> list[Mapping[str, Any]]:
    """The entries of a list of objects; a status may hold anything."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _values(metrics: Any) -> dict[str, Any]:
    return {str(each.get("name")): each.get("value") for each in _listed(metrics)}


def _seconds(when: Any) -> float | None:
    try:
        return datetime.fromisoformat(str(when)).timestamp()
    except ValueError:
        return None


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
