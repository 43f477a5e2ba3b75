"""`kubectl treadle status`: projects, the runs that came of them, the deployments that serve what came of those."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from treadle.api import names
from treadle.cli._objects import by_name, conditions, dig, troubles, unseen
from treadle.plan import Object

Shown = Callable[[Object], Sequence[Mapping[str, Any]]]
BAR = 10
NOT_FOUND = "no AnnotationProject, TrainingRun or ModelDeployment"


@dataclass(frozen=True)
class Node:
    """An object, and what came of it."""

    this: Object
    children: tuple["Node", ...] = ()


def tell_status(objects: Sequence[Object], *, of: Object | None = None, every_condition: bool = False) -> list[str]:
    """The tree as lines, a line per object and one per condition that does not hold, or per condition.

    With `of`, only that object and what came of it.
    """
    if not objects:
        return [NOT_FOUND]
    shown = conditions if every_condition else troubles
    nodes = forest(objects)
    return [line for node in (_find(nodes, of) if of else nodes) for line in _lines(node, "", "", shown)]


def _find(nodes: Sequence[Node], this: Object) -> list[Node]:
    return [found for node in nodes for found in ([node] if node.this is this else _find(node.children, this))]


def forest(objects: Sequence[Object]) -> list[Node]:
    """The trees: projects with the runs on their data, runs with the deployments of their models, and what came of nothing that is there."""
    kinds: dict[str, list[Object]] = {"AnnotationProject": [], "TrainingRun": [], "ModelDeployment": []}
    for this in by_name(objects):
        kinds[this["kind"]].append(this)
    served: dict[int, list[Node]] = {}
    roots: list[Node] = []
    for deployment in kinds["ModelDeployment"]:
        run = _run_of(deployment, kinds["TrainingRun"])
        (served.setdefault(id(run), []) if run else roots).append(Node(deployment))
    trained: dict[str, list[Node]] = {}
    alone: list[Node] = []
    projects = {(p["metadata"].get("namespace"), p["metadata"]["name"]): p for p in kinds["AnnotationProject"]}
    for run in kinds["TrainingRun"]:
        node = Node(run, tuple(served.get(id(run), ())))
        project = (run["metadata"].get("namespace"), _project_of(run))
        (trained.setdefault(str(project), []) if project in projects else alone).append(node)
    return [Node(project, tuple(trained.get(str(key), ()))) for key, project in projects.items()] + alone + roots


def _project_of(run: Object) -> Any:
    return dig(run, "metadata", "labels", names.PROJECT) or dig(run, "spec", "dataset", "project")


def _run_of(deployment: Object, runs: Sequence[Object]) -> Object | None:
    """The run that made what a deployment serves; else the newest that registers its model."""
    here = [run for run in runs if run["metadata"].get("namespace") == deployment["metadata"].get("namespace")]
    if wanted := dig(deployment, "spec", "model", "run"):
        return next((run for run in here if run["metadata"]["name"] == wanted), None)
    if not (model := dig(deployment, "spec", "model", "name")):
        return None
    makers = [run for run in here if dig(run, "spec", "register", "model") == model]
    version = dig(deployment, "status", "stable", "version")
    exact = [run for run in makers if version and dig(run, "status", "registered", "version") == version]
    newest = sorted(makers, key=lambda run: str(run["metadata"].get("creationTimestamp")))
    return next(iter([*exact, *reversed(newest)]), None)


def _lines(node: Node, first: str, rest: str, shown: Shown) -> Iterator[str]:
    yield f"{first}{headline(node.this)}"
    bar = "│ " if node.children else "  "
    for condition in shown(node.this):
        yield f"{rest}{bar}  {tell_condition(condition)}"
    for index, child in enumerate(node.children, 1):
        last = index == len(node.children)
        yield from _lines(child, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "), shown)


def headline(this: Object) -> str:
    """An object in one line: what it is called, how it is, how far it is while it is under way, and its first numbers."""
    phase = "not looked at yet" if unseen(this) else str(dig(this, "status", "phase") or "Pending")
    percent = percent_of(this)
    under_way = [f"{bar(percent)} {percent} %{_left(this)}"] if percent is not None and percent < 100 else []
    return "  ".join([f"{this['kind']} {this['metadata']['name']}", phase, *under_way, *figures_of(this)])


def bar(percent: int, width: int = BAR) -> str:
    """A share as people see it at a glance."""
    filled = round(percent * width / 100)
    return "█" * filled + "░" * (width - filled)


def percent_of(this: Object) -> int | None:
    """How much is done of what an object is at: annotated items, steps of a run that has not ended."""
    status: Mapping[str, Any] = dig(this, "status") or {}
    match this["kind"]:
        case "AnnotationProject":
            items, finished = dig(status, "progress", "items"), dig(status, "progress", "finished") or 0
            share = 100 * finished // items if isinstance(items, int) and isinstance(finished, int) and items > 0 else None
        case "TrainingRun":
            share = None if dig(status, "result") else dig(status, "progress", "percent")
        case _:
            share = None
    return max(0, min(100, share)) if isinstance(share, int) else None


def _left(this: Object) -> str:
    seconds = dig(this, "status", "progress", "remainingSeconds")
    return f", {timedelta(seconds=seconds)} left" if isinstance(seconds, int) and 0 <= seconds < 10**9 else ""


def figures_of(this: Object) -> Iterator[str]:
    """The few numbers that people want of an object first."""
    status: Mapping[str, Any] = dig(this, "status") or {}
    match this["kind"]:
        case "AnnotationProject":
            if (items := dig(status, "progress", "items")) is not None:
                yield f"{dig(status, 'progress', 'finished') or 0} of {items} items"
            if (agreement := dig(status, "quality", "agreement")) is not None:
                yield f"agreement {agreement}"
            if version := dig(status, "dataset", "version"):
                yield f"dataset v{version}"
        case "TrainingRun":
            yield from (str(value) for field in ("metric", "modelVersion") if (value := dig(status, field)))
        case "ModelDeployment":
            if ready := dig(status, "ready"):
                yield f"{ready} ready"
            if model := dig(status, "model"):
                yield str(model)
            if candidate := dig(status, "candidate"):
                yield f"candidate {candidate} at {dig(status, 'canary', 'weight') or 0} %"
            yield from _accuracy(status)
            if dig(status, "drift", "detected"):
                yield "drift"


def _accuracy(status: Mapping[str, Any]) -> Iterator[str]:
    """How often the version that serves is right, as far as that is known."""
    serves, versions = dig(status, "stable", "version"), dig(status, "accuracy", "versions")
    for one in versions if isinstance(versions, list) else ():
        if serves and dig(one, "version") == serves:
            yield f"accuracy {_short(dig(one, 'value'))} ({_short(dig(one, 'low'))} to {_short(dig(one, 'high'))}, {dig(one, 'labels')} labels)"


def _short(share: Any) -> str:
    """A share in three digits; a status may hold anything."""
    try:
        return f"{float(share):.3g}"
    except (TypeError, ValueError):
        return "?"


def tell_condition(condition: Mapping[str, Any]) -> str:
    """A condition in one line: `Running=False PodNotReady: no ready pod`."""
    return f"{condition['type']}={condition.get('status')} {condition.get('reason')}: {condition.get('message', '')}"
