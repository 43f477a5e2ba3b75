"""What the page shows, as plain data: objects as nodes, what came of what as edges. Pure, so that the page decides nothing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from treadle.cli._health import FAILS, GOES_ON, health
from treadle.cli._objects import conditions, dig, holds, unseen
from treadle.cli._status import Node, figures_of, forest, percent_of
from treadle.cli.ui._past import past_of, tables_of
from treadle.plan import Object

View = dict[str, Any]
TONES = {GOES_ON: "busy", FAILS: "bad"}
"""How a node is coloured; what holds is `good`."""
SHOWN = ("type", "status", "reason", "message", "lastTransitionTime")
"""Of a condition."""
WAITS = ("Reconciling", "Queued", "Suspended")
"""Conditions that say that something takes its time, and no more."""


def view_of(objects: Sequence[Object]) -> View:
    """Nodes in the order of the tree, parents first, and edges from parent to child."""
    rows: list[View] = []
    edges: list[tuple[str, str]] = []
    for root in forest(objects):
        _add(root, 0, rows, edges)
    return {"nodes": rows, "edges": edges}


def identity(this: Object) -> str:
    """What names an object on the page and in its address."""
    return f"{this['kind']}/{dig(this, 'metadata', 'namespace')}/{dig(this, 'metadata', 'name')}"


def samples_of(this: Object) -> Mapping[str, float]:
    """The numbers of an object that are worth a curve."""
    read = {"AnnotationProject": _project_samples, "TrainingRun": _run_samples, "ModelDeployment": _deployment_samples}[this["kind"]]
    return {name: number for name, value in read(this) if (number := _number(value)) is not None}


def _add(node: Node, depth: int, rows: list[View], edges: list[tuple[str, str]]) -> None:
    rows.append(_row(node.this, depth) | {"tables": tables_of(node.this, [child.this for child in node.children]), "past": past_of(node.this)})
    for child in node.children:
        edges.append((identity(node.this), identity(child.this)))
        _add(child, depth + 1, rows, edges)


def _row(this: Object, depth: int) -> View:
    status: Mapping[str, Any] = dig(this, "status") or {}
    return {
        "id": identity(this),
        "kind": this["kind"],
        "namespace": dig(this, "metadata", "namespace"),
        "name": dig(this, "metadata", "name"),
        "depth": depth,
        "phase": "not looked at yet" if unseen(this) else str(status.get("phase") or "Pending"),
        "tone": "idle" if dig(this, "spec", "suspend") else TONES.get(health([this]), "good"),
        "figures": list(figures_of(this)),
        "percent": percent_of(this),
        "conditions": [{key: c.get(key) for key in SHOWN} | {"tone": _tone(c)} for c in conditions(this)],
        "links": _links(status),
        "tracked": _text(dig(status, "tracking", "id")),
        "gates": [{key: gate.get(key) for key in ("name", "verdict", "value", "message")} for gate in status.get("gates") or ()],
        "shares": list(_shares(status)) if this["kind"] == "ModelDeployment" else [],
        "verdict": dig(status, "canary", "verdict"),
        "history": [{key: entry.get(key) for key in ("version", "outcome", "why", "when")} for entry in status.get("history") or ()][::-1],
    }


def _tone(condition: Mapping[str, Any]) -> str:
    if holds(condition):
        return "good"
    return "busy" if condition["type"] in WAITS or condition.get("status") == "Unknown" else "bad"


def _links(status: Mapping[str, Any]) -> list[View]:
    found = {
        "labelling project": dig(status, "labellingProject", "url"),
        "tracked run": dig(status, "tracking", "url"),
        "endpoint": status.get("url"),
    }
    return [{"words": words, "url": url} for words, url in found.items() if isinstance(url, str) and url.startswith(("http://", "https://"))]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _shares(status: Mapping[str, Any]) -> Iterator[View]:
    weight = int(dig(status, "canary", "weight") or 0)
    for role, revision, share in (("stable", status.get("stable"), 100 - weight), ("coming", status.get("canary"), weight)):
        if revision:
            yield {"role": role, "version": revision.get("version") or revision.get("revision"), "percent": share}


def _project_samples(this: Object) -> Iterator[tuple[str, Any]]:
    yield "items finished", dig(this, "status", "progress", "finished")
    yield "agreement", dig(this, "status", "quality", "agreement")


def _run_samples(this: Object) -> Iterator[tuple[str, Any]]:
    yield "done %", dig(this, "status", "progress", "percent")
    for metric in dig(this, "status", "progress", "metrics") or ():
        yield str(metric.get("name")), metric.get("value")


def _deployment_samples(this: Object) -> Iterator[tuple[str, Any]]:
    yield "weight of the coming version %", dig(this, "status", "canary", "weight")
    yield "ready pods", dig(this, "status", "readyReplicas")


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if number == number and abs(number) != float("inf") else None
